import Collector
import EventJSON
import TestSupport
import Testing

@testable import CollectorConfiguration

/// The recorded cases of walkerOS's `validate` command.
@Suite("Recorded checks")
struct CheckVectorTests {
    private static let file = "walkeros/flow.json"

    /// Recorded cases that we deliberately answer differently.
    private static let differences: [String: String] = [
        "validateMapping/001": "a mapping has two levels, which is what runs; the original's command asks for one",
        "validateMapping/004": "a name with a space matches nothing and is refused; the order says nothing",
        "validateFlow/005": "nothing is bundled, so versions of packages say nothing",
        "validateFlow/010": "a reference to what is not there leaves a value missing, which is an error",
    ]

    @Test("events", arguments: Fixtures.vectors(file, kind: "validateEvent"))
    func event(_ vector: Vector) throws {
        let level = try #require(EventCheck.Level(rawValue: vector.input["level"].string ?? ""))
        let report = EventCheck.check(vector.input["event"], level: level)
        let expected = vector.expected
        #expect(report.isValid == expected["valid"].bool, "\(report)")
        #expect(JSONValue.object(report.details) == expected["details"])
        compare(report.errors, expected["errors"])
        compare(report.warnings, expected["warnings"])
    }

    private func compare(_ findings: [CheckReport.Finding], _ expected: JSONValue) {
        let expected = expected.array ?? []
        #expect(findings.count == expected.count, "\(findings)")
        for (finding, expected) in zip(findings, expected) {
            #expect(finding.path == expected["path"].string)
            #expect(finding.code == expected["code"].string)
            // The words of the original's schema library were not recorded.
            if let message = expected["message"].string { #expect(finding.message == message) }
        }
    }

    @Test("mappings", arguments: Fixtures.vectors(file, kind: "validateMapping"))
    func mapping(_ vector: Vector) {
        let report = MappingCheck.check(vector.input["mapping"])
        if Self.differences[vector.id] != nil {
            #expect(report.isValid != vector.expected["valid"].bool)
            return
        }
        #expect(report.isValid == vector.expected["valid"].bool, "\(report)")
        #expect(report.warnings.isEmpty)
    }

    @Test("entries of steps", arguments: Fixtures.vectors(file, kind: "stepEntry"))
    func stepEntry(_ vector: Vector) throws {
        let kind = try #require(StepKind(rawValue: vector.input["stepKind"].string ?? ""))
        let fault = StepShape.faults(vector.input["entry"].object ?? [:], kind: kind).first
        #expect((fault == nil) == vector.expected["ok"].bool)
        #expect(fault?.code.rawValue == vector.expected["code"].string)
        #expect(fault?.key == vector.expected["key"].string)
        // "Unknown key … Allowed: a, b": the members are the same, the words are ours.
        if let allowed = vector.expected["reason"].string?.split(separator: "Allowed: ").last,
            fault?.code == .unknownKey
        {
            #expect(kind.members.joined(separator: ", ") + "." == allowed)
        }
    }

    @Test("flows", arguments: Fixtures.vectors(file, kind: "validateFlow"))
    func flow(_ vector: Vector) throws {
        let expected = vector.expected
        let file = try FlowFile(text: vector.input["config"].jsonText, name: "flow.json")
        let warnings = file.warnings()
        if Self.differences[vector.id] != nil {
            #expect(warnings.isEmpty)
            #expect(expected["warnings"].array?.isEmpty == false)
            let name = try #require(file.flowNames.first)
            #expect(faults(of: file, flow: name[...]).isEmpty == (vector.id == "validateFlow/005"))
            return
        }
        // Under "strict" what breaks a contract is an error there; here all warnings then change the exit code.
        let isStrict = vector.input["options"]["strict"] == true
        let expectedWarnings = isStrict ? expected["errors"].array ?? [] : expected["warnings"].array ?? []
        #expect(warnings.count == expectedWarnings.count, "\(warnings)")
        for (warning, recorded) in zip(warnings, expectedWarnings) {
            let path = recorded["path"].string ?? ""
            // The original leaves the flow's name out of an example's place.
            let place =
                path.hasPrefix("flows.") ? path : "flows.d." + path.replacing("destination.", with: "destinations.")
            #expect(warning.path.joined(separator: ".").hasPrefix(place), "\(warning)")
        }
        for error in isStrict ? [] : expected["errors"].array ?? [] {
            let path = error["path"].string ?? ""
            let found = faults(of: file, flow: path.split(separator: ".")[1])
            #expect(found.contains { $0.path.joined(separator: ".").hasPrefix(path) }, "\(found)")
            if error["code"] == "FLOW_CYCLE" { #expect(found.contains { $0.message == error["message"].string }) }
        }
    }

    private func faults(of file: FlowFile, flow name: Substring) -> [FlowErrors.Fault] {
        do throws(FlowErrors) {
            _ = try file.flow(
                named: String(name),
                environment: EnvironmentSource([:]),
                destinationTypes: [TestTypes.destination],
                sourceTypes: [TestTypes.source]
            )
            return []
        } catch {
            return error.faults
        }
    }
}
