import Collector
import EventJSON
import InternetAddresses
import NIOHTTP1
import Synchronization
import Testing

@testable import Destinations

@Suite("api: against a web service", .timeLimit(.minutes(1)))
struct APIDestinationTests {
    private func batch(_ count: Int, isGathered: Bool = false) throws -> DeliveryBatch {
        DeliveryBatch(
            try (0..<count).map {
                Delivery(event: try event(["id": .string("e\($0)")]), data: .number(JSONNumber($0)))
            },
            isGathered: isGathered
        )
    }

    @Test("templates fill the request, and the answer's status is the response")
    func request() async throws {
        let service = APIService([.status(202)])
        let url = try await service.start()
        let destination = try await apiDestination([
            "url": .string(url + "/{{user.id}}?q={{data.q}}"), "method": "PATCH",
            "headers": ["X-Tenant": "t-{{user.id}}", "Authorization": "Bearer k"],
            "bodyTemplate": #"{"q":{{data.q}}}"#,
        ])
        let outcome = await destination.deliver(try event(["user": ["id": "u/1"], "data": ["q": "a b"]]))
        #expect(outcome == .delivered(response: ["status": 202]))
        let request = try #require(service.requests.first)
        #expect(request.method == "PATCH")
        #expect(request.target == "/in/u%2F1?q=a%20b")
        #expect(request.headers["X-Tenant"] == ["t-u/1"])
        #expect(request.headers["Authorization"] == ["Bearer k"])
        #expect(request.headers["Idempotency-Key"] == ["e1"])
        #expect(request.headers["Host"] == ["127.0.0.1:\(service.port)"])
        #expect(request.body == #"{"q":"a b"}"#)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("Retry-After in seconds, as a date, and too far away")
    func retryAfter() async throws {
        let service = APIService([
            .status(503, ["Retry-After": "7"]), .status(429, ["Retry-After": "Fri, 01 Jan 2100 00:00:00 GMT"]),
            .status(503, ["Retry-After": "86400"]), .status(500, ["Retry-After": "soon"]),
        ])
        let destination = try await apiDestination(["url": .string(try await service.start())])
        let event = try event()
        #expect(await destination.deliver(event) == .retry(after: .seconds(7), reason: "the service answered 503"))
        #expect(await destination.deliver(event) == .retry(after: .seconds(3600), reason: "the service answered 429"))
        #expect(await destination.deliver(event) == .retry(after: .seconds(3600), reason: "the service answered 503"))
        #expect(await destination.deliver(event) == .retry(after: nil, reason: "the service answered 500"))
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("a redirect is not followed")
    func redirect() async throws {
        let other = APIService()
        let elsewhere = try await other.start()
        let redirecting = APIService([.status(307, ["Location": elsewhere]), .status(301, ["Location": "/other"])])
        let destination = try await apiDestination(["url": .string(try await redirecting.start())])
        for status in [307, 301] {
            let reason = await destination.deliver(try event()).rejectionReason
            #expect(reason?.hasPrefix("the service answered \(status), and redirects are not followed") == true)
        }
        #expect(other.requests.isEmpty)
        #expect(redirecting.requests.count == 2)
        try await destination.destroy(.test)
        for service in [other, redirecting] { await service.stop() }
    }

    /// A collector whose only destination this is.
    private func collector(_ destination: APIDestination) async -> Collector {
        let collector = Collector(destinations: [DestinationRegistration(id: "d", destination: destination)])
        await collector.start()
        return collector
    }

    @Test("silence ends with the timeout")
    func silence() async throws {
        let service = APIService([.silence])
        let destination = try await apiDestination(["url": .string(try await service.start()), "timeout": 100])
        let outcome = await destination.deliver(try event())
        #expect(outcome == .retry(reason: "no complete answer from the service within 100 ms"))
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("after silence the same event is sent again, under the same key")
    func again() async throws {
        let service = APIService([.silence])
        let destination = try APIDestination(settings: ["url": .string(try await service.start()), "timeout": 1000])
        let collector = await collector(destination)
        #expect(await collector.push(["name": "page view", "id": "e1"]).isOK)
        await collector.shutdown()
        #expect(service.requests.count >= 2)
        #expect(Set(service.requests.map { $0.headers["Idempotency-Key"] }) == [["e1"]])
        await service.stop()
    }

    @Test("an answer without end does not hang")
    func endless() async throws {
        let service = APIService([.endless(10)])
        let destination = try await apiDestination(["url": .string(try await service.start()), "timeout": 100])
        let reason = await destination.deliver(try event()).retryReason
        #expect(reason == "no complete answer from the service within 100 ms")
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("an answer that is only long counts by its status, with or without an end")
    func long() async throws {
        let long = String(repeating: "x", count: 1 << 20)
        let service = APIService([.endless(100_000), .status(200, [:], long), .status(400, [:], long)])
        let destination = try await apiDestination(["url": .string(try await service.start()), "timeout": 60_000])
        #expect(await destination.deliver(try event()) == .ok)
        #expect(await destination.deliver(try event()) == .ok)
        #expect(await destination.deliver(try event()) == .rejected(reason: "the service answered 400"))
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test(
        "a connection that ends in the middle of an answer",
        arguments: [
            "", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "nonsense\r\n\r\n",
        ]
    )
    func brokenOff(words: String) async throws {
        let service = try await RawService { $0 == 0 ? .lastWords(words) : RawService.ok }
        let destination = try await apiDestination(["url": .string("http://127.0.0.1:\(service.port)/")])
        let reason = await destination.deliver(try event()).retryReason
        #expect(reason?.hasPrefix("no answer from the service: ") == true, "\(reason ?? "delivered")")
        #expect(await destination.deliver(try event()) == .ok)
        #expect(service.received.count == 2)
        try await destination.destroy(.test)
        try await service.stop()
    }

    @Test("a refused connection is told at once, and made once the service is there")
    func refused() async throws {
        let reserved = try ReservedPort(host: APIService.quietHost)
        let destination = try await apiDestination([
            "url": .string("http://\(APIService.quietHost):\(reserved.number)/"), "timeout": 60_000,
        ])
        let reason = await destination.deliver(try event()).retryReason
        #expect(reason == "no answer from the service: Connection refused")
        reserved.release()
        let service = APIService()
        try await service.start(host: APIService.quietHost, port: reserved.number)
        #expect(await destination.deliver(try event()) == .ok)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("one after another in order; what comes after a failure waits with it")
    func order() async throws {
        let service = APIService([.status(200), .status(400), .status(503)])
        let destination = try await apiDestination(["url": .string(try await service.start())])
        let outcomes = await destination.deliver(try batch(5))
        let waiting = DeliveryOutcome.retry(reason: "an earlier event is being retried")
        #expect(
            outcomes == [
                .ok, .rejected(reason: "the service answered 400"), .retry(reason: "the service answered 503"),
                waiting, waiting,
            ]
        )
        #expect(service.requests.map(\.body) == ["0", "1", "2"])
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("concurrency: so many requests are under way at once, and no more")
    func concurrency() async throws {
        let service = APIService(Array(repeating: .silence, count: 3))
        let destination = try await apiDestination(["url": .string(try await service.start()), "concurrency": 3])
        let batch = try batch(7)
        async let outcomes = destination.deliver(batch)
        // None of the three has its answer: they can only be there together.
        await service.received(3)
        #expect(service.requests.count == 3)
        service.release()
        #expect(await outcomes == Array(repeating: .ok, count: 7))
        #expect(Set(service.requests.map(\.body)).count == 7)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("maxConnections: more requests than connections wait for one another")
    func connectionLimit() async throws {
        let service = APIService()
        let destination = try await apiDestination([
            "url": .string(try await service.start()), "concurrency": 8, "maxConnections": 1,
        ])
        #expect(await destination.deliver(try batch(50)) == Array(repeating: .ok, count: 50))
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("gathered events that go to one place share their fate, others have their own")
    func gathered() async throws {
        let service = APIService([.status(200), .status(422), .status(200)])
        let destination = try await apiDestination(["url": .string(try await service.start() + "/{{data.t}}")])
        let deliveries = try ["a", "a", "b", "", "a"].map {
            Delivery(event: try event(["data": ["t": .string($0)]]), data: 1)
        }
        let outcomes = await destination.deliver(DeliveryBatch(deliveries, isGathered: true))
        #expect(outcomes[0] == .ok)
        #expect(outcomes[1] == .ok)
        #expect(outcomes[2] == .rejected(reason: "the service answered 422"))
        #expect(outcomes[3].rejectionReason?.hasPrefix("url: data.t is missing") == true)
        #expect(outcomes[4] == .ok)
        #expect(service.requests.map(\.target) == ["/in/a", "/in/b", "/in/a"])
        #expect(service.requests.map(\.body) == ["[1,1]", "[1]", "[1]"])
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("cancellation ends a request at once")
    func cancellation() async throws {
        let service = APIService([.silence])
        let destination = try await apiDestination(["url": .string(try await service.start()), "timeout": 600_000])
        let batch = try batch(3)
        let task = Task { await destination.deliver(batch) }
        await service.received(1)
        task.cancel()
        let outcomes = await task.value
        #expect(outcomes.map { $0.retryReason != nil } == [true, true, true])
        #expect(service.requests.count == 1)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("before it is opened and after it is closed, events wait")
    func closed() async throws {
        let destination = try APIDestination(settings: ["url": "http://127.0.0.1:1/"])
        #expect(await destination.deliver(try event()) == .retry(reason: "the destination is not open"))
        #expect(try await destination.initialize(.test) == .ready)
        try await destination.destroy(.test)
        #expect(await destination.deliver(try event()) == .retry(reason: "the destination is not open"))
    }

    // MARK: addresses

    /// A resolver that answers from a list, one after another, the last again and again.
    private func resolver(_ answers: [[String]], calls: Counter = Counter()) -> HostResolver {
        HostResolver { _ in
            let call = calls.next()
            return answers[min(call, answers.count - 1)].compactMap(IPAddress.init)
        }
    }

    final class Counter: Sendable {
        private let count = Mutex(0)
        var value: Int { count.withLock { $0 } }

        func next() -> Int {
            count.withLock { count in
                count += 1
                return count - 1
            }
        }
    }

    @Test("the connection is made to the checked address, for a name that nobody else could resolve")
    func pinned() async throws {
        let service = APIService()
        _ = try await service.start(host: APIService.quietHost)
        let calls = Counter()
        let destination = try await apiDestination(
            ["url": .string("http://Service.Invalid:\(service.port)/in")],
            resolver: resolver([[APIService.quietHost], ["169.254.169.254"]], calls: calls)
        )
        // The name has turned to another address since it was checked; nobody asks.
        for _ in 0..<3 { #expect(await destination.deliver(try event()) == .ok) }
        #expect(calls.value == 1)
        #expect(
            service.requests.map { $0.headers["Host"] }
                == Array(repeating: ["service.invalid:\(service.port)"], count: 3)
        )
        await service.stop()
        // The connection is gone: the name is looked up again, and what it now leads to is refused. At the first attempt
        // the end of the connection may still be on its way.
        var reason = await destination.deliver(try event()).retryReason
        if reason?.hasPrefix("not sent") == false { reason = await destination.deliver(try event()).retryReason }
        #expect(reason?.hasPrefix("not sent: 169.254.169.254 tells machines their credentials") == true)
        try await destination.destroy(.test)
    }

    @Test(
        "a name with one refused address gets nothing",
        arguments: [
            (["127.0.0.1"], "public"), (["8.8.8.8", "10.0.0.1"], "public"), (["::ffff:127.0.0.1"], "public"),
            (["fd00:ec2::254"], "any"), (["127.0.0.1", "169.254.169.254"], "any"), (["::ffff:169.254.169.254"], "any"),
        ]
    )
    func refusedNames(addresses: [String], network: String) async throws {
        let service = APIService()
        _ = try await service.start()
        let destination = try await apiDestination(
            ["url": .string("http://service.invalid:\(service.port)/"), "network": .string(network)],
            resolver: resolver([addresses])
        )
        let reason = await destination.deliver(try event()).retryReason
        #expect(reason?.hasPrefix("not sent: \(addresses.last ?? "") ") == true, "\(reason ?? "sent")")
        #expect(service.requests.isEmpty)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("another address is tried where one takes no connection")
    func nextAddress() async throws {
        let service = APIService()
        _ = try await service.start()
        let destination = try await apiDestination(
            ["url": .string("http://service.invalid:\(service.port)/")],
            resolver: resolver([["127.77.0.2", "127.77.0.3", "127.0.0.1"]])
        )
        for _ in 0..<2 { #expect(await destination.deliver(try event()) == .ok) }
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("a name without addresses is tried again later")
    func unknownName() async throws {
        let service = APIService()
        _ = try await service.start()
        let destination = try await apiDestination(
            ["url": .string("http://service.invalid:\(service.port)/")],
            resolver: resolver([[], ["127.0.0.1"]])
        )
        #expect(await destination.deliver(try event()) == .retry(reason: "not sent: the host has no address"))
        #expect(await destination.deliver(try event()) == .ok)
        try await destination.destroy(.test)
        await service.stop()
    }

    @Test("a resolver that hangs holds nobody longer than the timeout")
    func hangingResolver() async throws {
        let gate = BlockingGate()
        let calls = BlockingCalls(label: "test")
        let destination = try await apiDestination(
            ["url": "http://service.invalid/", "timeout": 100],
            resolver: HostResolver { _ in
                try await calls.run { gate.wait() }
                return []
            }
        )
        let outcome = await destination.deliver(try event())
        #expect(outcome == .retry(reason: "no complete answer from the service within 100 ms"))
        gate.open()
        try await destination.destroy(.test)
    }
}
