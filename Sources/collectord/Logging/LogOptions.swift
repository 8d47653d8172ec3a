import ArgumentParser
import Logging

/// How and from which level the daemon logs, on standard error.
struct LogOptions: ParsableArguments {
    /// The shape of a log line.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    /// A level of importance.
    enum Level: String, ExpressibleByArgument, CaseIterable {
        case trace, debug, info, notice, warning, error, critical

        var loggerLevel: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
    }

    @Option(help: "Log lines as text or as JSON.")
    var logFormat: Format = .text

    @Option(help: "Log from this level on; the flow's logger.level if it has one.")
    var logLevel: Level?

    /// Makes all loggers of the process log this way. To be called once.
    func bootstrap(flowLevel: String?) {
        let level = logLevel ?? flowLevel.flatMap(Level.init(rawValue:)) ?? .info
        let format = logFormat
        LoggingSystem.bootstrap { label in
            LineLogHandler(label: label, format: format, level: level.loggerLevel)
        }
    }
}
