import ArgumentParser
import CollectorConfiguration
import EventJSON

/// `collectord schema`: prints the JSON Schema of flow.json.
struct SchemaCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of flow.json, for editors."
    )

    func run() async throws {
        let schema = FlowSchema.schema(
            destinationTypes: KnownTypes.destinations,
            sourceTypes: KnownTypes.sources,
            transformerTypes: KnownTypes.transformers,
            storeTypes: KnownTypes.stores
        )
        print(JanssonText.write(schema))
    }
}

/// `collectord version`: prints the version.
struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "version", abstract: "Print the version.")

    func run() async throws {
        print("collectord \(Collectord.configuration.version)")
    }
}
