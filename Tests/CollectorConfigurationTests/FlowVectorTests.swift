import EventJSON
import TestSupport
import Testing

@testable import Collector
@testable import CollectorConfiguration

/// The recorded cases of walkerOS's flow files: references, contracts, step entries, validation.
@Suite("Recorded flow files")
struct FlowVectorTests {
    private static let file = "walkeros/flow.json"

    /// Recorded cases that we deliberately answer differently.
    private static let differences: [String: String] = [
        "resolve/031": "a default ends before another reference, so `$env.A:x@$env.B` uses both",
        "resolve/037": "there is no bundler to leave markers for",
        "resolve/038": "there is no bundler to leave markers for",
        "resolve/039": "secrets are read when the flow starts",
        "resolve/040": "a secret inside a text is resolved too",
        "resolve/059": "what a step entry says is kept and refused where it cannot be honoured, not dropped",
        "contract/006": "annotations are always stripped",
        "flowConfig/010": "unknown members of a destination are refused",
        "flowConfig/014": "routes are refused",
        "flowConfig/017": "caches are refused",
        "flowConfig/018": "stores are refused",
        "flowConfig/020": "a reference to a store is refused",
        "flowConfig/021": "a reference to an unknown flow is refused",
        "flowConfig/022": "a malformed reference leaves a variable without a value, which is refused",
        "flowConfig/023": "a variable without a value and default is refused",
        "flowConfig/027": "a secret that is not set is refused",
        "flowConfig/028": "mappings are checked: a number is not a value and unknown members are refused",
    ]

    @Test("references", arguments: Fixtures.vectors(file, kind: "resolve"))
    func resolve(_ vector: Vector) {
        if Self.differences[vector.id] != nil { return }
        let input = vector.input
        let root = input["config"].object ?? [:]
        var variables: [String: String] = [:]
        for member in input["env"].object ?? [:] { variables[member.name] = member.value.string }
        var message: String?
        var members = JSONObject()
        do throws(ConfigurationProblem) {
            let name = try FlowSelection.select(input["flow"].string, of: root)
            let resolved = try FlowResolution.resolve(name, of: root, environment: EnvironmentSource(variables))
            members = resolved.members
            message = resolved.problems.list.first?.message
        } catch {
            message = error.message
        }
        #expect(message == vector.expected["throws"].string)
        guard message == nil else { return }
        for kind in ["destinations"] {
            guard var steps = members[kind].object else { continue }
            for step in steps {
                var entry = step.value.object ?? [:]
                entry.remove("examples")
                steps[step.name] = .object(entry)
            }
            members[kind] = .object(steps)
        }
        #expect(JSONValue.object(members) == vector.expected["flow"])
    }

    @Test("contracts", arguments: Fixtures.vectors(file, kind: "contract"))
    func contract(_ vector: Vector) {
        if Self.differences[vector.id] != nil { return }
        var resolver = ContractResolver(vector.input["contracts"].object ?? [:])
        do throws(ConfigurationProblem) {
            let contracts = try resolver.resolveAll()
            #expect(JSONValue.object(contracts).text == vector.expected["contracts"].text)
        } catch {
            #expect(error.message == vector.expected["throws"].string)
        }
    }

    @Test("whole files", arguments: Fixtures.vectors(file, kind: "flowConfig"))
    func flowConfig(_ vector: Vector) {
        let text = Array((vector.input["text"].string ?? "").utf8)
        var faults: [FlowErrors.Fault] = []
        do throws(FlowErrors) {
            let file = try FlowFile(text: text, name: "flow.json")
            _ = try file.flow(
                environment: EnvironmentSource([:]),
                destinationTypes: [TestTypes.destination],
                sourceTypes: [TestTypes.source]
            )
        } catch {
            faults = error.faults
        }
        if Self.differences[vector.id] != nil {
            #expect(!faults.isEmpty)
            return
        }
        #expect(faults.isEmpty == vector.expected["valid"].bool, "\(faults)")
        if let line = vector.expected["errors"][0]["line"].number?.integer, let fault = faults.first {
            #expect(fault.line == line)
        }
    }
}

/// Types that stand for the made-up packages of the recordings.
enum TestTypes {
    struct Silent: Destination {
        var type: String { "silent" }
        func deliver(_ batch: DeliveryBatch) async -> [DeliveryOutcome] { batch.deliveries.map { _ in .delivered() } }
    }

    static let destination = DestinationType(
        name: "x",
        packages: ["p"],
        summary: "Delivers to nowhere.",
        settings: [],
        ruleSettings: [SettingDescription("streamKey", .string, "A stream.")]
    ) { _, _, _ in Silent() }

    static let source = SourceType(
        name: "x",
        packages: ["p"],
        summary: "Brings nothing.",
        settings: [],
        options: [],
        check: { _, _, _ in }
    )
}
