/// The names of a destination's cursors in a queue.
public enum QueueCursorName {
    /// Up to where the destination is done.
    public static func destination(_ id: String) -> String { "destination:\(id)" }

    /// Where a replay is, and where it ends.
    public static func replay(to id: String) -> (position: String, end: String) {
        ("replay:\(id)", "replay-end:\(id)")
    }
}
