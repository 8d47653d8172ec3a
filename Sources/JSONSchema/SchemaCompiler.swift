import EventJSON

/// Turns a schema into nodes and collects what cannot be honoured.
///
/// Every schema inside the document becomes one node, known by its place, so that references may lead in circles.
struct SchemaCompiler {
    let document: JSONValue
    var nodes: [SchemaNode] = []
    var problems: [JSONSchemaProblem] = []
    private var indices: [SchemaPlace: Int] = [:]
    private var anchors: [ExactString: SchemaPlace] = [:]

    /// The number of schemas inside one beyond which it is refused.
    private static let maximumNodeCount = 10_000
    /// The number of steps to the deepest place.
    private static let maximumDepth = 128
    /// The draft that is understood.
    private static let draft = "https://json-schema.org/draft/2020-12/schema"

    init(_ document: JSONValue) {
        self.document = document
    }

    /// Compiles the document and gives the index of its node.
    mutating func compile() -> Int {
        anchors = SchemaAnchors.find(in: document)
        let root = node(document, at: SchemaPlace([]))
        if problems.isEmpty, let cycle = SchemaCycles.find(in: nodes) {
            let place = indices.first { $0.value == cycle }?.key
            problem(place?.path ?? [], "the schema refers to itself without looking deeper into the value")
        }
        return root
    }

    /// The index of the schema at a place, compiled if it has not been.
    mutating func node(_ value: JSONValue, at place: SchemaPlace) -> Int {
        if let index = indices[place] { return index }
        let index = nodes.count
        indices[place] = index
        nodes.append(SchemaNode())
        guard index < Self.maximumNodeCount, place.path.count <= Self.maximumDepth else {
            if index == Self.maximumNodeCount || place.path.count == Self.maximumDepth + 1 {
                problem(place.path, "the schema is too large or too deep; divide it")
            }
            return index
        }
        switch value {
        case .bool(let verdict): nodes[index].verdict = verdict
        case .object(let members):
            refuseUnknown(members, at: place)
            nodes[index] = compiled(members, at: place)
        default: problem(place.path, "a schema is an object, true or false, not \(value.kindName)")
        }
        return index
    }

    /// The schema that stands under a member.
    mutating func node(_ members: JSONObject, _ keyword: SchemaKeyword, at place: SchemaPlace) -> Int? {
        let value = members[keyword.rawValue]
        return value.isMissing ? nil : node(value, at: place.appending(keyword.rawValue))
    }

    /// The schemas in the array under a member.
    mutating func list(_ members: JSONObject, _ keyword: SchemaKeyword, at place: SchemaPlace) -> [Int]? {
        let value = members[keyword.rawValue]
        if value.isMissing { return nil }
        guard let elements = value.array, !elements.isEmpty else {
            problem(place.path + [keyword.rawValue], "\"\(keyword.rawValue)\" is an array of schemas, at least one")
            return nil
        }
        return elements.enumerated().map { node($1, at: place.appending(keyword.rawValue, String($0))) }
    }

    /// The schemas in the object under a member.
    mutating func map(
        _ members: JSONObject,
        _ keyword: SchemaKeyword,
        at place: SchemaPlace
    ) -> [(name: String, node: Int)] {
        let value = members[keyword.rawValue]
        if value.isMissing { return [] }
        guard let entries = value.object else {
            problem(place.path + [keyword.rawValue], "\"\(keyword.rawValue)\" is an object of schemas")
            return []
        }
        return entries.map { ($0.name, node($0.value, at: place.appending(keyword.rawValue, $0.name))) }
    }

    mutating func problem(_ path: [String], _ message: String, unknownKeyword: String? = nil) {
        problems.append(JSONSchemaProblem(path: path, message: message, unknownKeyword: unknownKeyword))
    }

    private mutating func refuseUnknown(_ members: JSONObject, at place: SchemaPlace) {
        for member in members where SchemaKeyword(rawValue: member.name) == nil && !member.name.hasPrefix("x-") {
            problem(
                place.path + [member.name],
                SchemaKeyword.replaced[member.name] ?? "unknown keyword, which could not be checked",
                unknownKeyword: SchemaKeyword.replaced[member.name] == nil ? member.name : nil
            )
        }
        if let draft = members["$schema"].string, draft != Self.draft, draft != Self.draft + "#" {
            problem(place.path + ["$schema"], "the draft understood is \(Self.draft)")
        }
        if !place.path.isEmpty, members.contains("$id") {
            problem(place.path + ["$id"], "\"$id\" inside a schema is not supported; remove it and refer by \"#/…\"")
        }
    }

    private mutating func compiled(_ members: JSONObject, at place: SchemaPlace) -> SchemaNode {
        var node = SchemaNode()
        node.types = types(members, at: place)
        if members.contains("const") { node.constant = ExactValue(members["const"]) }
        node.enumeration = enumeration(members, at: place)
        node.numbers = numbers(members, at: place)
        node.texts = texts(members, at: place)
        node.objects = objects(members, at: place)
        node.arrays = arrays(members, at: place)
        node.applicators = applicators(members, at: place)
        node.unevaluatedProperties = self.node(members, .unevaluatedProperties, at: place)
        node.unevaluatedItems = self.node(members, .unevaluatedItems, at: place)
        // Compiled so that what stands there is checked, whether or not it is referred to.
        _ = map(members, .definitions, at: place)
        _ = map(members, .olderDefinitions, at: place)
        return node
    }

    // MARK: References

    /// The schema that `$ref` or `$dynamicRef` leads to. A document without `$id` inside is one resource, in which a
    /// dynamic reference is like any other.
    mutating func reference(_ members: JSONObject, _ keyword: SchemaKeyword, at place: SchemaPlace) -> Int? {
        let value = members[keyword.rawValue]
        if value.isMissing { return nil }
        let path = place.path + [keyword.rawValue]
        guard var reference = value.string else {
            problem(path, "a reference is text such as \"#/$defs/name\"")
            return nil
        }
        if let id = document["$id"].string, !id.isEmpty, reference.hasPrefix(id) {
            reference.removeFirst(id.count)
            if reference.isEmpty { reference = "#" }
        }
        guard reference.hasPrefix("#") else {
            problem(path, "references stay inside the schema: \"#\", \"#/$defs/name\", \"#anchor\"")
            return nil
        }
        guard let target = target(of: reference.dropFirst()), let schema = target.value(in: document) else {
            problem(path, "nothing stands at \"\(reference.prefix(100))\" in this schema")
            return nil
        }
        return node(schema, at: target)
    }

    private func target(of fragment: Substring) -> SchemaPlace? {
        guard let text = PercentEncoding.decode(fragment) else { return nil }
        return text.isEmpty || text.hasPrefix("/") ? SchemaPlace(pointer: text) : anchors[ExactString(text)]
    }
}
