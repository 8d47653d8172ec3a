import Collector
import EventJSON
import HTTPServer

/// Reads an HTTP source's `config`.
struct HTTPSourceReader {
    let path: [String]
    var problems: ConfigurationProblems

    mutating func read(_ config: JSONObject, into source: inout HTTPSource) {
        readEarlyAnswers(config["async"], into: &source)
        if !config["ingest"].isMissing {
            if config["ingest"].object == nil {
                problems.add(path + ["ingest"], "\"ingest\" is a value such as {\"map\": {\"method\": \"method\"}}")
            } else {
                source.ingest = ValueMapping(config["ingest"], path: path + ["ingest"], problems: &problems)
            }
        }
        guard !config["settings"].isMissing else { return }
        guard let settings = config["settings"].object else {
            problems.add(path + ["settings"], "\"settings\" is an object")
            return
        }
        let place = path + ["settings"]
        let known = (source.style == .express ? SourceType.express : SourceType.fetch).settings.map(\.name)
        problems.refuseUnknownMembers(settings.map(\.name), known: known, path: place, of: "the settings of a source")
        readListener(settings, place, into: &source)
        source.maximumBatchCount =
            whole(settings["maxBatchSize"], 1...100_000, place + ["maxBatchSize"]) ?? source.maximumBatchCount
        source.maximumBodyByteCount =
            whole(settings["maxRequestSize"], 1...(1 << 30), place + ["maxRequestSize"]) ?? source.maximumBodyByteCount
        readPaths(settings, place, into: &source)
        readCrossOrigin(settings["cors"], place + ["cors"], into: &source)
        readKeys(settings["keys"], place + ["keys"], into: &source)
        source.eventsPerSecondPerAddress = whole(
            settings["addressRate"],
            1...1_000_000_000,
            place + ["addressRate"]
        )
        guard let proxies = strings(settings["trustedProxies"], place + ["trustedProxies"]) else { return }
        if !source.trust(proxies: proxies) {
            problems.add(place + ["trustedProxies"], "are addresses, networks such as 10.0.0.0/8, or \"unix\"")
        }
    }

    private mutating func readListener(_ settings: JSONObject, _ place: [String], into source: inout HTTPSource) {
        source.port = whole(settings["port"], 0...65_535, place + ["port"])
        source.host = text(settings["host"], place + ["host"])
        source.socketPath = text(settings["socket"], place + ["socket"])
        if source.socketPath != nil {
            for name in ["port", "host", "tls"] where !settings[name].isMissing {
                problems.add(place + [name], "does not go with \"socket\"")
            }
        }
        guard !settings["tls"].isMissing else { return }
        problems.refuseUnknownMembers(
            (settings["tls"].object ?? [:]).map(\.name),
            known: ["certificate", "key", "clientAuthorities"],
            path: place + ["tls"],
            of: "\"tls\""
        )
        guard settings["tls"].object != nil,
            let certificate = text(settings["tls"]["certificate"], place + ["tls", "certificate"]),
            let key = text(settings["tls"]["key"], place + ["tls", "key"])
        else {
            problems.add(place + ["tls"], "is {\"certificate\", \"key\", \"clientAuthorities\"}: paths of PEM files")
            return
        }
        source.tls = HTTPServerTLS(
            certificatePath: certificate,
            keyPath: key,
            clientAuthoritiesPath: text(
                settings["tls"]["clientAuthorities"],
                place + ["tls", "clientAuthorities"]
            )
        )
    }

    private mutating func text(_ value: JSONValue, _ place: [String]) -> String? {
        if value.isMissing { return nil }
        if let text = value.string, !text.isEmpty { return text }
        problems.add(place, "is a text that is not empty")
        return nil
    }

    private mutating func readKeys(_ value: JSONValue, _ place: [String], into source: inout HTTPSource) {
        if value.isMissing { return }
        guard let list = value.array, !list.isEmpty else {
            problems.add(
                place,
                "\"keys\" is an array of {\"id\", \"key\" or \"secret\", \"rate\", \"tags\"}, not empty: without it everybody may send"
            )
            return
        }
        var keys: [WriteKey] = []
        for (index, entry) in list.enumerated() {
            let place = place + [String(index)]
            problems.refuseUnknownMembers(
                (entry.object ?? [:]).map(\.name),
                known: ["id", "key", "rate", "secret", "tags"],
                path: place,
                of: "a key"
            )
            let rate = whole(entry["rate"], 1...1_000_000_000, place + ["rate"])
            guard let id = entry["id"].string, !id.isEmpty else {
                problems.add(place + ["id"], "a key has an \"id\" for logs, which is not secret")
                continue
            }
            let name = entry["secret"].isMissing ? "key" : "secret"
            guard let key = entry[name].string, key.count >= WriteKey.minimumLength, !key.contains(" ") else {
                problems.add(
                    place + [name],
                    "is a text of at least \(WriteKey.minimumLength) characters without spaces; write $secret.NAME"
                )
                continue
            }
            if name == "secret", !entry["key"].isMissing {
                problems.add(place + ["key"], "does not go with \"secret\", which signs bodies and is not sent")
            }
            let tags = entry["tags"].object ?? [:]
            if !entry["tags"].isMissing, entry["tags"].object == nil {
                problems.add(place + ["tags"], "is an object: members of the events' source")
            }
            for tag in tags where WriteKey.reservedTags.contains(tag.name) {
                problems.add(place + ["tags", tag.name], "is the collector's own")
            }
            keys.append(
                name == "key"
                    ? WriteKey(id: id, key: key, eventsPerSecond: rate, tags: tags)
                    : WriteKey(id: id, signingSecret: key, eventsPerSecond: rate, tags: tags)
            )
        }
        source.writeKeys = WriteKeys(keys, burstCount: source.maximumBatchCount)
    }

