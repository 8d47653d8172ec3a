import Collector
public import EventJSON

/// A case for a flow: events, and what destinations must get for them.
///
/// In a test file:
///
/// ```json
/// {
///   "flow": "flow.json",
///   "tests": [{
///     "name": "an order goes to the orders stream",
///     "consent": {"analytics": true},
///     "ingest": {"method": "POST"},
///     "event": {"name": "order complete", "data": {"total": 42}},
///     "expect": {"redis": [["XADD", "orders", "*", "event", {"name": "order complete", "data": {"total": 42}}]]}
///   }]
/// }
/// ```
///
/// An expected argument is text to be equal to, or an object or array to be found in the argument's JSON: members that
/// are not named are not looked at. `"*any*"` stands for any value. A destination that is not named is not looked at;
/// `[]` says that it must get nothing.
public struct FlowTest: Sendable {
    /// What the case is about.
    public let name: String
    /// The events.
    public let events: [JSONObject]
    /// Consent given before the events.
    public let consent: JSONObject
    /// What the source noted of the request.
    public let ingest: JSONObject
    /// What destinations must get: id → commands.
    public let expected: JSONObject

    /// Stands for any value.
    public static let anything = "*any*"

    /// The cases of a test file.
    ///
    /// - Throws: `FlowErrors` if the file is not as described above.
    public static func cases(ofTestFile text: [UInt8], name: String) throws(FlowErrors) -> (
        flow: String?, tests: [FlowTest]
    ) {
        let file = try FlowFile(text: text, name: name)
        var problems: [String: [String]] = [:]
        var tests: [FlowTest] = []
        for (index, value) in (file.root["tests"].array ?? []).enumerated() {
            let path = ["tests", String(index)]
            let events = value["events"].array?.compactMap(\.object) ?? value["event"].object.map { [$0] } ?? []
            if events.isEmpty { problems["a test has an \"event\" or \"events\""] = path }
            if value["expect"].object == nil { problems["a test has \"expect\": destination → commands"] = path }
            tests.append(
                FlowTest(
                    name: value["name"].string ?? "test \(index)",
                    events: events,
                    consent: value["consent"].object ?? [:],
                    ingest: value["ingest"].object ?? [:],
                    expected: value["expect"].object ?? [:]
                )
            )
        }
        if !problems.isEmpty {
            throw FlowErrors(
                problems.map { .init(path: $0.value, message: $0.key) },
                file: name,
                text: text
            )
        }
        return (file.root["flow"].string, tests)
    }

    /// The examples of a flow's destinations as cases: `in` is the event, `out` the commands.
    public static func cases(ofExamplesIn flow: Flow) -> [FlowTest] {
        flow.destinations.flatMap { destination in
            destination.examples.compactMap { example -> FlowTest? in
                guard let event = example.value["in"].object, let out = example.value["out"].array else { return nil }
                return FlowTest(
                    name: "\(destination.id): \(example.name)",
                    events: [event],
                    consent: example.value["consent"].object ?? [:],
                    ingest: example.value["ingest"].object ?? [:],
                    expected: [destination.id: .array(out)]
                )
            }
        }
    }

    /// Runs the case and says what is wrong; empty if all is as expected.
    public func run(on flow: Flow) async -> [String] {
        let outcome = await FlowSimulation.run(flow, events: events, consent: consent, ingest: ingest)
        var faults: [String] = []
        for expectation in expected {
            guard let result = outcome.destinations.first(where: { $0.id == expectation.name }) else {
                faults.append("there is no destination \"\(expectation.name)\"")
                continue
            }
            faults += compare(result.commands, expectation.value.array ?? [], destination: expectation.name)
        }
        return faults
    }

    private func compare(_ commands: [[String]], _ expected: [JSONValue], destination: String) -> [String] {
        var faults: [String] = []
        if commands.count != expected.count {
            faults.append("\(destination): expected \(expected.count) commands, got \(commands.count)")
        }
        for (index, (command, expectation)) in zip(commands, expected).enumerated() {
            let arguments = expectation.array ?? []
            if command.count != arguments.count {
                faults.append("\(destination)[\(index)]: expected \(arguments.count) arguments, got \(command.count)")
            }
            for (position, (argument, wanted)) in zip(command, arguments).enumerated()
            where !Self.matches(argument, wanted, isName: position == 0) {
                faults.append("\(destination)[\(index)][\(position)]: expected \(wanted), got \(argument)")
            }
        }
        return faults
    }

    private static func matches(_ argument: String, _ wanted: JSONValue, isName: Bool) -> Bool {
        switch wanted {
        case .string(anything): return true
        case .string(let text):
            return isName ? argument.lowercased() == text.lowercased() : ExactString(argument) == ExactString(text)
        case .number(let number): return argument == number.text
        default:
            guard let value = try? JSONValue(jsonText: argument) else { return false }
            return contains(value, wanted)
        }
    }

    private static func contains(_ value: JSONValue, _ wanted: JSONValue) -> Bool {
        switch (value, wanted) {
        case (_, .string(anything)): return !value.isMissing
        case (.object(let members), .object(let wantedMembers)):
            return wantedMembers.allSatisfy { contains(members[$0.name], $0.value) }
        case (.array(let elements), .array(let wantedElements)):
            return elements.count == wantedElements.count
                && zip(elements, wantedElements).allSatisfy { contains($0, $1) }
        default: return value == wanted
        }
    }
}
