import Logging

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#elseif canImport(Darwin)
import Darwin
#endif

/// What happens to files once they are put away: they are compressed, and the oldest deleted.
struct RotatedFiles: Sendable {
    let isCompressed: Bool
    let keptCount: Int?

    /// Whether there is anything to do.
    var isNeeded: Bool { isCompressed || keptCount != nil }

    /// Gives a file the next name of its rotation.
    static func putAway(_ name: String, in folder: FileFolder, nowMilliseconds: Int) throws(WriteFailure) {
        guard let status = folder.status(of: name), status.st_mode & S_IFMT == S_IFREG else {
            throw WriteFailure("a link cannot be put away; name the file itself", isTransient: false)
        }
        let last = try folder.names().compactMap { RotatedName($0) }.filter { $0.activeName == name }.max()
        let rotated = RotatedName(of: name, after: last, nowMilliseconds: nowMilliseconds)
        // No file has the name: it comes after all that there are, and who else rotates waits for the lock.
        guard renameat(folder.descriptor, name, folder.descriptor, rotated.plain) == 0 else {
            throw WriteFailure("rename", number: errno)
        }
        try folder.synchronize()
    }

    /// Deletes what is too much, compresses what is not, and finishes or clears what a killed process left.
    ///
    /// - Parameters:
    ///   - name: The file whose rotated files are meant; nil for those of all files in the folder.
    ///   - isEnding: Asked now and then; true leaves the rest to the next start.
    func tidy(_ folder: FileFolder, name: String?, isEnding: () -> Bool) throws(WriteFailure) {
        let names = try folder.names()
        let isMeant = { (rotated: RotatedName) in name == nil || rotated.activeName == name }
        var kept: [RotatedName] = []
        for group in Dictionary(grouping: names.compactMap { RotatedName($0) }.filter(isMeant), by: \.activeName).values
        {
            // A file that is there plain and compressed is one.
            let sorted = group.sorted().reduce(into: [RotatedName]()) { if $0.last != $1 { $0.append($1) } }
            let excess = sorted.dropLast(keptCount ?? sorted.count)
            for rotated in excess {
                for name in [rotated.plain, rotated.compressed] where !folder.remove(name) {
                    throw WriteFailure("delete an old file", number: errno)
                }
            }
            kept += sorted.dropFirst(excess.count)
        }
        guard isCompressed else { return }
        for name in names {
            guard let rotated = RotatedName(draft: name), isMeant(rotated) else { continue }
            // A draft beside its plain file is begun anew.
            if folder.status(of: rotated.plain) == nil { folder.remove(name) }
        }
        for rotated in kept where names.contains(rotated.plain) {
            if isEnding() { return }
            try GzipFile.compress(rotated, in: folder, isEnding: isEnding)
        }
    }
}
