import DurableLog
import Testing

@Suite("Stream offsets")
struct StreamOffsetTests {
    @Test("are two numbers of sixteen digits, and compare as text as they do as values")
    func text() throws {
        let offset = StreamOffset(readSequence: 3, position: 42)
        #expect(offset.description == "0000000000000003_0000000000000042")
        #expect(StreamOffset(offset.description) == offset)
        #expect(StreamOffset("9999999999999999_9999999999999999")?.position == StreamOffset.maximumValue)
        let values = [StreamOffset.zero, StreamOffset(position: 9), StreamOffset(position: 10), offset]
        #expect(values.sorted() == values)
        #expect(values.map(\.description).sorted() == values.map(\.description))
    }

    @Test(
        "are nothing else",
        arguments: [
            "", "-1", "now", "0_0", "0000000000000000-0000000000000000", "000000000000000a_0000000000000000",
            "0000000000000000_00000000000000000", " 000000000000000_0000000000000000",
            "0000000000000000_000000000000000٣",
        ]
    )
    func refused(_ text: String) {
        #expect(StreamOffset(text) == nil)
    }
}
