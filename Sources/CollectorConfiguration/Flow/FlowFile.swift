public import Collector
import EventJSON

/// A `flow.json` of version 4, as walkerOS users have it.
///
/// ```swift
/// let file = try FlowFile(text: bytes, name: "flow.json")
/// let flow = try file.flow(named: nil, environment: environment, destinationTypes: types, sourceTypes: sources)
/// ```
///
/// Whatever cannot be honoured is an error with file, line, path and remedy; all errors are told at once.
/// Format: [Flow](https://www.walkeros.io/docs/getting-started/flow).
public struct FlowFile: Sendable {
    /// The file's name, for messages.
    public let name: String
    let text: [UInt8]
    let root: JSONObject

    /// Reads a file's text.
    ///
    /// - Throws: `FlowErrors` if it is not a JSON object.
    public init(text: [UInt8], name: String) throws(FlowErrors) {
        self.text = text
        self.name = name
        do {
            guard let object = try JanssonText.parse(String(decoding: text, as: UTF8.self)).object else {
                throw ConfigurationProblem(path: [], message: "a flow file is a JSON object")
            }
            root = object
        } catch let error as JanssonText.SyntaxError {
            throw FlowErrors(error, file: name)
        } catch {
            throw FlowErrors([ConfigurationProblem(path: [], message: "\(error)")], file: name, text: text)
        }
    }

    /// The names of the flows in the file.
    public var flowNames: [String] { (root["flows"].object ?? [:]).map(\.name) }

    /// The names of the flows that are not for browsers; all names if there are only such.
    public var serverFlowNames: [String] {
        let names = flowNames.filter { root["flows"][$0]["config"]["platform"].string != "web" }
        return names.isEmpty ? flowNames : names
    }

    /// The flow of that name, or the only one, with all references resolved and everything checked.
    ///
    /// - Throws: `FlowErrors` with every fault found.
    public func flow(
        named name: String? = nil,
        environment: EnvironmentSource,
        destinationTypes: [DestinationType],
        sourceTypes: [SourceType],
        transformerTypes: [TransformerType] = TransformerType.builtIn,
        storeTypes: [StoreType] = [.memory],
        functions: MappingFunctions = .standard
    ) throws(FlowErrors) -> Flow {
        var problems = ConfigurationProblems()
        FlowFileCheck.check(root, problems: &problems)
        let selected: (name: String, settings: ResolvedFlow)
        do throws(ConfigurationProblem) {
            let chosen = try FlowSelection.select(name, of: root)
            selected = (chosen, try FlowResolution.resolve(chosen, of: root, environment: environment))
        } catch {
            throw FlowErrors(problems.list + [error], file: self.name, text: text)
        }
        var builder = FlowBuilder(
            name: selected.name,
            resolved: selected.settings,
            destinationTypes: destinationTypes,
            sourceTypes: sourceTypes,
            transformerTypes: transformerTypes,
            storeTypes: storeTypes,
            functions: functions,
            problems: problems
        )
        let flow = builder.build()
        guard builder.problems.isEmpty else {
            throw FlowErrors(builder.problems.list, file: self.name, text: text)
        }
        return flow
    }
}

/// Which of a file's flows is meant.
enum FlowSelection {
    static func select(_ name: String?, of root: JSONObject) throws(ConfigurationProblem) -> String {
        let names = (root["flows"].object ?? [:]).map(\.name)
        if let name {
            if names.contains(name) { return name }
            throw ConfigurationProblem(
                path: ["flows"],
                message: "Flow \"\(name)\" not found. Available: \(names.joined(separator: ", "))"
            )
        }
        if names.count > 1 {
            let list = names.joined(separator: ", ")
            throw ConfigurationProblem(
                path: ["flows"],
                message: "Multiple flows found (\(list)). Please specify a flow."
            )
        }
        guard let only = names.first else {
            throw ConfigurationProblem(path: ["flows"], message: "At least one flow is required")
        }
        return only
    }
}

/// What is checked before a flow is chosen: the members at the top of the file.
enum FlowFileCheck {
    private static let members = ["$schema", "version", "include", "variables", "contract", "flows"]

    static func check(_ root: JSONObject, problems: inout ConfigurationProblems) {
        problems.refuseUnknownMembers(root.map(\.name), known: members, path: [], of: "a flow file")
        switch root["version"].number?.integer {
        case 4: break
        case .some(let version):
            problems.add(
                ["version"],
                "version \(version) is not supported; write \"version\": 4 and rename what version 4 renamed"
            )
        case nil: problems.add(["version"], "a flow file names its version: \"version\": 4")
        }
        if let schema = root["$schema"].string, !schema.contains("://"), !schema.hasSuffix(".json") {
            problems.add(["$schema"], "\"$schema\" is the URL or path of a schema")
        }
        if root["flows"].object == nil {
            problems.add(["flows"], "\"flows\" is an object: name → flow")
        }
    }
}
