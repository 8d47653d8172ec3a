import Foundation
import Testing

@testable import EventJSON

/// nst/JSONTestSuite, which is not part of this repository: found by `COLLECTOR_VECTORS`.
@Suite("JSONTestSuite")
struct JSONTestSuiteTests {
    private static let folder = ProcessInfo.processInfo.environment["COLLECTOR_VECTORS"]
        .map { URL(filePath: $0).appending(path: "JSONTestSuite/test_parsing") }

    private static func files(_ prefix: String) -> [URL] {
        guard let folder else { return [] }
        let all = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return all.filter { $0.lastPathComponent.hasPrefix(prefix) }
    }

    private static let isHere = folder.map { FileManager.default.fileExists(atPath: $0.path) } ?? false

    /// What is neither valid nor invalid by RFC 8259, and what we do: true is accepted.
    private static let undecided: [String: (accepted: Bool, reason: String)] = {
        var table: [String: (Bool, String)] = [:]
        for name in [
            "number_double_huge_neg_exp", "number_huge_exp", "number_neg_int_huge_exp", "number_pos_double_huge_exp",
            "number_real_neg_overflow", "number_real_pos_overflow", "number_real_underflow", "number_too_big_neg_int",
            "number_too_big_pos_int", "number_very_big_negative_int",
        ] { table[name] = (true, "numbers keep their text and are never converted on the way") }
        for name in [
            "object_key_lone_2nd_surrogate", "string_1st_surrogate_but_2nd_missing",
            "string_1st_valid_surrogate_2nd_invalid", "string_incomplete_surrogate_and_escape_valid",
            "string_incomplete_surrogate_pair", "string_incomplete_surrogates_escape_valid",
            "string_invalid_lonely_surrogate", "string_invalid_surrogate", "string_inverted_surrogates_U+1D11E",
            "string_lone_second_surrogate",
        ] { table[name] = (true, "browsers send escaped lone surrogates when they cut text; the escape passes on") }
        for name in [
            "string_UTF-16LE_with_BOM", "string_UTF-8_invalid_sequence", "string_UTF8_surrogate_U+D800",
            "string_invalid_utf-8", "string_iso_latin_1", "string_lone_utf8_continuation_byte",
            "string_not_in_unicode_range", "string_overlong_sequence_2_bytes", "string_overlong_sequence_6_bytes",
            "string_overlong_sequence_6_bytes_null", "string_truncated-utf-8", "string_utf16BE_no_BOM",
            "string_utf16LE_no_BOM",
        ] { table[name] = (false, "text is UTF-8") }
        table["structure_500_nested_arrays"] = (false, "deeper than the limit of 64")
        table["structure_UTF-8_BOM_empty_object"] = (false, "RFC 8259 8.1: a byte order mark must not be sent")
        return table
    }()

    private static func isAccepted(_ file: URL) throws -> Bool {
        let text = try Array(Data(contentsOf: file))
        return (try? JSONValue(jsonText: text)) != nil
    }

    @Test("what must be accepted is", .enabled(if: isHere, "COLLECTOR_VECTORS names no folder"))
    func accepted() throws {
        #expect(Self.files("y_").count == 95)
        for file in Self.files("y_") { #expect(try Self.isAccepted(file), "\(file.lastPathComponent)") }
    }

    @Test("what must be refused is", .enabled(if: isHere, "COLLECTOR_VECTORS names no folder"))
    func refused() throws {
        #expect(Self.files("n_").count == 188)
        for file in Self.files("n_") { #expect(try !Self.isAccepted(file), "\(file.lastPathComponent)") }
    }

    @Test("what is undecided is decided", .enabled(if: isHere, "COLLECTOR_VECTORS names no folder"))
    func undecided() throws {
        #expect(Self.files("i_").count == 35)
        for file in Self.files("i_") {
            let name = String(file.deletingPathExtension().lastPathComponent.dropFirst(2))
            #expect(try Self.isAccepted(file) == Self.undecided[name]?.accepted, "\(name)")
        }
    }

    @Test(
        "what both accept means the same to jansson",
        .enabled(if: isHere, "COLLECTOR_VECTORS names no folder")
    )
    func secondOpinion() throws {
        for file in Self.files("y_") {
            let text = try Array(Data(contentsOf: file))
            // jansson refuses NUL in names, whatever its flags.
            if file.lastPathComponent == "y_object_escaped_null_in_key.json" { continue }
            let theirs = try JanssonText.parse(text, rejectsDuplicates: false)
            #expect(try JSONValue(jsonText: text) == theirs, "\(file.lastPathComponent)")
        }
    }
}
