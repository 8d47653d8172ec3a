import Collector
import EventJSON

/// Reads a flow's `collector` block.
struct CollectorOptionsReader {
    let path: [String]

    private static let members = [
        "consent", "custom", "globals", "globalsStatic", "logger", "maxEventSize", "memoryMax", "name", "queueMax",
        "release", "run",
        "sessionStatic", "user",
    ]
    private static let levels = ["error", "warning", "info", "debug"]

    func read(
        _ value: JSONValue,
        flowName: String,
        problems: inout ConfigurationProblems
    ) -> (CollectorOptions, logLevel: String?) {
        var options = CollectorOptions()
        options.name = flowName
        if value.isMissing { return (options, nil) }
        guard let members = value.object else {
            problems.add(path, "\"collector\" is an object")
            return (options, nil)
        }
        problems.refuseUnknownMembers(members.map(\.name), known: Self.members, path: path, of: "\"collector\"")
        func object(_ name: String, problems: inout ConfigurationProblems) -> JSONObject {
            if members[name].isMissing { return [:] }
            if let object = members[name].object { return object }
            problems.add(path + [name], "\"\(name)\" is an object")
            return [:]
        }
        options.consent = object("consent", problems: &problems)
        options.user = object("user", problems: &problems)
        options.globals = object("globals", problems: &problems)
        options.globalsStatic = object("globalsStatic", problems: &problems)
        options.custom = object("custom", problems: &problems)
        for member in options.consent where member.value.bool == nil {
            problems.add(path + ["consent", member.name], "a consent state is true or false")
        }
        if !members["run"].isMissing {
            if let run = members["run"].bool {
                options.run = run
            } else {
                problems.add(path + ["run"], "is true or false")
            }
        }
        if let name = members["name"].string { options.name = name }
        if let release = members["release"].string { options.release = release }
        if !members["memoryMax"].isMissing {
            if let count = members["memoryMax"].number?.integer, count >= CollectorOptions.leastEventByteCount {
                options.maximumMemoryByteCount = count
            } else {
                problems.add(path + ["memoryMax"], "is a number of bytes, at least 16777216 (16 MiB)")
            }
        }
        if !members["queueMax"].isMissing {
            if let count = members["queueMax"].number?.integer, count >= 0 {
                options.maximumQueueCount = count
            } else {
                problems.add(path + ["queueMax"], "is a whole number of at least 0")
            }
        }
        if !members["maxEventSize"].isMissing {
            if let count = members["maxEventSize"].number?.integer, 1...(1 << 30) ~= count {
                options.maximumEventByteCount = count
            } else {
                problems.add(path + ["maxEventSize"], "is a whole number of bytes from 1 to 1073741824")
            }
        }
        return (options, level(members["logger"]["level"], problems: &problems))
    }

    /// A level by name or, as walkerOS numbers them, 0 to 3.
    private func level(_ value: JSONValue, problems: inout ConfigurationProblems) -> String? {
        if value.isMissing { return nil }
        if let number = value.number?.integer, Self.levels.indices.contains(number) { return Self.levels[number] }
        let name = value.string?.lowercased()
        if name == "warn" { return "warning" }
        if let name, Self.levels.contains(name) { return name }
        problems.add(path + ["logger", "level"], "is one of ERROR, WARN, INFO, DEBUG")
        return nil
    }
}
