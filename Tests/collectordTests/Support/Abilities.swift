import CollectorTesting
import Foundation
import TestSupport

/// What this user may do on this machine, of what some tests need.
enum Abilities {
    /// To trace processes of its own.
    static func mayTrace() async -> Bool { await succeeds(["strace", "-qq", "-o", "/dev/null", "true"]) }

    /// To have mounts of its own.
    static func mayMount() async -> Bool { await succeeds(["unshare", "-rm", "true"]) }

    /// The beginning of a command that runs the rest as a user who may not do everything; none if this user is one.
    static let asNobody = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

    /// To run the program as a user who may not do everything.
    static func mayBeNobody() async -> Bool {
        await succeeds(asNobody + ["test", "-x", DaemonProcess.executable.path])
    }

    private static func succeeds(_ command: [String]) async -> Bool {
        await BlockingWork.run { (try? ChildProcess.spawn(command)).map { ChildProcess.wait(for: $0) } == 0 }
    }
}
