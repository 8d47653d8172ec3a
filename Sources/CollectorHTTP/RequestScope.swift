import Collector
import EventJSON
import InternetAddresses
import NIOHTTP1

/// What a source's `ingest` may select of a request, as walkerOS names it.
enum RequestScope {
    /// What the source notes of the request; nil if nothing can be selected.
    static func ingest(
        _ mapping: ValueMapping,
        of head: HTTPRequestHead,
        client: IPAddress?,
        nowMilliseconds: Int
    ) -> Ingest? {
        var scope = scope(of: head)
        if let client { scope["ip"] = .string(client.description) }
        let value = try? mapping.value(in: .object(scope), nowMilliseconds: nowMilliseconds)
        return value?.object.map { Ingest(.object($0)) }
    }

    private static func scope(of head: HTTPRequestHead) -> JSONObject {
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        var headers = JSONObject()
        for field in head.headers { add(field.value, named: field.name.lowercased(), to: &headers, separator: ", ") }
        var query = JSONObject()
        for pair in parts.count > 1 ? parts[1].split(separator: "&").prefix(1000) : [] {
            let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = halves.count > 1 ? PixelQuery.decode(halves[1]) : ""
            add(value, named: PixelQuery.decode(halves[0]), to: &query, separator: ",")
        }
        return [
            "method": .string(head.method.rawValue), "url": .string(head.uri), "path": .string(String(parts[0])),
            "query": .object(query), "headers": .object(headers),
        ]
    }

    private static func add(_ value: String, named name: String, to object: inout JSONObject, separator: String) {
        object[name] = .string(object[name].string.map { $0 + separator + value } ?? value)
    }
}
