/// Puts a new value in a place and returns the old one.
///
/// Written with `swap` rather than `defer`: Swift 6.3.1 with optimization miscompiles a `defer` that resets what is
/// being returned.
func exchange<Value>(_ place: inout Value, with value: Value) -> Value {
    var other = value
    swap(&place, &other)
    return other
}
