public import Collector

/// Everything that is wrong with the settings of a Redis destination, at once.
public struct RedisSettingsError: Error, Sendable, Equatable {
    /// What is wrong; at least one.
    ///
    /// Each problem names the setting by its path and says what to write instead; none repeats a value that may be
    /// secret.
    public let problems: [ConfigurationProblem]
}

extension RedisSettingsError: CustomStringConvertible {
    /// The problems, separated by semicolons.
    public var description: String {
        problems.map { problem in
            // The text that walkerOS has for this, unchanged: people search for it.
            problem.message == RedisStreamsSettings.missingStreamKey ? problem.message : problem.description
        }
        .joined(separator: "; ")
    }
}
