import CollectorTesting
import Foundation
import TestSupport

/// What this user may do on this machine, of what some tests need.
enum Abilities {
    /// The beginning of a command that runs the rest as a user who may not do everything; none if this user is one.
    static let asNobody = geteuid() == 0 ? ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] : []

    /// To run the program as a user who may not do everything.
    static func mayBeNobody() async -> Bool {
        await ChildProcess.succeeds(asNobody + ["test", "-x", DaemonProcess.executable.path])
    }
}
