import CJanssonPeer
import Glibc

/// The collector's work on one event over jansson trees, hand-written against the C API.
///
/// It parses the sender's bytes, builds the completed object in the collector's order, asks consent, maps, and writes
/// compact text. Nothing is interpreted or shared, there are no queues and no locks: the best case for a tree.
public struct JanssonPeer: ~Copyable {
    /// How far the work goes.
    public enum Stage: Int, Sendable, Comparable {
        /// Parse only.
        case load
        /// … and complete.
        case complete
        /// … and map.
        case map
        /// … and write the event's text.
        case serialize

        /// The order of the work.
        public static func < (left: Stage, right: Stage) -> Bool { left.rawValue < right.rawValue }
    }

    /// What becomes of an event.
    public struct Output: Equatable, Sendable {
        /// The event's text.
        public let event: String
        /// The mapped data's text.
        public let data: String
    }

    private let completion: JanssonCompletion
    private var count = 0

    /// A peer that completes events with these values.
    public init(trace: String, release: String, nowMilliseconds: Int, runStartMilliseconds: Int) {
        completion = JanssonCompletion(
            trace: trace,
            release: release,
            nowMilliseconds: nowMilliseconds,
            runStartMilliseconds: runStartMilliseconds
        )
    }

    /// Compact text with numbers of at most 15 digits, which are the shortest for the inputs.
    private static let flags = Int(JSON_COMPACT) | 15 << 11

    /// Does the work up to that stage; the number of bytes written, or of values made.
    public mutating func work(on text: UnsafeBufferPointer<UInt8>, through stage: Stage) -> Int {
        guard let sent = Self.load(text) else { return 0 }
        defer { json_decref(sent) }
        guard stage >= .complete else { return json_object_size(sent) }
        guard let event = completion.complete(sent, count: &count) else { return 0 }
        defer { json_decref(event) }
        guard stage >= .map else { return json_object_size(event) }
        guard let data = JanssonMapping.map(event) else { return 0 }
        defer { json_decref(data) }
        guard stage >= .serialize, let written = json_dumps(event, Self.flags) else { return json_object_size(data) }
        defer { free(written) }
        return Int(written[0])
    }

    /// Does all the work and says what came out; nil if the event is refused.
    public mutating func output(of text: [UInt8]) -> Output? {
        text.withUnsafeBufferPointer { text in
            guard let sent = Self.load(text) else { return nil }
            defer { json_decref(sent) }
            guard let event = completion.complete(sent, count: &count) else { return nil }
            defer { json_decref(event) }
            guard let data = JanssonMapping.map(event) else { return nil }
            defer { json_decref(data) }
            return Output(event: Self.text(of: event), data: Self.text(of: data))
        }
    }

    private static func load(_ text: UnsafeBufferPointer<UInt8>) -> JanssonTree? {
        text.withMemoryRebound(to: CChar.self) { json_loadb($0.baseAddress, $0.count, 0, nil) }
    }

    private static func text(of tree: JanssonTree) -> String {
        guard let written = json_dumps(tree, flags) else { return "" }
        defer { free(written) }
        return String(cString: written)
    }
}
