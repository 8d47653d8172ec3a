/// Writes commands as RESP arrays of bulk strings, one after the other, into one buffer.
///
/// Every argument is preceded by its exact length, so line ends, NUL and `%` inside it mean nothing to the protocol:
///
/// ```
/// encoder.command(["SET", "greeting", "hello"])
/// // *3\r\n$3\r\nSET\r\n$8\r\ngreeting\r\n$5\r\nhello\r\n
/// ```
struct RESPEncoder: Sendable, RedisArgumentWriter {
    /// The longest argument that Redis accepts (its default `proto-max-bulk-len`), in bytes.
    static let maximumArgumentBytes = 512 * 1024 * 1024

    private(set) var bytes: [UInt8] = []
    /// The encoded length of each command, in bytes.
    private(set) var commandLengths: [Int] = []
    /// True when an argument was longer than ``maximumArgumentBytes``; what was encoded must not be sent.
    private(set) var hasOversizedArgument = false

    private var commandStart = 0
    private var missingArguments = 0

    mutating func beginCommand(argumentCount: Int) {
        precondition(missingArguments == 0, "the command before this one is not complete")
        commandStart = bytes.count
        missingArguments = argumentCount
        bytes.append(addingCapacity: 24) { span in
            span.append(UInt8(ascii: "*"))
            span.appendDecimal(argumentCount)
            span.appendLineEnd()
        }
    }

    mutating func beginCommand(_ head: RedisCommandHead) {
        precondition(missingArguments == 0, "the command before this one is not complete")
        commandStart = bytes.count
        missingArguments = head.argumentCount - head.arguments.count
        hasOversizedArgument = hasOversizedArgument || head.hasOversizedArgument
        bytes.append(contentsOf: head.encoded)
    }

    mutating func argument(_ argument: UnsafeRawBufferPointer) {
        precondition(missingArguments > 0, "the command has more arguments than it announced")
        missingArguments -= 1
        guard argument.count <= Self.maximumArgumentBytes else {
            hasOversizedArgument = true
            return
        }
        // A mark, up to nineteen digits, two line ends.
        let room = argument.count + 24
        bytes.reserveRoom(room)
        bytes.append(addingCapacity: room) { span in
            span.append(UInt8(ascii: "$"))
            span.appendDecimal(argument.count)
            span.appendLineEnd()
            span.append(copying: argument)
            span.appendLineEnd()
        }
    }

    mutating func endCommand() {
        precondition(missingArguments == 0, "the command has fewer arguments than it announced")
        commandLengths.append(bytes.count - commandStart)
    }

    /// Writes one whole command.
    mutating func command(_ arguments: [String]) {
        beginCommand(argumentCount: arguments.count)
        for text in arguments {
            argument(text)
        }
        endCommand()
    }

    /// Forgets everything after the first `byteCount` bytes and `commandCount` commands.
    mutating func truncate(byteCount: Int, commandCount: Int) {
        bytes.removeSubrange(byteCount...)
        commandLengths.removeSubrange(commandCount...)
        missingArguments = 0
        hasOversizedArgument = false
    }

    /// The bytes of the beginning of a command, with some of its arguments.
    static func encode(
        _ arguments: [[UInt8]],
        ofCommandWith argumentCount: Int
    ) -> (bytes: [UInt8], hasOversizedArgument: Bool) {
        var encoder = RESPEncoder()
        encoder.beginCommand(argumentCount: argumentCount)
        for argument in arguments { encoder.argument(argument) }
        return (encoder.bytes, encoder.hasOversizedArgument)
    }

    /// Takes what was encoded and leaves the given empty arrays in its place, to be filled next.
    mutating func exchange(bytes emptyBytes: inout [UInt8], commandLengths emptyLengths: inout [Int]) {
        swap(&bytes, &emptyBytes)
        swap(&commandLengths, &emptyLengths)
    }
}

extension OutputSpan<UInt8> {
    /// Appends a number that is not negative in decimal digits.
    @inline(__always)
    fileprivate mutating func appendDecimal(_ number: Int) {
        var divisor = 1
        while number / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / divisor % 10))
            divisor /= 10
        }
    }

    @inline(__always)
    fileprivate mutating func appendLineEnd() {
        append(UInt8(ascii: "\r"))
        append(UInt8(ascii: "\n"))
    }

    /// Appends bytes as they are; there must be room.
    @inline(__always)
    fileprivate mutating func append(copying bytes: UnsafeRawBufferPointer) {
        withUnsafeMutableBufferPointer { buffer, count in
            // The room was asked for by the caller: a wrong count stops here instead of writing beyond the buffer.
            precondition(buffer.count - count >= bytes.count)
            UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: buffer[count...])).copyMemory(
                from: bytes
            )
            count += bytes.count
        }
    }
}

extension [UInt8] {
    /// Makes room for this many bytes more, growing by doubling as `append` does.
    fileprivate mutating func reserveRoom(_ byteCount: Int) {
        if capacity - count < byteCount {
            reserveCapacity(Swift.max(capacity * 2, count + byteCount))
        }
    }
}
