import ArgumentParser
import CollectorConfiguration

/// `collectord test`: runs the examples of flow files and the cases of test files.
struct TestCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Run test files, and the examples in flow files: an event, and what destinations must get.",
        discussion: "Exit 0 if all is as expected, 1 if not."
    )

    @Argument(help: "Test files and flow files.", completion: .file(extensions: ["json"]))
    var files: [String]

    @Option(help: "The flow, if a file has several.")
    var flow: String?

    func run() async throws {
        var passed = 0
        var failed = 0
        for file in files {
            let (flow, tests) = try cases(of: file)
            for test in tests {
                let faults = await test.run(on: flow)
                print("\(faults.isEmpty ? "ok    " : "FAILED") \(file): \(test.name)")
                for fault in faults { print("       \(fault)") }
                if faults.isEmpty { passed += 1 } else { failed += 1 }
            }
        }
        print("\(passed) passed, \(failed) failed")
        guard failed == 0 else { throw ExitCode.failure }
        guard passed > 0 else { throw CommandError("there is no test in \(files.joined(separator: ", "))") }
    }

    private func cases(of file: String) throws -> (Flow, [FlowTest]) {
        let text = try FileText.read(file)
        let content = try FlowFile(text: text, name: file)
        if !content.flowNames.isEmpty {
            let flow = try FlowLoading.flow(file: file, named: flow)
            return (flow, FlowTest.cases(ofExamplesIn: flow))
        }
        let (flowFile, tests) = try FlowTest.cases(ofTestFile: text, name: file)
        guard let flowFile else { throw CommandError("\(file): name the flow file: \"flow\": \"flow.json\"") }
        return (try FlowLoading.flow(file: FileText.path(flowFile, besides: file), named: flow), tests)
    }
}
