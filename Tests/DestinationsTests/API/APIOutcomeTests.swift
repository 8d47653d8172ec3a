import Collector
import EventJSON
import Testing

@testable import Destinations

@Suite("api: what a status says")
struct APIOutcomeTests {
    enum Kind: String {
        case delivered, retry, rejected
    }

    private func kind(_ outcome: DeliveryOutcome) -> Kind {
        switch outcome {
        case .delivered: .delivered
        case .retry: .retry
        case .rejected: .rejected
        }
    }

    @Test(
        "each status",
        arguments: [
            (101, Kind.rejected), (200, .delivered), (201, .delivered), (202, .delivered), (204, .delivered),
            (299, .delivered), (300, .rejected), (301, .rejected), (302, .rejected), (303, .rejected), (304, .rejected),
            (307, .rejected), (308, .rejected), (400, .rejected), (401, .retry), (403, .rejected), (404, .rejected),
            (405, .rejected), (407, .retry), (408, .retry), (409, .rejected), (410, .rejected), (413, .rejected),
            (421, .rejected),
            (422, .rejected), (424, .rejected), (425, .retry), (426, .rejected), (429, .retry), (451, .rejected),
            (499, .rejected), (500, .retry), (501, .retry), (502, .retry), (503, .retry), (504, .retry), (507, .retry),
            (511, .retry), (599, .retry), (999, .retry),
        ]
    )
    func statuses(status: Int, expected: Kind) {
        let outcome = APIOutcome.outcome(status: status, retryAfter: nil)
        #expect(kind(outcome) == expected)
        if case .delivered(let response) = outcome { #expect(response["status"].number?.integer == status) }
        if (300..<400).contains(status) { #expect(outcome.rejectionReason?.contains("set \"url\"") == true) }
    }

    /// Sun, 06 Nov 1994 08:49:37 GMT
    private let now = 784_111_777

    @Test(
        "Retry-After",
        arguments: [
            ("0", 0), ("1", 1), (" 120\t", 120), ("3600", 3600), ("3601", 3600), ("99999999999999999999999", 3600),
            ("Sun, 06 Nov 1994 08:49:38 GMT", 1), ("Sun, 06 Nov 1994 08:50:37 GMT", 60),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sun, 06 Nov 1994 08:00:00 GMT", 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 3600), ("Thu, 01 Jan 2099 00:00:00 GMT", 3600),
            ("", nil), ("-1", nil), ("1.5", nil), ("soon", nil), ("1s", nil), ("1 2", nil), ("١", nil),
            ("Sun, 06 Nov 1994 08:49:38", nil), ("Sun, 99 Nov 1994 08:49:38 GMT", nil),
        ] as [(String, Int?)]
    )
    func retryAfter(text: String, seconds: Int?) {
        let outcome = APIOutcome.outcome(status: 503, retryAfter: text, now: now)
        #expect(outcome == .retry(after: seconds.map { .seconds($0) }, reason: "the service answered 503"))
    }
}
