public import EventJSON
public import Foundation
public import Testing

/// The recordings and cases under `Fixtures/`.
public enum Fixtures {
    /// The root of the package.
    public static let packageRoot = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// The bytes of a fixture.
    public static func bytes(_ path: String) throws -> [UInt8] {
        try Array(Data(contentsOf: packageRoot.appending(path: "Fixtures").appending(path: path)))
    }

    /// A fixture in JSON.
    public static func json(_ path: String) throws -> JSONValue {
        try JSONValue(jsonText: bytes(path), limits: JSONLimits(maximumByteCount: 1 << 26, maximumDepth: 200))
    }

    /// The recorded cases of a file, of one kind or all.
    public static func vectors(_ path: String, kind: String? = nil) -> [Vector] {
        guard let file = try? json(path), let list = file["vectors"].array else { return [] }
        return list.map(Vector.init).filter { kind == nil || $0.json["kind"].string == kind }
    }
}

/// One recorded case.
public struct Vector: Sendable, CustomTestStringConvertible, CustomStringConvertible {
    /// The case as recorded.
    public let json: JSONValue
    /// The case's id.
    public var id: String { json["id"].string ?? "?" }
    /// What goes in.
    public var input: JSONValue { json["input"].restoringMarkers }
    /// What the original gave.
    public var expected: JSONValue { json["expect"] }
    /// The id and the note.
    public var description: String { "\(id) \(json["note"].string ?? "")" }
    /// The id and the note.
    public var testDescription: String { description }

    init(_ json: JSONValue) {
        self.json = json
    }
}

extension JSONValue {
    /// The value with the recordings' markers for what JSON cannot say put back: `{"$undefined": true}` and
    /// `{"$number": "NaN"}`.
    public var restoringMarkers: JSONValue {
        switch self {
        case .object(let members):
            if members.count == 1, members["$undefined"] == true { return .missing }
            if members.count == 1, let text = members["$number"].string {
                return .number(JSONNumber(text == "NaN" ? .nan : text == "-Infinity" ? -.infinity : .infinity))
            }
            var object = JSONObject()
            for member in members { object[member.name] = member.value.restoringMarkers }
            return .object(object)
        case .array(let elements): return .array(elements.map(\.restoringMarkers))
        default: return self
        }
    }

    /// The JSON text as a string, for comparison.
    public var text: String { String(decoding: jsonText, as: UTF8.self) }
}
