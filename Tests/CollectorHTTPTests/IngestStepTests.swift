import Collector
import CollectorHTTP
import CollectorTesting
import EventJSON
import TestSupport
import Testing

@Suite("Steps of HTTP sources")
struct IngestStepTests {
    private struct Failing: ImmediateTransformer {
        struct Failure: Error {}
        let type = "failing"
        func transform(_ input: TransformerInput) throws -> TransformerResult { throw Failure() }
    }

    private func server(route: JSONObject, transformers: [TransformerRegistration]) async throws -> IngestServer {
        var problems = ConfigurationProblems()
        let config: JSONObject = [
            "ingest": ["map": ["agent": "headers.user-agent", "tag": "query.tag", "method": "method"]]
        ]
        let source = HTTPSource(id: "http", style: .express, config: config, problems: &problems)
        let steps = StepOptions(route, owner: .source, problems: &problems)
        #expect(problems.isEmpty, "\(problems.list)")
        return try await IngestServer(source, steps: steps, transformers: transformers)
    }

    @Test("routes decide by what the source noted of the request")
    func ingest() async throws {
        let mapping = try Mapping(["policy": ["data.tagged": ["value": true]]])
        let server = try await server(
            route: ["next": ["match": ["key": "ingest.tag", "operator": "eq", "value": "a b"], "next": "t"]],
            transformers: [TransformerRegistration(id: "t", transformer: MappingTransformer(mapping))]
        )
        for target in ["/collect?tag=a%20b", "/collect?tag=c", "/collect"] {
            let answer = try await HTTPExchange.post(#"{"name":"a one"}"#, to: target, port: server.port)
            #expect(answer.status == 200)
        }
        #expect(server.destination.deliveries.map { $0.event[.data]["tagged"] } == [true, .missing, .missing])
        await server.stop()
    }

    @Test("an event whose step fails is answered with 500, and not with the reason")
    func failure() async throws {
        let server = try await server(
            route: ["before": "t"],
            transformers: [TransformerRegistration(id: "t", transformer: Failing())]
        )
        let answer = try await HTTPExchange.post(#"{"name":"a one"}"#, port: server.port)
        #expect(answer.status == 500)
        #expect(try JSONValue(jsonText: answer.body)["error"] == "the event could not be processed")
        #expect(server.destination.deliveries.isEmpty)
        await server.stop()
    }
}
