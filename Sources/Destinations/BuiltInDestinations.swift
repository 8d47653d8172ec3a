public import Collector

/// The registry of the destination types of this module.
public enum BuiltInDestinations {
    /// All of them.
    public static let types: [DestinationType] = [.api, .console, .file, .memory]
}
