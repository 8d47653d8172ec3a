import NIOCore

/// Whether a request's body comes fast enough.
///
/// It may rest for ``HTTPLimits/bodyIdleTimeoutMilliseconds`` at most, and in each span of
/// ``HTTPLimits/minimumRateGraceMilliseconds`` it must come at ``HTTPLimits/minimumBodyBytesPerSecond`` at least. A span
/// after a span, not all of it at once: what came fast at the beginning is no credit for dripping later. Time in which
/// the body's receiver wanted nothing does not count.
///
/// It is looked at now and then; a part of a body costs nothing.
struct HTTPBodyProgress {
    /// Nil while the client is asked to wait.
    private var runningSince: NIODeadline?
    /// The counted time of this span before `runningSince`.
    private var earlierTime = TimeAmount.zero
    private var byteCountAtSpanStart = 0

    private var lastByteCount = 0
    private var lastProgress: NIODeadline

    /// A body whose head has arrived now.
    init(now: NIODeadline) {
        self.runningSince = now
        self.lastProgress = now
    }

    /// The client is asked to wait.
    mutating func pause(now: NIODeadline) {
        guard let since = self.runningSince else { return }
        self.earlierTime = self.earlierTime + (now - since)
        self.runningSince = nil
    }

    /// The client may go on.
    mutating func resume(now: NIODeadline) {
        guard self.runningSince == nil else { return }
        self.runningSince = now
        self.lastProgress = now
    }

    /// Whether the body, of which so many bytes have come, is too slow.
    mutating func isTooSlow(byteCount: Int, limits: HTTPLimits, now: NIODeadline) -> Bool {
        guard let since = self.runningSince else { return false }
        if byteCount != self.lastByteCount {
            self.lastByteCount = byteCount
            self.lastProgress = now
        } else if now - self.lastProgress >= .milliseconds(Int64(limits.bodyIdleTimeoutMilliseconds)) {
            return true
        }
        let time = self.earlierTime + (now - since)
        guard time >= .milliseconds(Int64(limits.minimumRateGraceMilliseconds)) else { return false }
        let minimum = Double(limits.minimumBodyBytesPerSecond) * Double(time.nanoseconds) / 1_000_000_000
        guard Double(byteCount - self.byteCountAtSpanStart) >= minimum else { return true }
        self.byteCountAtSpanStart = byteCount
        self.earlierTime = .zero
        self.runningSince = now
        return false
    }
}
