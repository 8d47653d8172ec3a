import Collector
import CollectorTesting
import EventJSON
import Foundation
import Stores
import Testing

@Suite("File store")
struct FileStoreTests {
    @Test("values come back, expire, and are forgotten")
    func values() async throws {
        let folder = try TemporaryDirectory()
        let time = ManualTime()
        let store = FileStore(folder: folder.path + "/deep/er", nowMilliseconds: time.collectorTime.nowMilliseconds)
        try await store.initialize()
        #expect(try await store.value(forKey: "a").isMissing)
        try await store.set(["n": 1], forKey: "a", lifetimeMilliseconds: nil)
        try await store.set("short", forKey: "b", lifetimeMilliseconds: 50)
        #expect(try await store.value(forKey: "a") == ["n": 1])
        #expect(try await store.value(forKey: "b") == "short")
        time.advance(milliseconds: 50)
        #expect(try await store.value(forKey: "a") == ["n": 1])
        #expect(try await store.value(forKey: "b").isMissing)
        try await store.remove("a")
        try await store.remove("never")
        #expect(try await store.value(forKey: "a").isMissing)
    }

    @Test("no key leads out of the folder, and keys that differ have files that differ")
    func confined() async throws {
        let folder = try TemporaryDirectory()
        let store = FileStore(folder: folder.path + "/values")
        try await store.initialize()
        let long = String(repeating: "x", count: 1000)
        let keys = ["../out", "/etc/x", "..", ".", "", "a/b", "a%2Fb", "A", "a", "ä", "a:b", long, long + "y", "\0"]
        for (index, key) in keys.enumerated() {
            try await store.set(.number(JSONNumber(index)), forKey: key, lifetimeMilliseconds: nil)
        }
        for (index, key) in keys.enumerated() {
            #expect(try await store.value(forKey: key) == .number(JSONNumber(index)), "\(key)")
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["values"])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/values").count == keys.count)
    }

    @Test("a folder that cannot be made is told, and so is a value that is too large")
    func failures() async throws {
        let folder = try TemporaryDirectory()
        let path = folder.path + "/file"
        try Data("x".utf8).write(to: URL(filePath: path))
        await #expect(throws: FileStore.Failure.self) { try await FileStore(folder: path + "/in").initialize() }
        let store = FileStore(folder: folder.path)
        let large = JSONValue.string(String(repeating: "x", count: 1 << 20))
        await #expect(throws: FileStore.Failure.self) {
            try await store.set(large, forKey: "a", lifetimeMilliseconds: nil)
        }
    }
}
