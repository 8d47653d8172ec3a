import CLMDB
import Glibc

/// An LMDB environment with the store's databases. Numbers in keys are big-endian, so that they sort.
///
/// `@unchecked Sendable`: LMDB environments and database handles are made for use from any thread; transactions stay
/// within one call.
final class LMDBEnvironment: @unchecked Sendable {
    /// Address space, not disk: what the file may grow to.
    static let mapByteCount = 1 << 34
    /// No WRITEMAP: a full disk would be a SIGBUS. Readers belong to their transaction, not to a thread.
    static let flags = UInt32(MDB_NOTLS)

    let environment: OpaquePointer
    let databases: [MDB_dbi]

    enum Database: Int, CaseIterable {
        case main, streams, segments, index

        var name: String { "\(self)" }
    }

    /// Opens the environment; to look only, without so much as a lock file.
    init(path: String, isReadOnly: Bool = false) throws(MetadataFailure) {
        var environment: OpaquePointer?
        try Self.check(mdb_env_create(&environment), path)
        guard let environment else { throw MetadataFailure(description: "\(path): LMDB has no memory") }
        var databases: [MDB_dbi] = []
        do {
            try Self.check(mdb_env_set_mapsize(environment, Self.mapByteCount), path)
            try Self.check(mdb_env_set_maxdbs(environment, 8), path)
            let flags = isReadOnly ? Self.flags | UInt32(MDB_RDONLY | MDB_NOLOCK) : Self.flags
            try Self.check(mdb_env_open(environment, path, flags, 0o600), path)
            // Readers of processes that were killed.
            var dead: Int32 = 0
            if !isReadOnly { mdb_reader_check(environment, &dead) }
            var transaction: OpaquePointer?
            try Self.check(mdb_txn_begin(environment, nil, isReadOnly ? UInt32(MDB_RDONLY) : 0, &transaction), path)
            for database in Database.allCases {
                var handle: MDB_dbi = 0
                let code = mdb_dbi_open(transaction, database.name, isReadOnly ? 0 : UInt32(MDB_CREATE), &handle)
                if code != 0 { mdb_txn_abort(transaction) }
                try Self.check(code, path)
                databases.append(handle)
            }
            try Self.check(mdb_txn_commit(transaction), path)
        } catch {
            mdb_env_close(environment)
            throw error
        }
        self.environment = environment
        self.databases = databases
    }

    func close() { mdb_env_close(environment) }

    static func check(_ code: Int32, _ what: String) throws(MetadataFailure) {
        guard code != 0 else { return }
        throw MetadataFailure(
            description: "\(what): \(String(cString: mdb_strerror(code)))",
            isFull: code == ENOSPC || code == EDQUOT || code == MDB_MAP_FULL,
            isDamage: [MDB_CORRUPTED, MDB_PAGE_NOTFOUND, MDB_INVALID, MDB_VERSION_MISMATCH, MDB_PANIC].contains(code)
        )
    }

    /// A transaction that reads; what the body returns must be no part of it.
    func read<Value>(_ body: (LMDBTransaction) throws -> Value) throws -> Value {
        var transaction: OpaquePointer?
        try Self.check(mdb_txn_begin(environment, nil, UInt32(MDB_RDONLY), &transaction), "reading the metadata")
        guard let transaction else { throw MetadataFailure(description: "reading the metadata: no transaction") }
        defer { mdb_txn_abort(transaction) }
        return try body(LMDBTransaction(transaction: transaction, databases: databases))
    }

    /// A transaction that writes, committed if the body does not throw.
    func write(_ body: (LMDBTransaction) throws -> Void) throws {
        var transaction: OpaquePointer?
        try Self.check(mdb_txn_begin(environment, nil, 0, &transaction), "writing the metadata")
        guard let transaction else { throw MetadataFailure(description: "writing the metadata: no transaction") }
        do {
            try body(LMDBTransaction(transaction: transaction, databases: databases))
        } catch {
            mdb_txn_abort(transaction)
            throw error
        }
        try Self.check(mdb_txn_commit(transaction), "writing the metadata")
    }
}
