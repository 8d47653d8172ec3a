import EventJSON
import TestSupport
import Testing

@testable import Collector
@testable import CollectorConfiguration

/// What happens in the recorded flow files that we deliberately treat otherwise; `docs/compatibility.md` says why.
@Suite("Differences from recorded flow files")
struct FlowDifferenceTests {
    /// A recorded flow, resolved with its variables and these; or why it cannot be.
    private func resolved(_ id: String, _ more: [String: String] = [:]) throws -> (flow: JSONValue, problem: String?) {
        let vectors = Fixtures.vectors("walkeros/flow.json", kind: "resolve")
        let input = try #require(vectors.first { $0.id == id }).input
        var variables = more
        for member in input["env"].object ?? [:] { variables[member.name] = member.value.string }
        let root = input["config"].object ?? [:]
        let name = try FlowSelection.select(input["flow"].string, of: root)
        let resolved = try FlowResolution.resolve(name, of: root, environment: EnvironmentSource(variables))
        return (.object(resolved.members), resolved.problems.list.first.map { "\($0)" })
    }

    private func url(_ flow: JSONValue) -> String? {
        flow["destinations"]["r"]["config"]["u"].string
    }

    @Test("resolve/031: a default ends where the next reference begins")
    func defaultBeforeReference() throws {
        #expect(url(try resolved("resolve/031").flow) == "redis://user@from-env")
    }

    @Test("resolve/037: a variable is read when the flow starts, and one that is not set is a problem")
    func variablesAreRead() throws {
        let result = try resolved("resolve/037")
        #expect(url(result.flow) == "from-env")
        #expect(result.problem?.contains("WK_UNSET") == true)
        let complete = try resolved("resolve/037", ["WK_UNSET": "there"])
        #expect(complete.problem == nil)
        #expect(complete.flow["destinations"]["r"]["config"]["w"] == "a there b")
    }

    @Test("resolve/038, 039, 040: a secret is read, alone and inside a text; one that is not set is a problem")
    func secretsAreRead() throws {
        let token = ["API_TOKEN": "t0ken"]
        #expect(url(try resolved("resolve/038", token).flow) == "t0ken")
        #expect(url(try resolved("resolve/039", token).flow) == "t0ken")
        #expect(url(try resolved("resolve/040", token).flow) == "Bearer t0ken")
        let missing = try resolved("resolve/039").problem
        #expect(missing?.contains("API_TOKEN") == true)
    }

    @Test("resolve/059: what a step says is kept, so that it is honoured or refused")
    func stepMembersAreKept() throws {
        let flow = try resolved("resolve/059").flow
        #expect(flow["transformers"]["t"]["mapping"] == ["policy": ["a": ["value": 1]]])
        #expect(flow["transformers"]["t"]["state"]["mode"] == "set")
        #expect(flow["destinations"]["r"]["state"]["mode"] == "set")
    }

    @Test("contract/006: annotations are stripped")
    func annotationsAreStripped() throws {
        let vectors = Fixtures.vectors("walkeros/flow.json", kind: "contract")
        let input = try #require(vectors.first { $0.id == "contract/006" }).input
        var resolver = ContractResolver(input["contracts"].object ?? [:])
        #expect(JSONValue.object(try resolver.resolveAll()) == ["a": ["events": ["p": ["a": [:]]]]])
    }
}
