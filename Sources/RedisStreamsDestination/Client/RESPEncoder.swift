/// Where a command's arguments go: into RESP for the wire, or into a list for people and tests.
protocol RedisArgumentWriter {
    /// Begins a command of exactly this many arguments, the command's name included.
    mutating func beginCommand(argumentCount: Int)
    /// Adds one argument; any bytes are allowed, none are interpreted.
    mutating func argument(_ bytes: UnsafeRawBufferPointer)
    /// Ends the command.
    mutating func endCommand()
}

extension RedisArgumentWriter {
    /// Adds one argument.
    mutating func argument(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { argument($0) }
    }

    /// Adds one argument as UTF-8.
    mutating func argument(_ text: String) {
        var text = text
        text.withUTF8 { argument(UnsafeRawBufferPointer($0)) }
    }

    /// Adds one argument as UTF-8, without making a String of it.
    mutating func argument(_ text: StaticString) {
        text.withUTF8Buffer { argument(UnsafeRawBufferPointer($0)) }
    }
}

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
        appendHeader(UInt8(ascii: "*"), argumentCount)
    }

    mutating func argument(_ argument: UnsafeRawBufferPointer) {
        precondition(missingArguments > 0, "the command has more arguments than it announced")
        missingArguments -= 1
        guard argument.count <= Self.maximumArgumentBytes else {
            hasOversizedArgument = true
            return
        }
        bytes.reserveRoom(argument.count + 32)
        appendHeader(UInt8(ascii: "$"), argument.count)
        bytes.append(contentsOf: argument)
        appendLineEnd()
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

    /// Takes what was encoded and leaves the given empty arrays in its place, to be filled next.
    mutating func exchange(bytes emptyBytes: inout [UInt8], commandLengths emptyLengths: inout [Int]) {
        swap(&bytes, &emptyBytes)
        swap(&commandLengths, &emptyLengths)
    }

    private mutating func appendHeader(_ mark: UInt8, _ number: Int) {
        bytes.append(mark)
        bytes.appendDecimal(number)
        appendLineEnd()
    }

    private mutating func appendLineEnd() {
        bytes.append(UInt8(ascii: "\r"))
        bytes.append(UInt8(ascii: "\n"))
    }
}

extension [UInt8] {
    /// Appends a number that is not negative in decimal digits.
    mutating func appendDecimal(_ number: Int) {
        if number < 10 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number))
            return
        }
        appendDecimal(number / 10)
        append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number % 10))
    }

    /// Makes room for this many bytes more, growing by doubling as `append` does.
    fileprivate mutating func reserveRoom(_ byteCount: Int) {
        if capacity - count < byteCount {
            reserveCapacity(Swift.max(capacity * 2, count + byteCount))
        }
    }
}
