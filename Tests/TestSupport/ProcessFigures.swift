public import Foundation

/// What the kernel knows of a process, from `/proc`.
public enum ProcessFigures {
    /// Whether a process of that number runs; one that has ended and was not waited for does not.
    public static func isRunning(_ identifier: pid_t) -> Bool {
        guard let text = text(identifier, "stat"), let end = text.lastIndex(of: ")") else { return false }
        return !text[end...].dropFirst(2).hasPrefix("Z")
    }

    /// The memory in use now, in bytes.
    public static func residentByteCount(of identifier: pid_t) -> Int {
        field("VmRSS:", of: identifier)
    }

    /// The most memory that was in use since the start, or since ``forgetPeak(of:)``, in bytes.
    public static func peakByteCount(of identifier: pid_t) -> Int {
        field("VmHWM:", of: identifier)
    }

    /// Begins to measure the peak anew.
    public static func forgetPeak(of identifier: pid_t) {
        try? Data("5".utf8).write(to: URL(filePath: "/proc/\(identifier)/clear_refs"))
    }

    /// How many descriptors are open.
    public static func descriptorCount(of identifier: pid_t) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(identifier)/fd"))?.count ?? 0
    }

    private static func text(_ identifier: pid_t, _ name: String) -> String? {
        try? String(contentsOfFile: "/proc/\(identifier)/\(name)", encoding: .utf8)
    }

    private static func field(_ name: String, of identifier: pid_t) -> Int {
        let line = text(identifier, "status")?.split(separator: "\n").first { $0.hasPrefix(name) }
        let kibibytes = line?.split(separator: "\t").last?.split(separator: " ").first.flatMap { Int($0) }
        return (kibibytes ?? 0) * 1024
    }
}
