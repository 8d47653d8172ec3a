extension JSONValue {
    /// Parses a whole JSON text.
    ///
    /// ```swift
    /// let value = try JSONValue(jsonText: Array(#"{"id":"p1"}"#.utf8))
    /// ```
    ///
    /// - Throws: `JSONError` with the byte at fault.
    public init(jsonText text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        var result = Result<JSONValue, JSONError>.success(.missing)
        text.withUnsafeBufferPointer { bytes in
            do throws(JSONError) {
                var scanner = try JSONScanner(bytes, limits: limits)
                let slice = try scanner.scanValue()
                try scanner.expectEnd()
                result = .success(JSONValue(validated: slice, in: bytes))
            } catch {
                result = .failure(error)
            }
        }
        self = try result.get()
    }

    /// Parses a whole JSON text given as a string.
    ///
    /// - Throws: `JSONError` with the byte at fault.
    public init(jsonText text: String, limits: JSONLimits = JSONLimits()) throws(JSONError) {
        try self.init(jsonText: Array(text.utf8), limits: limits)
    }

    /// Builds the tree of a slice that a scanner found in these very bytes.
    public init(validated slice: JSONSlice, in bytes: UnsafeBufferPointer<UInt8>) {
        guard let base = bytes.baseAddress else {
            self = .missing
            return
        }
        if slice.kind == .number {
            // The builder looks one byte beyond a number, which may be the end of the buffer.
            let text = UnsafeBufferPointer(start: base + Int(slice.start), count: slice.count)
            self = .number(JSONNumber(validated: String(decoding: text, as: UTF8.self)))
            return
        }
        var builder = JSONTreeBuilder(
            bytes: base,
            count: bytes.count,
            isOrdered: slice.form != .disordered,
            position: Int(slice.start)
        )
        self = builder.value()
    }
}
