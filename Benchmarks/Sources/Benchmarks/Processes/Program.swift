import Glibc

/// Where programs are.
enum Program {
    /// The path of a program in PATH; nil if there is none.
    static func path(of name: String) -> String? {
        guard let variable = getenv("PATH") else { return nil }
        return String(cString: variable).split(separator: ":").map { "\($0)/\(name)" }
            .first { access($0, X_OK) == 0 }
    }

    /// The folder in which this program lies, beside the daemon that was built along.
    static func ownFolder() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, count)).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// The folder of the peers' scripts, in the sources.
    static let peersFolder: String = {
        let file = #filePath
        let marker = "/Sources/Benchmarks/"
        return file.ranges(of: marker).last.map { String(file[..<$0.lowerBound]) + "/Peers" } ?? "Peers"
    }()
}