    private mutating func whole(_ value: JSONValue, _ range: ClosedRange<Int>, _ place: [String]) -> Int? {
        if value.isMissing { return nil }
        if let number = value.number?.integer, range.contains(number) { return number }
        problems.add(place, "is a whole number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    private mutating func readEarlyAnswers(_ value: JSONValue, into source: inout HTTPSource) {
        switch value {
        case .missing: return
        case .bool(let bool):
            source.answersGETEarly = bool
            source.answersPOSTEarly = bool
        case .object(let members):
            problems.refuseUnknownMembers(
                members.map(\.name),
                known: ["GET", "POST"],
                path: path + ["async"],
                of: "\"async\""
            )
            source.answersGETEarly = members["GET"].bool ?? source.answersGETEarly
            source.answersPOSTEarly = members["POST"].bool ?? source.answersPOSTEarly
        default: problems.add(path + ["async"], "\"async\" is true, false, or {\"GET\": …, \"POST\": …}")
        }
    }

    private mutating func readPaths(_ settings: JSONObject, _ place: [String], into source: inout HTTPSource) {
        if let single = settings["path"].string {
            if let path = checked(single, place + ["path"]) {
                source.paths = [HTTPSource.Path(path: path, takesGET: true, takesPOST: true)]
            }
        }
        guard !settings["paths"].isMissing else { return }
        guard let list = settings["paths"].array, !list.isEmpty else {
            problems.add(place + ["paths"], "\"paths\" is an array of paths")
            return
        }
        source.paths = list.enumerated().compactMap { index, entry in
            self.path(entry, place + ["paths", String(index)])
        }
    }

    private mutating func path(_ entry: JSONValue, _ place: [String]) -> HTTPSource.Path? {
        if let text = entry.string {
            return checked(text, place).map { HTTPSource.Path(path: $0, takesGET: true, takesPOST: true) }
        }
        guard let text = entry["path"].string, let path = checked(text, place + ["path"]) else {
            problems.add(place, "a path is text, or {\"path\": …, \"methods\": [\"GET\", \"POST\"]}")
            return nil
        }
        guard let methods = entry["methods"].array else {
            return HTTPSource.Path(path: path, takesGET: true, takesPOST: true)
        }
        for (index, method) in methods.enumerated() where method != "GET" && method != "POST" {
            problems.add(place + ["methods", String(index)], "a method is \"GET\" or \"POST\"")
        }
        return HTTPSource.Path(path: path, takesGET: methods.contains("GET"), takesPOST: methods.contains("POST"))
    }

    private mutating func checked(_ path: String, _ place: [String]) -> String? {
        if path.hasPrefix("/"), !path.contains("?"), !path.contains(":") { return path }
        problems.add(place, "a path begins with \"/\" and has no pattern in it")
        return nil
    }

    private mutating func readCrossOrigin(_ value: JSONValue, _ place: [String], into source: inout HTTPSource) {
        switch value {
        case .missing, .bool(true): return
        case .bool(false): source.crossOrigin = nil
        case .object(let members):
            problems.refuseUnknownMembers(
                members.map(\.name),
                known: ["origin", "methods", "headers", "credentials", "maxAge", "enforce"],
                path: place,
                of: "\"cors\""
            )
            var policy = HTTPCrossOriginPolicy()
            switch members["origin"] {
            case .missing, .string("*"): policy.origin = .any
            case .string(let origin): policy.origin = .fixed(origin)
            case .bool(true): policy.origin = .reflected
            case .array(let origins): policy.origin = .listed(origins.compactMap(\.string))
            default: problems.add(place + ["origin"], "an origin is text, an array of texts, or true for any")
            }
            policy.methods = strings(members["methods"], place + ["methods"]) ?? policy.methods
            policy.requestHeaders = strings(members["headers"], place + ["headers"])
            policy.allowsCredentials = members["credentials"].bool ?? false
            policy.maximumAgeSeconds =
                whole(members["maxAge"], 0...Int(Int32.max), place + ["maxAge"]) ?? HTTPSource.preflightSeconds
            source.refusesOtherOrigins = members["enforce"].bool ?? false
            if !members["enforce"].isMissing, members["enforce"].bool == nil {
                problems.add(place + ["enforce"], "is true or false")
            }
            source.crossOrigin = policy
        default: problems.add(place, "\"cors\" is true, false, or an object")
        }
    }

    private mutating func strings(_ value: JSONValue, _ place: [String]) -> [String]? {
        switch value {
        case .missing: return nil
        case .string(let text):
            return text.split(separator: ",").map { $0.trimmingPrefix { $0 == " " } }.map(String.init)
        case .array(let elements) where elements.allSatisfy({ $0.string != nil }): return elements.compactMap(\.string)
        default:
            problems.add(place, "is an array of texts")
            return nil
        }
    }
}
