import EventJSON

/// Writing values as JSON text, copied from the event's text where it lies.
extension TextMapping {
    /// Where the paths of a value start.
    enum Input {
        case event
        /// An item of a loop.
        case item(JSONSlice)
    }

    enum Outcome {
        case written
        case missing
        /// A null literal stands where a value belongs.
        case failed
        /// The whole mapping needs a tree.
        case unsuited
    }

    /// What is written by and from. The caller keeps both objects alive while the writing goes on.
    struct Writing {
        unowned(unsafe) let program: TextProgram
        let tables: TextProgram.Tables
        unowned(unsafe) let text: EventText
        let bytes: UnsafeBufferPointer<UInt8>

        init(program: TextProgram, tables: TextProgram.Tables, text: EventText) {
            self.program = program
            self.tables = tables
            self.text = text
            bytes = text.bytes
        }
    }

    /// Appends a list's value. What fails is counted and missing.
    mutating func writeList(_ node: Int32, _ input: Input, _ writing: Writing, to text: inout ByteWriter) -> Outcome {
        let start = text.count
        let outcome = write(node, input, writing, to: &text)
        guard outcome == .failed else { return outcome }
        failureCount += 1
        text.removeLast(text.count - start)
        return .missing
    }

    private mutating func write(_ node: Int32, _ input: Input, _ writing: Writing, to text: inout ByteWriter) -> Outcome
    {
        switch writing.tables.nodes[Int(node)] {
        case .nothing: .missing
        case .failure: .failed
        case .plain(let path, let constant):
            writePlain(path, constant, input, writing, to: &text) ?? writeTree(node, input, writing, to: &text)
        case .functions(let path, let functions):
            writeThrough(functions, path, input, writing, to: &text) ?? writeTree(node, input, writing, to: &text)
        case .constant(let constant): writeConstant(constant, writing, to: &text)
        case .map(let entries): writeMap(entries, input, writing, to: &text)
        case .loop(let path, let element):
            writeLoop(path, element, input, writing, to: &text) ?? writeTree(node, input, writing, to: &text)
        case .set(let values): writeSet(values, input, writing, to: &text)
        case .first(let values): writeFirst(values, input, writing, to: &text)
        case .tree: writeTree(node, input, writing, to: &text)
        }
    }

    private func writeConstant(_ constant: TextSpan, _ writing: Writing, to text: inout ByteWriter) -> Outcome {
        if constant.isEmpty { return .missing }
        text.append(contentsOf: writing.tables.bytes(constant))
        return .written
    }

