/// What a stream was created as, and stays. Shared by all copies of its state.
final class StreamDefinition: Sendable, Equatable {
    let id: UInt64
    let name: String
    let contentType: String
    let isMessageList: Bool
    let expiry: StreamExpiry
    let createdMilliseconds: UInt64
    /// The stream it was forked from.
    let parent: UInt64?
    let parentName: String?
    let subOffset: UInt64
    /// Where its own data begins: 0, or the fork offset.
    let base: UInt64

    init(
        id: UInt64,
        name: String,
        contentType: String,
        isMessageList: Bool,
        expiry: StreamExpiry,
        createdMilliseconds: UInt64,
        parent: UInt64? = nil,
        parentName: String? = nil,
        subOffset: UInt64 = 0,
        base: UInt64 = 0
    ) {
        self.id = id
        self.name = name
        self.contentType = contentType
        self.isMessageList = isMessageList
        self.expiry = expiry
        self.createdMilliseconds = createdMilliseconds
        self.parent = parent
        self.parentName = parentName
        self.subOffset = subOffset
        self.base = base
    }

    /// The media type without its parameters, in lower case: what is compared.
    static func essence(of contentType: String) -> String {
        var end = contentType.utf8.firstIndex(of: UInt8(ascii: ";")) ?? contentType.utf8.endIndex
        while end > contentType.utf8.startIndex {
            let before = contentType.utf8.index(before: end)
            guard contentType.utf8[before] == 0x20 || contentType.utf8[before] == 0x09 else { break }
            end = before
        }
        return contentType[..<end].lowercased()
    }

    func hasSameType(as other: String) -> Bool {
        other == contentType || Self.essence(of: other) == Self.essence(of: contentType)
    }

    static func == (left: StreamDefinition, right: StreamDefinition) -> Bool {
        left === right
            || (left.id == right.id && left.name == right.name && left.contentType == right.contentType
                && left.isMessageList == right.isMessageList && left.expiry == right.expiry
                && left.createdMilliseconds == right.createdMilliseconds && left.parent == right.parent
                && left.parentName == right.parentName && left.subOffset == right.subOffset && left.base == right.base)
    }
}

extension StreamDefinition {
    func encode(into writer: inout ByteWriter) {
        writer.write(id)
        writer.write(name)
        writer.write(contentType)
        writer.write(isMessageList)
        switch expiry {
        case .never: writer.write(UInt8(0))
        case .afterIdle(let seconds):
            writer.write(UInt8(1))
            writer.write(seconds)
        case .at(let milliseconds):
            writer.write(UInt8(2))
            writer.write(milliseconds)
        }
        writer.write(createdMilliseconds)
        writer.write(parent)
        writer.write(parentName)
        writer.write(subOffset)
        writer.write(base)
    }

    convenience init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
        let id = try reader.read(UInt64.self)
        let name = try reader.readText()
        let contentType = try reader.readText()
        let isMessageList = try reader.readBool()
        let expiry: StreamExpiry
        switch try reader.read(UInt8.self) {
        case 0: expiry = .never
        case 1: expiry = .afterIdle(seconds: try reader.read())
        case 2: expiry = .at(milliseconds: try reader.read())
        default: throw ByteReader.Malformed()
        }
        self.init(
            id: id,
            name: name,
            contentType: contentType,
            isMessageList: isMessageList,
            expiry: expiry,
            createdMilliseconds: try reader.read(),
            parent: try reader.readOptionalNumber(),
            parentName: try reader.readOptionalText(),
            subOffset: try reader.read(),
            base: try reader.read()
        )
    }
}

extension RetentionPolicy {
    func encode(into writer: inout ByteWriter) {
        writer.write(maximumAgeMilliseconds)
        writer.write(maximumByteCount)
        writer.write(maximumMessageCount)
        writer.write(cursors.rawValue)
    }

    init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
        let age = try reader.readOptionalNumber()
        let bytes = try reader.readOptionalNumber()
        let messages = try reader.readOptionalNumber()
        guard let cursors = CursorRetention(rawValue: try reader.read()) else { throw ByteReader.Malformed() }
        self.init(
            maximumAgeMilliseconds: age,
            maximumByteCount: bytes,
            maximumMessageCount: messages,
            cursors: cursors
        )
    }
}
