import EventJSON

/// Makes mappings and events that have much to do with each other, the same ones for the same seed.
struct RandomMapping {
    private var state: UInt64

    private static let paths = [
        "data.id", "data.price", "data.list.1", "data.list.*.id", "data.list.length", "data.none", "data", "user.email",
        "user.id", "custom.a.b", "custom.7", "nested", "nested.0.data.sku", "nested.*.data.sku", "consent.marketing",
        "context.shopping.0", "name", "timestamp", "elsewhere.x", "globals.null", "globals.deep.null", "source.count",
    ]
    private static let itemPaths = ["data.sku", "data", "entity", "none", "data.stock", "7", "id", ""]
    private static let texts = [
        "", " Jane.Doe@Example.COM ", "plain", "\u{e9}t\u{e9}", "q\"uo\\te", "null", "1.0", "\u{1F600}", "a b c",
    ]

    init(seed: UInt64) {
        state = seed
    }

    private mutating func next(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(truncatingIfNeeded: state >> 33) % bound
    }

    private mutating func one(of texts: [String]) -> String {
        texts[next(texts.count)]
    }

    private mutating func scalar() -> JSONValue {
        switch next(8) {
        case 0: .null
        case 1: .bool(next(2) == 0)
        case 2: .number(JSONNumber(next(1000)))
        case 3: .number(JSONNumber(Double(next(1000)) / 8))
        default: .string(one(of: Self.texts))
        }
    }

    private mutating func content(_ depth: Int) -> JSONValue {
        if depth == 0 { return scalar() }
        switch next(5) {
        case 0: return .array((0..<next(4)).map { _ in content(depth - 1) })
        case 1, 2:
            var object = JSONObject()
            for _ in 0..<next(4) {
                object[one(of: ["id", "price", "email", "a", "b", "sku", "7", "null"])] = content(depth - 1)
            }
            return .object(object)
        default: return scalar()
        }
    }

    /// Some of an event's members.
    mutating func event() -> JSONValue {
        var nested: [JSONValue] = []
        for _ in 0..<next(3) {
            nested.append(["entity": "variant", "data": ["sku": scalar(), "stock": content(1)]])
        }
        return [
            "name": .string(one(of: ["product view", "product click", "page view", "a \u{e9}", "\"x\" y"])),
            "data": ["id": scalar(), "price": scalar(), "list": content(2)],
            "user": next(2) == 0 ? [:] : ["id": "u", "email": .string(one(of: Self.texts))],
            "custom": next(2) == 0 ? [:] : ["a": content(1)],
            "globals": content(2).object == nil ? [:] : ["null": .null, "deep": ["null": .null]],
            "context": ["shopping": [scalar(), 0]],
            "consent": next(3) == 0 ? ["marketing": false] : ["marketing": true],
            "nested": .array(nested),
        ]
    }

    private mutating func value(_ paths: [String], _ depth: Int) -> JSONValue {
        switch next(depth == 0 ? 5 : 11) {
        case 0: return ["value": scalar()]
        case 1: return ["key": .string(one(of: paths)), "value": scalar()]
        case 2:
            let functions = (0...next(3)).map { _ in
                JSONValue.string(one(of: ["trim", "lowercase", "uppercase", "sha256", "md5", "string", "number"]))
            }
            return ["key": .string(one(of: paths)), "fn": .array(functions)]
        case 5:
            var entries = JSONObject()
            for _ in 0..<next(4) { entries[one(of: ["x", "y", "7", "z"])] = value(paths, depth - 1) }
            return ["map": .object(entries)]
        case 6: return ["loop": [.string(one(of: paths + ["this"])), value(Self.itemPaths, depth - 1)]]
        case 7: return ["set": .array((0..<next(3)).map { _ in value(paths, depth - 1) })]
        case 8: return .array((0..<next(4)).map { _ in value(paths, depth - 1) })
        case 9:
            return [
                "key": .string(one(of: paths)), "consent": ["marketing": true], "value": scalar(),
            ]
        case 10:
            return [
                "condition": ["key": .string(one(of: Self.paths)), "operator": "exists"],
                "key": .string(one(of: paths)),
            ]
        default: return .string(one(of: paths))
        }
    }

    private mutating func policy() -> JSONValue {
        var policy = JSONObject()
        for _ in 0..<next(3) {
            let path = one(of: Self.paths.filter { !$0.contains("*") && !$0.contains("length") } + ["custom.new"])
            policy[path] = value(Self.paths, 1)
        }
        return .object(policy)
    }

    private mutating func rule() -> JSONValue {
        var rule = JSONObject()
        if next(2) == 0 { rule["name"] = .string(one(of: ["view_item", "b \u{e9}\""])) }
        if next(4) == 0 { rule["consent"] = ["marketing": true] }
        if next(8) == 0 { rule["ignore"] = true }
        if next(8) == 0 { rule["condition"] = ["key": .string(one(of: Self.paths)), "operator": "exists"] }
        if next(8) == 0 { rule["include"] = ["user"] }
        if next(8) == 0 { rule["remove"] = ["x"] }
        if next(2) == 0 { rule["policy"] = policy() }
        if next(4) > 0 { rule["data"] = value(Self.paths, 3) }
        return .object(rule)
    }

    /// The mapping members of a destination's configuration.
    mutating func configuration() -> JSONObject {
        var configuration = JSONObject()
        if next(3) == 0 { configuration["policy"] = policy() }
        if next(3) == 0 { configuration["data"] = value(Self.paths, 2) }
        if next(5) > 0 {
            configuration["mapping"] = [
                "product": ["view": rule(), "*": [rule(), rule()]], "*": ["view": rule(), "\u{e9}": rule()],
            ]
        }
        return configuration
    }
}
