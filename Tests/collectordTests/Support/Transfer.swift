/// Hands a value from one thread to another.
///
/// `@unchecked Sendable`: whoever makes it sees to it that only one thread uses the value at a time.
struct Transfer<Value>: @unchecked Sendable {
    let value: Value

    init(_ value: Value) { self.value = value }
}
