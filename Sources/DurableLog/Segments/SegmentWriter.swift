/// Writes frames to segment files. Used by the maintenance thread alone.
struct SegmentWriter {
    let paths: StorePaths
    let files: any FileSystem
    let cache: DescriptorCache
    /// How much is written at once.
    private let pieceByteCount: Int
    /// Files written since the last checkpoint, and directories with new entries.
    private(set) var touched: Set<SegmentKey> = []
    private(set) var touchedDirectories: Set<String> = []

    init(_ paths: StorePaths, _ files: any FileSystem, _ limits: StoreLimits) {
        self.paths = paths
        self.files = files
        cache = DescriptorCache(maximumCount: limits.maximumOpenSegmentCount)
        pieceByteCount = min(1 << 20, max(1, limits.segmentByteCount / 4))
    }

    /// Writes a stream's frames, and says what its files are then.
    mutating func write(_ frames: [SegmentCopy.Frame], _ copy: inout SegmentCopy) throws(FileFailure) -> [SegmentRecord]
    {
        var records: [SegmentRecord] = []
        var buffer: [UInt8] = []
        var offset: UInt64 = copy.record?.byteCount ?? 0
        var isNew = false
        // Whether the file has frames that no record tells of yet, written or not.
        var isChanged = false
        for frame in frames {
            if copy.beginsFile(frame) {
                if let record = copy.record, isChanged {
                    if !buffer.isEmpty { try write(buffer, at: offset, record, isNew) }
                    records.append(record)
                }
                buffer = copy.begin(frame)
                offset = 0
                isNew = true
            }
            buffer += frame.bytes
            buffer += repeatElement(0, count: FrameHeader.padded(frame.bytes.count) - frame.bytes.count)
            copy.add(frame)
            isChanged = true
            if buffer.count >= pieceByteCount, let record = copy.record {
                try write(buffer, at: offset, record, isNew)
                offset += UInt64(buffer.count)
                isNew = false
                buffer.removeAll(keepingCapacity: true)
            }
        }
        if let record = copy.record {
            if !buffer.isEmpty { try write(buffer, at: offset, record, isNew) }
            records.append(record)
        }
        return records
    }

    private mutating func write(_ bytes: [UInt8], at offset: UInt64, _ record: SegmentRecord, _ isNew: Bool)
        throws(FileFailure)
    {
        let path = paths.segment(stream: record.stream, base: record.base)
        let file: any StorageFile
        if isNew {
            cache.forget(record.key)
            let directory = paths.segmentDirectory(stream: record.stream)
            if !touchedDirectories.contains(directory) {
                try files.makeDirectory(directory)
                touchedDirectories.insert(directory)
            }
        }
        let files = files
        file = try cache.file(record.key) { () throws(FileFailure) in try files.open(path, isNew ? .create : .readWrite)
        }
        try file.write(bytes, at: offset)
        touched.insert(record.key)
    }

    /// Makes durable what was written since the last time.
    mutating func synchronize(except gone: Set<SegmentKey>) throws(FileFailure) {
        let files = files
        if touched.count > 64 {
            try files.synchronizeAll(paths.root)
        } else {
            for key in touched where !gone.contains(key) {
                let path = paths.segment(stream: key.stream, base: key.base)
                let file = try cache.file(key) { () throws(FileFailure) in try files.open(path, .readWrite) }
                try file.synchronize()
            }
            for directory in touchedDirectories { try files.synchronizeDirectory(directory) }
            if !touchedDirectories.isEmpty { try files.synchronizeDirectory(paths.segments) }
        }
        touched = []
        touchedDirectories = []
    }

    func remove(_ key: SegmentKey) {
        cache.forget(key)
        // What stays behind is found, and removed, at a later start.
        try? files.remove(paths.segment(stream: key.stream, base: key.base))
    }
}
