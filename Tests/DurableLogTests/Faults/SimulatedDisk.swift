import Glibc
import Synchronization

@testable import DurableLog

/// A generator that gives the same numbers for the same seed.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 0xD1B5_4A32_D192_ED03 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// A disk that keeps what is durable apart from what is only written, can lose power after any operation, tear what was
/// on its way sector by sector, and be full.
final class SimulatedDisk: FileSystem {
    struct Content {
        var durable: [UInt8] = []
        var written: [UInt8] = []
        /// What was written since the file was last made durable.
        var waiting: [(offset: Int, bytes: [UInt8])] = []

        mutating func makeDurable() {
            durable = written
            waiting = []
        }
    }

    enum EntryChange {
        case add(String, Int)
        case remove(String)
        case rename(String, String)
    }

    struct State {
        var contents: [Int: Content] = [:]
        var entries: [String: Int] = [:]
        var durableEntries: [String: Int] = [:]
        var waitingEntries: [String: [EntryChange]] = [:]
        var directories: Set<String> = []
        var nextFile = 1
        var generation = 0
        /// Operations until the power goes; `nil`: it stays.
        var operationsLeft: Int?
        var isDead = false
        var capacity = Int.max
        var failingSynchronizations = 0
        /// How many files may still be opened.
        var openableCount = Int.max
        var operationCount = 0
    }

    let state = Mutex(State())

    /// Counts an operation that changes something; throws when there is no power any more.
    func step(_ state: inout State, _ generation: Int, _ path: String) throws(FileFailure) {
        guard !state.isDead, generation == state.generation else { throw FileFailure("reach", path, EIO) }
        state.operationCount += 1
        guard let left = state.operationsLeft else { return }
        if left == 0 {
            state.isDead = true
            throw FileFailure("reach", path, EIO)
        }
        state.operationsLeft = left - 1
    }

    static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    func dieAfter(operations: Int?) {
        state.withLock { state in state.operationsLeft = operations }
    }

    var isDead: Bool { state.withLock { $0.isDead } }

    /// The power comes back: what was durable is there, of the rest some sectors are.
    func losePower(_ random: inout some RandomNumberGenerator) {
        state.withLock { state in
            state.isDead = false
            state.operationsLeft = nil
            state.generation += 1
            for (file, content) in state.contents {
                var content = content
                for write in content.waiting { Self.tear(write.offset, write.bytes, into: &content.durable, &random) }
                content.written = content.durable
                content.waiting = []
                state.contents[file] = content
            }
            // Of a directory's changes, the first ones survive.
            for changes in state.waitingEntries.values {
                for change in changes.prefix(Int.random(in: 0...changes.count, using: &random)) {
                    switch change {
                    case .add(let path, let file): state.durableEntries[path] = file
                    case .remove(let path): state.durableEntries[path] = nil
                    case .rename(let path, let other):
                        state.durableEntries[other] = state.durableEntries[path]
                        state.durableEntries[path] = nil
                    }
                }
            }
            state.waitingEntries = [:]
            state.entries = state.durableEntries
        }
    }

    private static func tear(
        _ offset: Int,
        _ bytes: [UInt8],
        into durable: inout [UInt8],
        _ random: inout some RandomNumberGenerator
    ) {
        var at = 0
        while at < bytes.count {
            let end = min(bytes.count, ((offset + at) / 512 + 1) * 512 - offset)
            if Bool.random(using: &random) {
                if durable.count < offset + end {
                    durable += [UInt8](repeating: 0, count: offset + end - durable.count)
                }
                durable.replaceSubrange(offset + at..<offset + end, with: bytes[at..<end])
            }
            at = end
        }
    }

    /// Whether another file may be opened; counts it.
    private static func takeDescriptor(_ state: inout State) -> Bool {
        guard state.openableCount > 0 else { return false }
        if state.openableCount != .max { state.openableCount -= 1 }
        return true
    }

    func open(_ path: String, _ access: FileAccess) throws(FileFailure) -> any StorageFile {
        var failure: FileFailure?
        let opened = state.withLock { state -> SimulatedFile? in
            guard Self.takeDescriptor(&state) else {
                failure = FileFailure("open", path, EMFILE)
                return nil
            }
            if access == .create {
                do { try step(&state, state.generation, path) } catch {
                    failure = error as? FileFailure
                    return nil
                }
                // A new file, also where there was one: what was in it stays until the entry is durable.
                let file = state.nextFile
                state.nextFile += 1
                state.contents[file] = Content()
                state.entries[path] = file
                state.waitingEntries[Self.parent(path), default: []].append(.add(path, file))
                return SimulatedFile(self, file, path, state.generation)
            }
            guard let file = state.entries[path] else {
                failure = FileFailure("open", path, ENOENT)
                return nil
            }
            return SimulatedFile(self, file, path, state.generation)
        }
        if let failure { throw failure }
        guard let opened else { throw FileFailure("open", path, EIO) }
        return opened
    }

