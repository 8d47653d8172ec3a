/// Recorded cases that we deliberately answer differently, by id. `docs/compatibility.md` says why in full.
enum Differences {
    static let mapping: [String: String] = [
        "process/059": "a rule's consent is enforced: the event waits instead of being delivered"
    ]
}
