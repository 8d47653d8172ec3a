/// The messages that a fork copies from behind its fork offset.
struct ForkPrefix: Sendable {
    private(set) var bytes: [UInt8] = []
    private(set) var byteCounts: [Int] = []

    enum Progress {
        case complete
        case more
        case beyond
    }

    /// Takes what the sub-offset asks for: messages of a list, or bytes of the message at the offset.
    mutating func take(_ page: StreamPage, upTo subOffset: UInt64, isList: Bool) -> Progress {
        guard isList else {
            guard let first = page.messages.first, UInt64(first.range.count) >= subOffset else { return .beyond }
            bytes = Array(page.bytes(of: first).prefix(Int(subOffset)))
            byteCounts = [bytes.count]
            return .complete
        }
        for message in page.messages where UInt64(byteCounts.count) < subOffset {
            bytes += page.bytes(of: message)
            byteCounts.append(message.range.count)
        }
        if UInt64(byteCounts.count) == subOffset { return .complete }
        return page.isUpToDate ? .beyond : .more
    }

    /// The prefix and the messages behind it.
    func followed(by more: [UInt8], _ moreCounts: [Int]) -> (bytes: [UInt8], byteCounts: [Int]) {
        let counts = moreCounts.isEmpty && !more.isEmpty ? [more.count] : moreCounts
        return (bytes + more, byteCounts + counts)
    }
}
