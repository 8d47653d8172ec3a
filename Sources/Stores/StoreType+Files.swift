public import Collector
import EventJSON

extension StoreType {
    /// Keeps values as files in a folder.
    public static let files = StoreType(
        name: "fs",
        packages: ["@walkeros/server-store-fs"],
        summary: "Keeps values as JSON files in one folder.",
        settings: [
            SettingDescription("basePath", .string, isRequired: true, "The folder; it is created if it is missing.")
        ]
    ) { settings, path, problems in
        problems.refuseUnknownMembers(
            (settings.object ?? [:]).map(\.name),
            known: ["basePath"],
            path: path,
            of: "the settings of an fs store"
        )
        let folder = settings["basePath"].string ?? ""
        if folder.isEmpty { problems.add(path + ["basePath"], "names the folder where values are kept") }
        return FileStore(folder: folder)
    }
}
