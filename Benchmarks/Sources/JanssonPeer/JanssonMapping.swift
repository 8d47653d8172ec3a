import CJanssonPeer
import Crypto

/// The benchmark's mapping, written out by hand for jansson trees: nothing is interpreted.
///
/// It does what `WorkMapping` of the benchmarks says, in the same order.
enum JanssonMapping {
    /// Gates and maps the event in place; the mapped data, which the caller releases, or nil if consent is missing.
    static func map(_ event: JanssonTree) -> JanssonTree? {
        guard gate(event) else { return nil }
        guard let name = event.member("name"), let words = JanssonWords(name), words.equal("product", "view") else {
            return json_object()
        }
        applyPolicy(to: event)
        let data = mappedData(of: event)
        event.setNew("name", json_string("view_item"))
        return data
    }

    private static func gate(_ event: JanssonTree) -> Bool {
        guard let own = event.member("consent"), own.isObject else { return false }
        var isGrantedThroughout = true
        own.forEachMember { _, value in
            if value.pointee.type != JSON_TRUE { isGrantedThroughout = false }
        }
        if !isGrantedThroughout, let granted = json_object() {
            own.forEachMember { name, value in
                if value.isTruthy { json_object_set_new(granted, name, json_true()) }
            }
            event.setNew("consent", granted)
        }
        return event.member("consent")?.member("marketing")?.isTruthy ?? false
    }

    private static func applyPolicy(to event: JanssonTree) {
        if let user = event.member("user"), let email = user.member("email")?.stringBytes {
            user.setNew("email", hashed(email))
        }
        event.member("custom")?.setNew("channel", json_string("web"))
    }

    /// The SHA-256 of the trimmed text in lower case; ASCII only, which the inputs are.
    private static func hashed(_ text: UnsafeRawBufferPointer) -> JanssonTree? {
        var range = text[...]
        while let first = range.first, first <= 0x20 { range.removeFirst() }
        while let last = range.last, last <= 0x20 { range.removeLast() }
        return withUnsafeTemporaryAllocation(byteCount: 64 + range.count, alignment: 8) { scratch in
            for (offset, byte) in range.enumerated() {
                scratch[64 + offset] = 0x41...0x5A ~= byte ? byte | 0x20 : byte
            }
            var position = 0
            for byte in SHA256.hash(data: UnsafeRawBufferPointer(rebasing: scratch[64...])) {
                for digit in [byte >> 4, byte & 0xF] {
                    scratch[position] = digit < 10 ? 0x30 + digit : 0x61 + digit - 10
                    position += 1
                }
            }
            return json_stringn(scratch.bindMemory(to: CChar.self).baseAddress, 64)
        }
    }

    private static func mappedData(of event: JanssonTree) -> JanssonTree? {
        guard let result = json_object() else { return nil }
        let data = event.member("data")
        if let id = data?.member("id") { result.set("item", id) }
        if let currency = data?.member("currency") {
            result.set("currency", currency)
        } else {
            result.setNew("currency", json_string("EUR"))
        }
        if let price = data?.member("price") { result.set("value", price) }
        if let email = event.member("user")?.member("email") { result.set("buyer", email) }
        result.setNew("items", items(of: event))
        return result
    }

    private static func items(of event: JanssonTree) -> JanssonTree? {
        let nested = event.member("nested")
        let items: JanssonTree? = json_array()
        for index in 0..<json_array_size(nested) {
            let data = json_array_get(nested, index)?.member("data")
            guard let item = json_object() else { continue }
            if let sku = data?.member("sku") { item.set("sku", sku) }
            if let stock = data?.member("stock") { item.set("stock", stock) }
            json_array_append_new(items, item)
        }
        return items
    }
}
