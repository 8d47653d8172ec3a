import CJansson

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// JSON for people: configuration read with line and column in its errors, tool output written indented.
///
/// Events never pass here; `JSONScanner` is for them. jansson keeps the order of members; integers beyond 64 bits are
/// refused and the text of other numbers becomes JavaScript's. Nesting is limited to 2 048.
/// C library: [jansson](https://jansson.readthedocs.io/en/latest/apiref.html).
public enum JanssonText {
    /// Why a text was refused, and where.
    public struct SyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
        /// What is wrong.
        public let message: String
        /// The line, counted from 1.
        public let line: Int
        /// The column, counted from 1.
        public let column: Int

        /// `line:column: message`.
        public var description: String { "\(line):\(column): \(message)" }
    }

    /// Parses a text; any value may stand at its top. A repeated member is an error, as one of the two would be lost.
    ///
    /// - Throws: `SyntaxError`.
    public static func parse(_ text: String) throws(SyntaxError) -> JSONValue {
        try parse(Array(text.utf8), rejectsDuplicates: true)
    }

    /// Parses a text given as bytes.
    package static func parse(_ text: [UInt8], rejectsDuplicates: Bool) throws(SyntaxError) -> JSONValue {
        var error = json_error_t()
        let duplicates = rejectsDuplicates ? Int(JSON_REJECT_DUPLICATES) : 0
        let flags = Int(JSON_DECODE_ANY) | Int(JSON_ALLOW_NUL) | duplicates
        let root = text.withUnsafeBufferPointer { bytes in
            // jansson reads exactly `count` bytes; an empty text has no address.
            bytes.withMemoryRebound(to: CChar.self) { bytes in
                json_loadb(bytes.baseAddress ?? emptyText, bytes.count, flags, &error)
            }
        }
        guard let root else {
            let message = withUnsafeBytes(of: error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw SyntaxError(message: message, line: max(1, Int(error.line)), column: max(1, Int(error.column)))
        }
        // The one reference that json_loadb gave is given back here; everything below borrows.
        defer { json_decref(root) }
        return value(of: root)
    }

    /// Writes a value indented by two spaces, members in their order, without a line end.
    public static func write(_ value: JSONValue) -> String {
        guard let root = tree(of: value) else { return "" }
        defer { json_decref(root) }
        let flags = 2 | Int(JSON_PRESERVE_ORDER) | Int(JSON_ENCODE_ANY) | precision(for: value) << 11
        guard let text = json_dumps(root, flags) else { return "" }
        defer { free(text) }
        return String(cString: text)
    }

    /// The digits to write reals with: 15 keep `0.1` as it is; 17 where 15 would change a number.
    private static func precision(for value: JSONValue) -> Int {
        switch value {
        case .number(let number): number.text.utf8.count { 0x30...0x39 ~= $0 } > 15 ? 17 : 15
        case .array(let elements): elements.map(precision).max() ?? 15
        case .object(let members): members.map { precision(for: $0.value) }.max() ?? 15
        default: 15
        }
    }

    /// An address to give jansson for a text of no bytes.
    private nonisolated(unsafe) static let emptyText: UnsafePointer<CChar> = {
        // Never written and never freed: one byte for the life of the process.
        let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
        text.pointee = 0
        return UnsafePointer(text)
    }()

    /// Copies a tree that jansson owns. The pointer is borrowed.
    private static func value(of json: UnsafeMutablePointer<json_t>) -> JSONValue {
        switch json.pointee.type {
        case JSON_OBJECT:
            var object = JSONObject()
            object.reserveCapacity(json_object_size(json))
            var iterator = json_object_iter(json)
            while let current = iterator {
                if let name = json_object_iter_key(current), let member = json_object_iter_value(current) {
                    object[String(cString: name)] = value(of: member)
                }
                iterator = json_object_iter_next(json, current)
            }
            return .object(object)
        case JSON_ARRAY:
            return .array((0..<json_array_size(json)).compactMap { json_array_get(json, $0).map(value) })
        case JSON_STRING:
            guard let text = json_string_value(json) else { return .missing }
            return text.withMemoryRebound(to: UInt8.self, capacity: json_string_length(json)) { bytes in
                let buffer = UnsafeBufferPointer(start: bytes, count: json_string_length(json))
                return .string(String(decoding: buffer, as: UTF8.self))
            }
        case JSON_INTEGER: return .number(JSONNumber(Int(json_integer_value(json))))
        case JSON_REAL: return .number(JSONNumber(json_real_value(json)))
        case JSON_TRUE: return .bool(true)
        case JSON_FALSE: return .bool(false)
        default: return .null
        }
    }

    /// A tree of jansson's for a value; the caller gives its one reference back. Nil for a missing value.
    private static func tree(of value: JSONValue) -> UnsafeMutablePointer<json_t>? {
        switch value {
        case .missing: return nil
        case .null: return json_null()
        case .bool(let bool): return bool ? json_true() : json_false()
        case .number(let number):
            if let integer = Int(number.text) { return json_integer(json_int_t(integer)) }
            return number.isFinite ? json_real(number.double) : json_null()
        case .string(let string):
            var string = string
            return string.withUTF8 { bytes in
                bytes.withMemoryRebound(to: CChar.self) { bytes in
                    json_stringn(bytes.baseAddress ?? emptyText, bytes.count)
                }
            }
        case .array(let elements):
            let array = json_array()
            // The `_new` functions take the reference of what they are given.
            for element in elements { json_array_append_new(array, tree(of: element) ?? json_null()) }
            return array
        case .object(let members):
            let object = json_object()
            for member in members {
                guard let value = tree(of: member.value) else { continue }
                json_object_set_new(object, member.name, value)
            }
            return object
        }
    }
}
