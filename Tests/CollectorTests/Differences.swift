/// Recorded cases that we deliberately answer differently, by id. `docs/compatibility.md` says why in full.
enum Differences {
    static let mapping: [String: String] = [
        "process/059": "a rule's consent is enforced: the event waits instead of being delivered"
    ]

    static let collector: [String: String] = [
        "event-015": "a null user is refused at once, so the event does not count as accepted",
        "consent-004": "an event keeps its own denial: it stays held when the collector's consent allows others",
        "consent-014": "a second run keeps the events that wait for consent",
        "consent-018": "an event keeps its own denial of consent",
        "init-002": "events wait while a destination is not ready",
        "init-003": "events wait while a destination cannot be initialized",
        "init-004": "events that waited for a destination are delivered once it is initialized",
        "late-008": "an event keeps the user it was captured with",
        "race-001": "a destination is initialized once, however many events come meanwhile",
        "race-002": "events that waited are delivered in order, one after the other",
        "race-003": "events reach a destination in order, however long each takes",
        "batch-009": "every destination honours batch options",
        "before-005": "an event does not pass by a transformer that is not there",
        "before-008": "routes look at the event wherever there is one",
        "cache-007": "a cache does not know events that were not delivered",
        "breaker-001": "while the breaker is open events wait instead of being passed over",
        "breaker-002": "while the breaker is open events wait; the oldest of them is the probe",
        "breaker-004": "while the breaker is open events wait",
        "cmd-010": "after shutdown no event is taken",
    ]
}
