/// Comparing what must not be guessed step by step.
enum ConstantTime {
    /// Whether two texts of bytes are the same, in a time that does not depend on where they differ.
    static func isEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = UInt8(left.count == right.count ? 0 : 1)
        for (first, second) in zip(left, right) { difference |= first ^ second }
        return difference == 0
    }
}
