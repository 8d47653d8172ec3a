/// Lines for one file.
struct FileAppend: Sendable {
    let place: FilePlace
    /// The lines, each with its end.
    var text: [UInt8] = []
    /// Where each line ends in the text.
    var lineEnds: [Int] = []

    /// What became of them.
    struct Result: Sendable {
        /// How many lines, from the first, are in the file as durably as the settings ask.
        let writtenCount: Int
        /// Why the others are not; nil if there are no others.
        let failure: WriteFailure?
    }

    init(place: FilePlace) {
        self.place = place
    }

    /// The text of some of the lines.
    func text(of lines: Range<Int>) -> ArraySlice<UInt8> {
        text[(lines.lowerBound == 0 ? 0 : lineEnds[lines.lowerBound - 1])..<lineEnds[lines.upperBound - 1]]
    }
}
