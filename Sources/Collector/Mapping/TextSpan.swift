/// A part of a table or a pool, in plain numbers.
struct TextSpan {
    let first: Int32
    let count: Int32

    init(first: Int, count: Int) {
        self.first = Int32(first)
        self.count = Int32(count)
    }

    var isEmpty: Bool { count == 0 }
    var range: Range<Int> { Int(first)..<Int(first) + Int(count) }
}
