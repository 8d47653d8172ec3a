import EventJSON
import Testing

@testable import Collector

/// What walkerOS says in JavaScript and we say in JSON: conditions, validation, functions.
@Suite("Mapping without JavaScript")
struct MappingExtensionTests {
    private let event = Event(partial: [
        "name": "order complete",
        "data": ["total": 120.456, "currency": "eur", "tags": ["a", "b"], "text": " Jane ", "ip": "192.168.1.77"],
        "user": ["email": " Jane@Example.COM "],
        "timestamp": 1_700_000_000_000,
        "source": ["url": "https://user@Shop.example:8443/a/b?x=1#y"],
    ])

    private func value(_ value: JSONValue, functions: MappingFunctions = .standard) throws -> JSONValue {
        let mapping = try Mapping(["data": value], functions: functions)
        return mapping.map(event, consent: [:], nowMilliseconds: 5).data
    }

    @Test(
        "functions work on what key, map, loop or set selected",
        arguments: [
            (["key": "data.currency", "fn": "uppercase"], "EUR"),
            (["key": "user.email", "fn": ["trim", "lowercase"]], "jane@example.com"),
            (["key": "data.text", "fn": "trim"], "Jane"),
            (["key": "data.total", "fn": ["round"]], 120),
            (["key": "data.total", "fn": ["round": 2]], 120.46),
            (["key": "data.total", "fn": "string"], "120.456"),
            (["value": "1e3", "fn": "number"], 1000),
            (["value": "yes", "fn": "boolean"], true),
            (["key": "data.text", "fn": "boolean"], .missing),
            (["key": "data.tags", "fn": ["join": "|"]], "a|b"),
            (["value": "a;b;", "fn": ["split": ";"]], ["a", "b", ""]),
            (["value": "a-b-c", "fn": ["replace": ["search": "-", "with": "+"]]], "a+b+c"),
            (["key": "data.none", "fn": ["default": "?"]], "?"),
            (["fn": "now"], 5),
            (["key": "timestamp", "fn": "isoTime"], "2023-11-14T22:13:20.000Z"),
            (["key": "source.url", "fn": "urlHost"], "shop.example"),
            (["key": "source.url", "fn": "urlPath"], "/a/b"),
            (["key": "data.ip", "fn": "anonymizeIP"], "192.168.1.0"),
            (["key": "data.tags", "fn": "lowercase"], .missing),
            (["map": ["a": ["value": 1], "b": "data.tags"], "fn": "queryString"], "a=1&b%5B0%5D=a&b%5B1%5D=b"),
            (["key": "data.none", "fn": "queryString"], .missing),
            (["value": "curl/8.0", "fn": "userAgent"], ["userAgent": "curl/8.0", "deviceType": "Desktop"]),
            (
                ["value": "Windows NT 6.1 Android 5", "fn": "userAgent"],
                [
                    "userAgent": "Windows NT 6.1 Android 5", "os": "Windows", "osVersion": "6.1",
                    "deviceType": "Mobile",
                ]
            ),
        ] as [(JSONValue, JSONValue)]
    )
    func functions(_ mapping: JSONValue, _ expected: JSONValue) throws {
        #expect(try value(mapping) == expected)
    }

    @Test("hashes are those of the standards")
    func hashes() throws {
        #expect(
            try value(["value": "abc", "fn": "sha256"])
                == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        )
        #expect(try value(["value": "abc", "fn": "md5"]) == "900150983cd24fb0d6963f7d28e17f72")
        // RFC 4231, case 2.
        #expect(
            try value(["value": "what do ya want for nothing?", "fn": ["hmacSha256": ["secret": "Jefe"]]])
                == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        )
    }

    @Test("conditions look at the event, at the value, and at whole rules")
    func conditions() throws {
        let expensive: JSONValue = ["key": "data.total", "operator": "gt", "value": "100"]
        #expect(try value(["key": "data.total", "condition": expensive]) == 120.456)
        #expect(
            try value(["key": "data.total", "condition": ["key": "data.total", "operator": "lt", "value": "100"]])
                .isMissing
        )
        #expect(
            try value([
                "key": "data.currency", "value": "?",
                "validate": ["key": "value", "operator": "regex", "value": "^[A-Z]{3}$"],
            ]) == "?"
        )
        #expect(
            try value([
                "key": "data.currency", "fn": "uppercase",
                "validate": ["key": "value", "operator": "regex", "value": "^[A-Z]{3}$"],
            ]) == "EUR"
        )
        let mapping = try Mapping([
            "mapping": [
                "order": [
                    "complete": [
                        ["condition": ["key": "data.currency", "operator": "eq", "value": "usd"], "name": "us"],
                        [
                            "condition": ["and": [expensive, ["key": "event.user.email", "operator": "exists"]]],
                            "name": "big",
                        ],
                        ["name": "other"],
                    ]
                ]
            ]
        ])
        #expect(mapping.map(event, consent: [:], nowMilliseconds: 0).event.name == "big")
    }

    @Test("a linked library adds functions and conditions in Swift")
    func closures() throws {
        var functions = MappingFunctions.standard
        functions.register("domain") { value, _ in
            .string(String((value.string ?? "").drop { $0 != "@" }.dropFirst()))
        }
        functions.register("repeat") { arguments in
            guard let count = arguments.number?.integer else { throw MappingFunctionError("takes how often") }
            return { value, _ in .string(String(repeating: value.string ?? "", count: count)) }
        }
        functions.register(condition: "isBig") { _, event in (event?[.data]["total"].number?.double ?? 0) > 100 }
        #expect(try value(["key": "user.email", "fn": ["trim", "domain"]], functions: functions) == "Example.COM")
        #expect(try value(["value": "ab", "fn": ["repeat": 2]], functions: functions) == "abab")
        #expect(try value(["value": 1, "condition": "isBig"], functions: functions) == 1)
        #expect(throws: ConfigurationProblem.self) {
            try Mapping(["data": ["fn": ["repeat": "x"]]], functions: functions).isIdentity
        }
    }

    @Test(
        "what cannot be honoured is refused with the place and the remedy",
        arguments: [
            (["fn": "lowercsae"], ["data", "fn"], "did you mean \"lowercase\"?"),
            (["fn": "$code:(v) => v"], ["data", "fn"], "JavaScript cannot run here"),
            (["fn": ["round": 99]], ["data", "fn"], "0 to 15"),
            (["fn": ["hmacSha256": [:]]], ["data", "fn"], "needs a secret"),
            (
                ["condition": ["key": "a", "operator": "ne", "value": "b"]], ["data", "condition", "operator"],
                "unknown operator"
            ),
            (
                ["condition": ["key": "a", "operator": "regex", "value": "("]], ["data", "condition", "value"],
                "missing )"
            ),
            (["map": ["a": 5]], ["data", "map", "a"], "{\"value\": 5}"),
            (["loop": ["a"]], ["data", "loop"], "[scope, item]"),
            (["kye": "a"], ["data", "kye"], "did you mean \"key\"?"),
        ] as [(JSONValue, [String], String)]
    )
    func refusals(_ value: JSONValue, _ path: [String], _ remedy: String) {
        var problems = ConfigurationProblems()
        _ = Mapping(["data": value], problems: &problems)
        #expect(problems.list.first?.path == path)
        #expect(problems.list.first?.message.contains(remedy) == true, "\(problems.list)")
    }
}