    private func writePlain(
        _ path: Int32,
        _ constant: TextSpan,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome? {
        switch find(path, input, writing) {
        case .nothing: return writeConstant(constant, writing, to: &text)
        case .found(let slice):
            if slice.kind == .null { return writeConstant(constant, writing, to: &text) }
            // A null anywhere inside makes the whole value none; a tree finds out.
            if slice.kind == .object || slice.kind == .array, JSONLookup(writing.bytes).mayContainNull(slice) {
                return nil
            }
            text.append(contentsOf: UnsafeBufferPointer(rebasing: writing.bytes[slice.range]))
            return .written
        case .array: return nil
        }
    }

    /// The text at the path through functions; nil if the text is not plain.
    private func writeThrough(
        _ functions: TextSpan,
        _ path: Int32,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome? {
        switch find(path, input, writing) {
        case .nothing: return .missing
        case .found(let slice):
            if slice.kind == .null { return .missing }
            guard slice.kind == .string else { return nil }
            let inside = UnsafeBufferPointer(rebasing: writing.bytes[Int(slice.start) + 1..<Int(slice.end) - 1])
            guard ByteText.isPlain(inside) else { return nil }
            text.append(UInt8(ascii: "\""))
            let start = text.count
            text.append(contentsOf: inside)
            for position in functions.range {
                writing.tables.functions[position].apply(to: &text, from: start)
            }
            text.append(UInt8(ascii: "\""))
            return .written
        case .array: return nil
        }
    }

    private mutating func writeMap(
        _ entries: TextSpan,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome {
        text.append(UInt8(ascii: "{"))
        let start = text.count
        for position in entries.range {
            let entry = writing.tables.entries[position]
            let before = text.count
            if before > start { text.append(UInt8(ascii: ",")) }
            text.append(contentsOf: writing.tables.bytes(entry.prefix))
            switch writeList(entry.node, input, writing, to: &text) {
            case .written: continue
            case .missing, .failed: text.removeLast(text.count - before)
            case .unsuited: return .unsuited
            }
        }
        text.append(UInt8(ascii: "}"))
        return .written
    }

    private mutating func writeLoop(
        _ path: Int32,
        _ element: Int32,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome? {
        guard case .found(let array) = find(path, input, writing), array.kind == .array,
            !JSONLookup(writing.bytes).mayContainNull(array)
        else { return nil }
        text.append(UInt8(ascii: "["))
        let start = text.count
        var items = JSONElementCursor(array, in: writing.bytes)
        while let item = items.next() {
            let before = text.count
            if before > start { text.append(UInt8(ascii: ",")) }
            switch writeList(element, .item(item), writing, to: &text) {
            case .written: continue
            case .missing, .failed: text.removeLast(text.count - before)
            case .unsuited: return .unsuited
            }
        }
        text.append(UInt8(ascii: "]"))
        return .written
    }

    private mutating func writeSet(
        _ values: TextSpan,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome {
        text.append(UInt8(ascii: "["))
        let start = text.count
        for position in values.range {
            if text.count > start { text.append(UInt8(ascii: ",")) }
            switch write(writing.tables.lists[position], input, writing, to: &text) {
            case .written: continue
            case .failed: return .failed
            // Text has no place for an element that is missing.
            case .missing, .unsuited: return .unsuited
            }
        }
        text.append(UInt8(ascii: "]"))
        return .written
    }

    private mutating func writeFirst(
        _ values: TextSpan,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome {
        for position in values.range {
            let outcome = writeList(writing.tables.lists[position], input, writing, to: &text)
            if outcome != .missing { return outcome }
        }
        return .missing
    }

    /// Appends what a tree gives.
    private mutating func writeTree(
        _ node: Int32,
        _ input: Input,
        _ writing: Writing,
        to text: inout ByteWriter
    ) -> Outcome {
        let event = present
        var evaluation = MappingEvaluation(event: event, consent: consent, nowMilliseconds: nowMilliseconds())
        let source = writing.program.sources[Int(node)]
        let result =
            switch input {
            case .event: evaluation.evaluate(source, .event(event))
            case .item(let slice):
                evaluation.evaluate(source, .value(JSONValue(validated: slice, in: writing.bytes)))
            }
        failureCount += evaluation.failureCount
        guard let result else { return .failed }
        if result.isMissing { return .missing }
        guard result.isWhole else { return .unsuited }
        text.append(contentsOf: result.jsonText)
        return .written
    }

    @inline(__always)
    private func find(_ path: Int32, _ input: Input, _ writing: Writing) -> TextSteps.Found {
        let (member, steps) = writing.tables.path(path)
        switch input {
        case .event:
            guard let member else { return .nothing }
            return steps.find(in: writing.bytes, at: writing.text.slice(member), from: 1)
        case .item(let slice): return steps.find(in: writing.bytes, at: slice, from: 0)
        }
    }
}

extension JSONValue {
    /// Whether the value comes back from its text as it was, and nothing in it is null.
    fileprivate var isWhole: Bool {
        switch self {
        case .missing, .null: false
        case .bool, .string: true
        case .number(let number): number.isFinite
        case .array(let elements): elements.allSatisfy(\.isWhole)
        case .object(let members): members.allSatisfy(\.value.isWhole)
        }
    }
}
