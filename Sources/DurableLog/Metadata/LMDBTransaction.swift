import CLMDB

/// A transaction's calls, with bytes in and out. Values end with the CRC-32C of key and value, since LMDB has none.
struct LMDBTransaction {
    let transaction: OpaquePointer
    let databases: [MDB_dbi]

    /// A record and whether it is what was written.
    enum Record {
        case whole(key: [UInt8], value: UnsafeRawBufferPointer)
        case damaged(key: [UInt8])
    }

    func put(_ database: LMDBEnvironment.Database, _ key: [UInt8], _ value: [UInt8]) throws(MetadataFailure) {
        var sealed = value
        let checksum = Self.checksum(key, value)
        withUnsafeBytes(of: checksum.littleEndian) { sealed.append(contentsOf: $0) }
        var code: Int32 = 0
        var key = key
        key.withUnsafeMutableBytes { keyBytes in
            sealed.withUnsafeMutableBytes { valueBytes in
                var keyValue = MDB_val(mv_size: keyBytes.count, mv_data: keyBytes.baseAddress)
                var valueValue = MDB_val(mv_size: valueBytes.count, mv_data: valueBytes.baseAddress)
                code = mdb_put(transaction, databases[database.rawValue], &keyValue, &valueValue, 0)
            }
        }
        try LMDBEnvironment.check(code, "writing the metadata")
    }

    func remove(_ database: LMDBEnvironment.Database, _ key: [UInt8]) throws(MetadataFailure) {
        var code: Int32 = 0
        var key = key
        key.withUnsafeMutableBytes { keyBytes in
            var keyValue = MDB_val(mv_size: keyBytes.count, mv_data: keyBytes.baseAddress)
            code = mdb_del(transaction, databases[database.rawValue], &keyValue, nil)
        }
        if code != MDB_NOTFOUND { try LMDBEnvironment.check(code, "writing the metadata") }
    }

    /// The value of a key, if there is one and it is whole.
    func value<Value>(
        _ database: LMDBEnvironment.Database,
        _ key: [UInt8],
        _ body: (inout ByteReader) throws -> Value
    ) throws -> Value? {
        var found = MDB_val()
        var mutableKey = key
        let code = mutableKey.withUnsafeMutableBytes { keyBytes in
            var keyValue = MDB_val(mv_size: keyBytes.count, mv_data: keyBytes.baseAddress)
            return mdb_get(transaction, databases[database.rawValue], &keyValue, &found)
        }
        if code == MDB_NOTFOUND { return nil }
        try LMDBEnvironment.check(code, "reading the metadata")
        guard let value = Self.unsealed(key, found) else { throw ByteReader.Malformed() }
        var reader = ByteReader(value)
        return try body(&reader)
    }

    /// Records from a key on, in order, until the body says no more.
    func each(
        _ database: LMDBEnvironment.Database,
        from start: [UInt8] = [],
        _ body: (Record) throws -> Bool
    ) throws {
        var cursor: OpaquePointer?
        try LMDBEnvironment.check(
            mdb_cursor_open(transaction, databases[database.rawValue], &cursor),
            "reading the metadata"
        )
        defer { mdb_cursor_close(cursor) }
        var start = start
        var keyValue = MDB_val()
        var value = MDB_val()
        var code: Int32 = 0
        start.withUnsafeMutableBytes { bytes in
            if bytes.isEmpty {
                code = mdb_cursor_get(cursor, &keyValue, &value, MDB_FIRST)
            } else {
                keyValue = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
                code = mdb_cursor_get(cursor, &keyValue, &value, MDB_SET_RANGE)
            }
        }
        while code == 0 {
            let key = Array(UnsafeRawBufferPointer(start: keyValue.mv_data, count: keyValue.mv_size))
            let record = Self.unsealed(key, value).map { Record.whole(key: key, value: $0) } ?? .damaged(key: key)
            guard try body(record) else { return }
            code = mdb_cursor_get(cursor, &keyValue, &value, MDB_NEXT)
        }
        if code != MDB_NOTFOUND { try LMDBEnvironment.check(code, "reading the metadata") }
    }

    /// The last record before a key, or at it.
    func last(
        _ database: LMDBEnvironment.Database,
        atOrBefore key: [UInt8],
        _ body: (Record) throws -> Void
    ) throws {
        var cursor: OpaquePointer?
        try LMDBEnvironment.check(
            mdb_cursor_open(transaction, databases[database.rawValue], &cursor),
            "reading the metadata"
        )
        defer { mdb_cursor_close(cursor) }
        var wanted = key
        var keyValue = MDB_val()
        var value = MDB_val()
        var code: Int32 = 0
        wanted.withUnsafeMutableBytes { bytes in
            keyValue = MDB_val(mv_size: bytes.count, mv_data: bytes.baseAddress)
            code = mdb_cursor_get(cursor, &keyValue, &value, MDB_SET_RANGE)
        }
        if code == 0 {
            let found = Array(UnsafeRawBufferPointer(start: keyValue.mv_data, count: keyValue.mv_size))
            if found != key { code = mdb_cursor_get(cursor, &keyValue, &value, MDB_PREV) }
        } else if code == MDB_NOTFOUND {
            code = mdb_cursor_get(cursor, &keyValue, &value, MDB_LAST)
        }
        guard code == 0 else { return }
        let found = Array(UnsafeRawBufferPointer(start: keyValue.mv_data, count: keyValue.mv_size))
        try body(Self.unsealed(found, value).map { Record.whole(key: found, value: $0) } ?? .damaged(key: found))
    }

    private static func unsealed(_ key: [UInt8], _ value: MDB_val) -> UnsafeRawBufferPointer? {
        let bytes = UnsafeRawBufferPointer(start: value.mv_data, count: value.mv_size)
        guard bytes.count >= 4 else { return nil }
        let content = UnsafeRawBufferPointer(rebasing: bytes[0..<bytes.count - 4])
        let checksum = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: bytes.count - 4, as: UInt32.self))
        let expected = Checksum.crc32c(content, continuing: key.withUnsafeBytes { Checksum.crc32c($0) })
        return checksum == expected ? content : nil
    }

    private static func checksum(_ key: [UInt8], _ value: [UInt8]) -> UInt32 {
        value.withUnsafeBytes { Checksum.crc32c($0, continuing: key.withUnsafeBytes { Checksum.crc32c($0) }) }
    }
}
