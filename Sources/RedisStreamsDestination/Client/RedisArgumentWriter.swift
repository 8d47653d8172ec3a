/// Where a command's arguments go: into RESP for the wire, or into a list for people and tests.
protocol RedisArgumentWriter {
    /// Begins a command of exactly this many arguments, the command's name included.
    mutating func beginCommand(argumentCount: Int)
    /// Begins a command with arguments that many commands share; the others follow.
    mutating func beginCommand(_ head: RedisCommandHead)
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

/// The first arguments of commands that differ only in the rest, encoded once.
struct RedisCommandHead: Sendable {
    /// How many arguments the whole command has.
    let argumentCount: Int
    /// The first of them.
    let arguments: [[UInt8]]
    /// The same in RESP.
    let encoded: [UInt8]
    /// True when one of them is longer than Redis accepts.
    let hasOversizedArgument: Bool

    init(_ arguments: [[UInt8]], argumentCount: Int) {
        self.arguments = arguments
        self.argumentCount = argumentCount
        (encoded, hasOversizedArgument) = RESPEncoder.encode(arguments, ofCommandWith: argumentCount)
    }
}
