import CollectorTesting
import EventJSON
import Foundation
import TestSupport
import Testing

/// The file destination on a disk that is really full: a small one of its own, seen only by the daemon.
@Suite("collectord on a full disk", .timeLimit(.minutes(1)))
struct FullDiskTests {
    @Test(
        "what fits is in the file, whole; the rest is kept, and written once there is room",
        .enabled("needs unshare -rm") { await SmallDisk.isPossible }
    )
    func fullDisk() async throws {
        let directory = try TemporaryDirectory()
        let disk = "\(directory.path)/disk"
        mkdir(disk, 0o700)
        let flow = "\(directory.path)/flow.json"
        let settings = #"{"filename":"\#(disk)/e.jsonl"}"#
        try Data(
            #"""
            {"version":4,"flows":{"f":{
              "sources":{"http":{"package":"@walkeros/server-source-express"}},
              "destinations":{"file":{"package":"file","config":{"timeout":200,"retry":{"maxDelay":200},"settings":\#(settings)}}}}}}
            """#.utf8
        ).write(to: URL(filePath: flow))
        let small = SmallDisk(at: disk, byteCount: 100 << 10)
        let daemon = try await DaemonProcess.start(["run", flow, "--port", "0"], wrapper: small.command)
        let file = URL(filePath: small.outerPath(of: "e.jsonl", process: daemon.identifier))
        func numbers() throws -> [Int] {
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            #expect(text.isEmpty || text.hasSuffix("\n"))
            return try text.split(separator: "\n").map {
                try #require(JSONValue(jsonText: String($0))["data"]["n"].number?.integer)
            }
        }
        func post(_ number: Int) async throws -> Int {
            // Not a divisor of the disk's pages, so that the write that fills it is cut short.
            let filling = String(repeating: "x", count: 7000)
            let event = #"{"name":"a b","data":{"n":\#(number),"filling":"\#(filling)"}}"#
            return try await HTTPExchange.post(event, port: daemon.port).status
        }
        for number in 0..<20 { #expect(try await post(number) == 200) }
        #expect(try numbers() == Array(0..<13))
        let handle = try FileHandle(forWritingTo: file)
        try handle.truncate(atOffset: 0)
        try handle.close()
        await daemon.errorLines(containing: "the destination takes events again", count: 1)
        // In order: what was kept is there when this one is.
        #expect(try await post(20) == 200)
        #expect(try numbers() == Array(13...20))
        _ = await daemon.kill()
    }
}
