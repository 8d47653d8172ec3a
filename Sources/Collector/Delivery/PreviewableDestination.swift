/// A destination that can say what it would do with an event, without doing it.
///
/// `collectord simulate` and `collectord test` show and compare this.
public protocol PreviewableDestination: Destination {
    /// The exact command for the event, argument by argument: `["XADD", "events", "*", "event", "{…}"]`.
    func preview(_ delivery: Delivery) -> [String]
}
