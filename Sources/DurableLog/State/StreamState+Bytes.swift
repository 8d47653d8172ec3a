extension StreamState {
    /// The state as a record of the metadata.
    func encoded() -> [UInt8] {
        var writer = ByteWriter()
        definition.encode(into: &writer)
        writer.write(tail)
        writer.write(earliest)
        writer.write(isClosed)
        writer.write(isDeleted)
        writer.write(messageCount)
        writer.write(byteCount)
        writer.write(releasedMessageCount)
        writer.write(lastAccessMilliseconds)
        writer.write(lastAppendMilliseconds)
        writer.write(sequence)
        writer.write(closingTuple != nil)
        if let closingTuple {
            writer.write(closingTuple.id)
            writer.write(closingTuple.epoch)
            writer.write(closingTuple.sequence)
        }
        writer.write(UInt32(producers.count))
        for (id, position) in producers {
            writer.write(id)
            writer.write(position.epoch)
            writer.write(position.sequence)
        }
        writer.write(UInt32(cursors.count))
        for (name, position) in cursors {
            writer.write(name)
            writer.write(position)
        }
        retention.encode(into: &writer)
        writer.write(keyCount)
        writer.write(keyMaximumAgeMilliseconds)
        writer.write(keyMaximumCount)
        return writer.bytes
    }

    /// The state a record says. References are counted anew by whoever loads all of them.
    init(from reader: inout ByteReader) throws(ByteReader.Malformed) {
        let definition = try StreamDefinition(from: &reader)
        self.init(
            CreateOperation(
                definition: definition,
                retention: .everything,
                byteCount: 0,
                messageCount: 0,
                isClosed: false
            )
        )
        tail = try reader.read()
        earliest = try reader.read()
        isClosed = try reader.readBool()
        isDeleted = try reader.readBool()
        messageCount = try reader.read()
        byteCount = try reader.read()
        releasedMessageCount = try reader.read()
        lastAccessMilliseconds = try reader.read()
        lastAppendMilliseconds = try reader.read()
        sequence = try reader.readOptionalText()
        if try reader.readBool() {
            closingTuple = ProducerTuple(
                id: try reader.readText(),
                epoch: try reader.read(),
                sequence: try reader.read()
            )
        }
        for _ in 0..<(try reader.readCount(ofAtLeast: 20)) {
            let id = try reader.readText()
            producers[id] = ProducerPosition(epoch: try reader.read(), sequence: try reader.read())
        }
        for _ in 0..<(try reader.readCount(ofAtLeast: 12)) {
            let name = try reader.readText()
            cursors[name] = try reader.read(UInt64.self)
        }
        retention = try RetentionPolicy(from: &reader)
        keyCount = try reader.read()
        keyMaximumAgeMilliseconds = try reader.read()
        keyMaximumCount = try reader.read()
        guard tail >= definition.base, tail <= StreamOffset.maximumValue, earliest <= tail else {
            throw ByteReader.Malformed()
        }
    }
}
