import Glibc

/// Walks an LMDB file's pages before LMDB maps it, which trusts what it finds and would trap on a page that lies.
///
/// Looked at is what LMDB 0.9 follows on a 64-bit, little-endian machine: the two meta pages, and from the newer one every
/// page of the free list and of all databases: that it is inside the file, says its own number, has the kind its place
/// asks for, and that its nodes lie inside it. Contents are guarded by the records' own checksums.
struct LMDBFileCheck {
    private let descriptor: Int32
    private let fileByteCount: UInt64
    private var pageByteCount = 4096
    private var lastPage: UInt64 = 0
    private var seen: Set<UInt64> = []

    private static let magic: UInt32 = 0xBEEF_C0DE
    private static let version: UInt32 = 1
    private static let none = UInt64.max

    private enum Flag {
        static let branch: UInt16 = 1
        static let leaf: UInt16 = 2
        static let overflow: UInt16 = 4
        static let meta: UInt16 = 8
    }

    private enum NodeFlag {
        static let isBig: UInt16 = 1
        static let isDatabase: UInt16 = 2
    }

    private struct Damage: Error {
        let what: String
    }

    /// What is wrong; `nil` when nothing is, or there is no file yet.
    static func damage(path: String) throws(MetadataFailure) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw MetadataFailure(description: FileFailure("open", path, errno).description)
        }
        var status = stat()
        fstat(descriptor, &status)
        var check = LMDBFileCheck(descriptor: descriptor, fileByteCount: UInt64(max(0, status.st_size)))
        var damage: String?
        if check.fileByteCount > 0 {
            do { try check.run() } catch { damage = (error as? Damage)?.what ?? "\(error)" }
        }
        close(descriptor)
        return damage
    }

    private init(descriptor: Int32, fileByteCount: UInt64) {
        self.descriptor = descriptor
        self.fileByteCount = fileByteCount
    }

    private func bytes(at offset: UInt64, _ count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        guard offset + UInt64(count) <= fileByteCount, pread(descriptor, &bytes, count, off_t(offset)) == count else {
            throw Damage(what: "is cut short")
        }
        return bytes
    }

    private static func number<Number: FixedWidthInteger>(_ bytes: [UInt8], _ offset: Int) throws -> Number {
        guard offset >= 0, offset + MemoryLayout<Number>.size <= bytes.count else {
            throw Damage(what: "a page's node lies outside of it")
        }
        return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self)) }
    }

    /// A database record: its root, its depth.
    private struct Tree {
        var root: UInt64
        var depth: UInt16
        var flags: UInt16

        init(_ bytes: [UInt8], _ offset: Int) throws {
            flags = try LMDBFileCheck.number(bytes, offset + 4)
            depth = try LMDBFileCheck.number(bytes, offset + 6)
            root = try LMDBFileCheck.number(bytes, offset + 40)
        }
    }

    private mutating func run() throws {
        var newest: (transaction: UInt64, page: [UInt8])?
        for number in 0..<2 {
            let page = try bytes(at: UInt64(number * pageByteCount), 4096)
            let flags: UInt16 = try Self.number(page, 10)
            let magic: UInt32 = try Self.number(page, 16)
            let version: UInt32 = try Self.number(page, 20)
            guard flags & Flag.meta != 0, magic == Self.magic, version == Self.version else {
                throw Damage(what: "a meta page is damaged")
            }
            let size: UInt32 = try Self.number(page, 40)
            guard size == 4096 else { throw Damage(what: "has pages of \(size) bytes; known are 4096") }
            let transaction: UInt64 = try Self.number(page, 144)
            if newest.map({ $0.transaction < transaction }) ?? true { newest = (transaction, page) }
        }
        guard let meta = newest?.page else { return }
        lastPage = try Self.number(meta, 136)
        guard lastPage >= 1, (lastPage + 1) * UInt64(pageByteCount) <= fileByteCount else {
            throw Damage(what: "is cut short")
        }
        let free = try Tree(meta, 40)
        let main = try Tree(meta, 88)
        // The size of a page stands where the free list's padding is.
        try walk(free.root, depth: free.depth, isFreeList: true, isMain: false)
        try walk(main.root, depth: main.depth, isFreeList: false, isMain: true)
    }

    private mutating func walk(_ number: UInt64, depth: UInt16, isFreeList: Bool, isMain: Bool) throws {
        if number == Self.none {
            guard depth == 0 else { throw Damage(what: "a database has no root") }
            return
        }
        guard depth >= 1, depth <= 32 else { throw Damage(what: "a database is too deep") }
        guard number >= 2, number <= lastPage, seen.insert(number).inserted else {
            throw Damage(what: "page \(number) is used twice, or is none")
        }
        let page = try bytes(at: number * UInt64(pageByteCount), pageByteCount)
        let own: UInt64 = try Self.number(page, 0)
        let flags: UInt16 = try Self.number(page, 10)
        let lower: UInt16 = try Self.number(page, 12)
        let upper: UInt16 = try Self.number(page, 14)
        guard own == number, flags & ~0x10 == (depth > 1 ? Flag.branch : Flag.leaf), lower >= 16, lower % 2 == 0,
            lower <= upper, Int(upper) <= pageByteCount
        else { throw Damage(what: "page \(number) is damaged") }
        let count = (Int(lower) - 16) / 2
        guard count >= (depth > 1 ? 2 : 1) else { throw Damage(what: "page \(number) is empty") }
        for index in 0..<count {
            let offset: UInt16 = try Self.number(page, 16 + 2 * index)
            guard offset >= upper, offset % 2 == 0 else {
                throw Damage(what: "page \(number) has a node outside of it")
            }
            try look(atNode: Int(offset), of: page, number, depth, isFreeList: isFreeList, isMain: isMain)
        }
    }

    private mutating func look(
        atNode offset: Int,
        of page: [UInt8],
        _ number: UInt64,
        _ depth: UInt16,
        isFreeList: Bool,
        isMain: Bool
    ) throws {
        let low: UInt16 = try Self.number(page, offset)
        let high: UInt16 = try Self.number(page, offset + 2)
        let flags: UInt16 = try Self.number(page, offset + 4)
        let keyByteCount: UInt16 = try Self.number(page, offset + 6)
        let data = offset + 8 + Int(keyByteCount)
        guard data <= pageByteCount else { throw Damage(what: "page \(number) has a node outside of it") }
        if depth > 1 {
            let child = UInt64(low) | UInt64(high) << 16 | UInt64(flags) << 32
            try walk(child, depth: depth - 1, isFreeList: isFreeList, isMain: isMain)
            return
        }
        let byteCount = Int(low) | Int(high) << 16
        guard flags & ~(NodeFlag.isBig | NodeFlag.isDatabase) == 0, flags & NodeFlag.isDatabase == 0 || isMain,
            (flags & NodeFlag.isDatabase != 0) == isMain
        else { throw Damage(what: "page \(number) has a node of no kind") }
        if isFreeList {
            guard keyByteCount == 8 else { throw Damage(what: "the free list is damaged") }
        }
        if flags & NodeFlag.isBig != 0 {
            try lookAtOverflow(page, data, byteCount, isFreeList)
            return
        }
        guard data + byteCount <= pageByteCount else { throw Damage(what: "page \(number) has a node outside of it") }
        if flags & NodeFlag.isDatabase != 0 {
            guard byteCount == 48 else { throw Damage(what: "a database's record is damaged") }
            let tree = try Tree(page, data)
            guard tree.flags == 0 else { throw Damage(what: "a database's record is damaged") }
            try walk(tree.root, depth: tree.depth, isFreeList: false, isMain: false)
        } else if isFreeList {
            try lookAtFreePages(Array(page[data..<data + byteCount]))
        }
    }

    private mutating func lookAtOverflow(_ page: [UInt8], _ data: Int, _ byteCount: Int, _ isFreeList: Bool) throws {
        let first: UInt64 = try Self.number(page, data)
        let needed = (16 + byteCount + pageByteCount - 1) / pageByteCount
        guard first >= 2, first <= lastPage, first + UInt64(needed) - 1 <= lastPage else {
            throw Damage(what: "a large record lies outside of the file")
        }
        let header = try bytes(at: first * UInt64(pageByteCount), 16)
        let own: UInt64 = try Self.number(header, 0)
        let flags: UInt16 = try Self.number(header, 10)
        let pages: UInt32 = try Self.number(header, 12)
        guard own == first, flags & ~0x10 == Flag.overflow, Int(pages) == needed else {
            throw Damage(what: "a large record is damaged")
        }
        for number in first..<first + UInt64(needed) {
            guard seen.insert(number).inserted else { throw Damage(what: "page \(number) is used twice") }
        }
        if isFreeList { try lookAtFreePages(try bytes(at: first * UInt64(pageByteCount) + 16, byteCount)) }
    }

    /// A list of free pages: its length, then page numbers, each smaller than the one before.
    private mutating func lookAtFreePages(_ list: [UInt8]) throws {
        let count: UInt64 = try Self.number(list, 0)
        guard count <= UInt64(list.count / 8 - 1) else { throw Damage(what: "the free list is damaged") }
        var before = UInt64.max
        for index in 0..<Int(count) {
            let page: UInt64 = try Self.number(list, 8 + 8 * index)
            guard page >= 2, page <= lastPage, page < before else { throw Damage(what: "the free list is damaged") }
            before = page
        }
    }
}