    private func change(_ path: String, _ body: (inout State) throws -> Void) throws(FileFailure) {
        var failure: FileFailure?
        state.withLock { state in
            do {
                try step(&state, state.generation, path)
                try body(&state)
            } catch {
                failure = error as? FileFailure
            }
        }
        if let failure { throw failure }
    }

    func makeDirectory(_ path: String) throws(FileFailure) {
        try change(path) { state in state.directories.insert(path) }
    }

    func list(_ path: String) throws(FileFailure) -> [String] {
        state.withLock { state in
            let names =
                state.entries.keys.filter { Self.parent($0) == path }
                + state.directories.filter { Self.parent($0) == path }
            return names.map { String($0.dropFirst(path.count + 1)) }
        }
    }

    func rename(_ path: String, to other: String) throws(FileFailure) {
        try change(path) { state in
            if state.directories.remove(path) != nil {
                state.directories.insert(other)
                return
            }
            guard let file = state.entries[path] else { throw FileFailure("rename", path, ENOENT) }
            state.entries[path] = nil
            state.entries[other] = file
            state.waitingEntries[Self.parent(path), default: []].append(.rename(path, other))
        }
    }

    func remove(_ path: String) throws(FileFailure) {
        try change(path) { state in
            guard state.entries.removeValue(forKey: path) != nil else { return }
            state.waitingEntries[Self.parent(path), default: []].append(.remove(path))
        }
    }

    func synchronizeDirectory(_ path: String) throws(FileFailure) {
        try change(path) { state in
            guard Self.takeDescriptor(&state) else { throw FileFailure("open", path, EMFILE) }
            state.waitingEntries[path] = nil
            for name in Set(state.entries.keys).union(state.durableEntries.keys) where Self.parent(name) == path {
                state.durableEntries[name] = state.entries[name]
            }
        }
    }

    func synchronizeAll(_ path: String) throws(FileFailure) {
        try change(path) { state in
            for file in state.contents.keys {
                state.contents[file]?.makeDurable()
            }
            state.waitingEntries = [:]
            state.durableEntries = state.entries
        }
    }

    func lock(_ path: String) throws(FileFailure) -> any Sendable { 0 }
}

/// An open file of the disk, of one life of it.
final class SimulatedFile: StorageFile {
    private let disk: SimulatedDisk
    private let file: Int
    private let path: String
    private let generation: Int

    init(_ disk: SimulatedDisk, _ file: Int, _ path: String, _ generation: Int) {
        self.disk = disk
        self.file = file
        self.path = path
        self.generation = generation
    }

    private func change(_ body: (inout SimulatedDisk.State) throws -> Void) throws(FileFailure) {
        var failure: FileFailure?
        disk.state.withLock { state in
            do {
                try disk.step(&state, generation, path)
                try body(&state)
            } catch {
                failure = error as? FileFailure
            }
        }
        if let failure { throw failure }
    }

    private static func put(_ bytes: [UInt8], at offset: Int, into content: inout [UInt8]) {
        if content.count < offset + bytes.count {
            content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
        }
        content.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    }

    func write(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) throws(FileFailure) {
        let bytes = Array(bytes)
        var failure: FileFailure?
        disk.state.withLock { state in
            let isOn = !state.isDead && generation == state.generation
            do {
                try disk.step(&state, generation, path)
                let used = state.contents.values.reduce(0) { $0 + $1.written.count }
                let grown = max(0, Int(offset) + bytes.count - (state.contents[file]?.written.count ?? 0))
                guard used + grown <= state.capacity else { throw FileFailure("write to", path, ENOSPC) }
            } catch {
                failure = error as? FileFailure
                // A write during which the power goes is on its way all the same.
                guard isOn, failure?.code == EIO else { return }
            }
            Self.put(bytes, at: Int(offset), into: &state.contents[file, default: .init()].written)
            state.contents[file]?.waiting.append((Int(offset), bytes))
        }
        if let failure { throw failure }
    }

    func read(_ buffer: UnsafeMutableRawBufferPointer, at offset: UInt64) throws(FileFailure) -> Int {
        disk.state.withLock { state in
            let content = state.contents[file]?.written ?? []
            let part = content.dropFirst(Int(offset)).prefix(buffer.count)
            buffer.copyBytes(from: part)
            return part.count
        }
    }

    func synchronizeData() throws(FileFailure) {
        try change { state in
            if state.failingSynchronizations > 0 {
                state.failingSynchronizations -= 1
                throw FileFailure("make durable", path, EIO)
            }
            state.contents[file]?.makeDurable()
        }
    }

    func synchronize() throws(FileFailure) { try synchronizeData() }

    func allocate(byteCount: UInt64) throws(FileFailure) {
        try change { state in
            let used = state.contents.values.reduce(0) { $0 + $1.written.count }
            let grown = Int(byteCount) - (state.contents[file]?.written.count ?? 0)
            guard used + grown <= state.capacity else { throw FileFailure("reserve room for", path, ENOSPC) }
            if grown > 0 { state.contents[file]?.written += [UInt8](repeating: 0, count: grown) }
        }
    }

    func byteCount() throws(FileFailure) -> UInt64 {
        disk.state.withLock { state in UInt64(state.contents[file]?.written.count ?? 0) }
    }
}
