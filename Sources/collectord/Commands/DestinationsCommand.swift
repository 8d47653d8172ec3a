import ArgumentParser
import Collector

/// `collectord destinations`: lists the types of destinations with their settings.
struct DestinationsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "destinations",
        abstract: "List the types of destinations and sources with their settings."
    )

    func run() async throws {
        for type in KnownTypes.destinations {
            print(Self.heading(type.name, type.packages, type.summary))
            print(Self.table(type.settings, indent: 2))
            if !type.ruleSettings.isEmpty {
                print("  in a mapping rule's settings:")
                print(Self.table(type.ruleSettings, indent: 4))
            }
            print("")
        }
        for type in KnownTypes.sources {
            print(Self.heading("source \(type.name)", type.packages, type.summary))
            print(Self.table(type.settings, indent: 2))
            print("")
        }
    }

    private static func heading(_ name: String, _ packages: [String], _ summary: String) -> String {
        let packages = packages.isEmpty ? "" : " (\(packages.joined(separator: ", ")))"
        return "\(name)\(packages)\n  \(summary)"
    }

    private static func table(_ settings: [SettingDescription], indent: Int) -> String {
        settings.map { setting in
            var line = String(repeating: " ", count: indent) + setting.name
            line += ": \(kind(setting.kind))"
            if setting.isRequired { line += ", required" }
            if let fallback = setting.fallback { line += ", default \(fallback)" }
            line += ". \(setting.summary)"
            for members in objects(in: setting.kind) { line += "\n" + table(members, indent: indent + 2) }
            return line
        }
        .joined(separator: "\n")
    }

    private static func objects(in kind: SettingDescription.Kind) -> [[SettingDescription]] {
        switch kind {
        case .object(let members): [members]
        case .list(let element): objects(in: element)
        case .oneOf(let kinds): kinds.flatMap(objects)
        default: []
        }
    }

    private static func kind(_ kind: SettingDescription.Kind) -> String {
        switch kind {
        case .string: "text"
        case .integer(let range):
            range.upperBound == .max
                ? "whole number from \(range.lowerBound)" : "whole number \(range.lowerBound) to \(range.upperBound)"
        case .boolean: "true or false"
        case .choice(let values): values.joined(separator: " or ")
        case .object, .dictionary: "object"
        case .strings: "texts"
        case .list(let element): "array of \(self.kind(element))"
        case .oneOf(let kinds): kinds.map(self.kind).joined(separator: " or ")
        case .mappingValue: "text or a mapping value"
        case .any: "any"
        }
    }
}
