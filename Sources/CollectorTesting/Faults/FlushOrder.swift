/// What a trace of a daemon's system calls says of answers and flushes: no event may be answered with 200 before a flush
/// of what it was written with has returned.
///
/// ```swift
/// let order = FlushOrder(trace: text)      // of SystemCallFault.trace(of: FlushOrder.calls, to: path)
/// #expect(order.answeredCount > 0 && order.early.isEmpty && order.unsynchronizedDirectories.isEmpty)
/// ```
///
/// Events are known by their ids, which the answers must tell.
public struct FlushOrder: Sendable {
    /// The calls to be traced.
    public static let calls = [
        "pwrite64", "pwritev", "pwritev2", "fdatasync", "fsync", "write", "writev", "sendto", "sendmsg", "openat",
        "rename",
    ]

    /// Ids that were answered before a flush, begun after they were written, had returned.
    public private(set) var early: [String] = []
    /// Ids that were answered.
    public private(set) var answeredCount = 0
    /// Folders of the log in which a file was made and that were not flushed after it.
    public private(set) var unsynchronizedDirectories: Set<String> = []

    /// Reads a trace.
    public init(trace: String) {
        var written: Set<Substring> = []
        // By thread: what had been written when its flush began.
        var flushing: [Substring: Set<Substring>] = [:]
        var durable: Set<Substring> = []
        // Calls whose end comes in a later line.
        var unfinished: [Substring: Substring] = [:]
        for line in trace.split(separator: "\n") {
            guard let space = line.firstIndex(of: " ") else { continue }
            let thread = line[..<space]
            var call = line[line.index(after: space)...].drop { $0 == " " }
            let isUnfinished = call.hasSuffix("<unfinished ...>")
            let isResumed = call.hasPrefix("<... ")
            if isResumed, let begun = unfinished.removeValue(forKey: thread) { call = begun }
            if isUnfinished { unfinished[thread] = call }
            if call.hasPrefix("fdatasync(") {
                if !isResumed { flushing[thread] = written }
                if !isUnfinished, line.hasSuffix("= 0") { durable.formUnion(flushing[thread] ?? []) }
            } else if call.hasPrefix("pwrite"), call.contains("/log/") {
                if !isUnfinished { written.formUnion(Self.ids(in: call)) }
            } else if call.contains("HTTP/1.1 200") {
                // It may have arrived when the call began.
                if isResumed { continue }
                for id in Self.ids(in: call) {
                    answeredCount += 1
                    if !durable.contains(id) { early.append(String(id)) }
                }
            } else if call.hasPrefix("openat("), call.contains("O_CREAT"), !isUnfinished {
                if let path = Self.path(in: call), path.contains("/data/") {
                    unsynchronizedDirectories.insert(String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)]))
                }
            } else if call.hasPrefix("fsync("), !isUnfinished, let open = call.firstIndex(of: "<"),
                let close = call[open...].firstIndex(of: ">")
            {
                unsynchronizedDirectories.remove(String(call[call.index(after: open)..<close]))
            }
        }
        // The lock and LMDB's own table of readers hold nothing that has to last.
        unsynchronizedDirectories = unsynchronizedDirectories.filter { $0.contains("/log") || $0.contains("/segments") }
    }

    private static func path(in call: Substring) -> Substring? {
        let parts = call.split(separator: "\"", maxSplits: 2, omittingEmptySubsequences: false)
        return parts.count > 1 ? parts[1] : nil
    }

    /// The ids that a call's bytes name.
    private static func ids(in call: Substring) -> [Substring] {
        call.split(separator: #"\"id\":\""#, omittingEmptySubsequences: false).dropFirst().map { rest in
            rest.prefix { $0 != "\\" }
        }
    }
}
