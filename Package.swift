// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "collectord",
    products: [
        .library(name: "EventJSON", targets: ["EventJSON"]),
        .library(name: "JSONSchema", targets: ["JSONSchema"]),
        .library(name: "Collector", targets: ["Collector"]),
        .library(name: "CollectorConfiguration", targets: ["CollectorConfiguration"]),
        .library(name: "CollectorHTTP", targets: ["CollectorHTTP"]),
        .library(name: "CollectorTesting", targets: ["CollectorTesting"]),
        .library(name: "RedisStreamsDestination", targets: ["RedisStreamsDestination"]),
        .library(name: "Destinations", targets: ["Destinations"]),
        .library(name: "SQLiteDestination", targets: ["SQLiteDestination"]),
        .library(name: "Stores", targets: ["Stores"]),
        .library(name: "DurableLog", targets: ["DurableLog"]),
        .library(name: "EventLog", targets: ["EventLog"]),
        .library(name: "HTTPServer", targets: ["HTTPServer"]),
        .executable(name: "collectord", targets: ["collectord"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // The C library's own: it has nothing to install.
        .systemLibrary(name: "CFileAttributes"),
        .systemLibrary(
            name: "CHiredis",
            // No pkgConfig: hiredis' file holds a flag that SwiftPM warns about; the module map links the library.
            providers: [.apt(["libhiredis-dev"])]
        ),
        .systemLibrary(
            name: "CJansson",
            pkgConfig: "jansson",
            providers: [.apt(["libjansson-dev"])]
        ),
        .systemLibrary(
            name: "COpenSSL",
            pkgConfig: "openssl",
            providers: [.apt(["libssl-dev"])]
        ),
        .systemLibrary(
            name: "CZlib",
            providers: [.apt(["zlib1g-dev"])]
        ),
        .systemLibrary(
            name: "CBrotli",
            providers: [.apt(["libbrotli-dev"])]
        ),
        .systemLibrary(
            name: "CZstandard",
            providers: [.apt(["libzstd-dev"])]
        ),
        .systemLibrary(
            name: "CLMDB",
            providers: [.apt(["liblmdb-dev"])]
        ),
        // A header of the project's own: CRC-32C by the processor's instruction, and syncfs.
        .systemLibrary(name: "CStorage"),
        .target(
            name: "EventJSON",
            dependencies: ["CJansson"],
            swiftSettings: settings
        ),
        .target(
            name: "Compression",
            dependencies: ["CBrotli", "CZlib", "CZstandard"],
            swiftSettings: settings
        ),
        .target(
            name: "LinearExpressions",
            swiftSettings: settings
        ),
        .target(
            name: "JSONSchema",
            dependencies: ["EventJSON", "LinearExpressions"],
            swiftSettings: settings
        ),
        .target(
            name: "Collector",
            dependencies: [
                "EventJSON",
                "JSONSchema",
                "LinearExpressions",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CollectorConfiguration",
            dependencies: [
                "Collector",
                "EventJSON",
                "JSONSchema",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Destinations",
            dependencies: [
                "CFileAttributes",
                "Collector",
                "Compression",
                "EventJSON",
                "InternetAddresses",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HeapModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .target(name: "InternetAddresses", swiftSettings: settings),
        .target(
            name: "SQLiteDestination",
            dependencies: [
                "Collector",
                "EventJSON",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "SQLiteDestinationTests",
            dependencies: [
                "Collector", "CollectorTesting", "EventJSON", "SQLiteDestination",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "Stores",
            dependencies: [
                "Collector",
                "EventJSON",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "StoresTests",
            dependencies: ["Collector", "CollectorTesting", "EventJSON", "Stores"],
            swiftSettings: settings
        ),
        .target(
            name: "DurableLog",
            dependencies: [
                "CLMDB",
                "CStorage",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "EventLog",
            dependencies: [
                "Collector",
                "DurableLog",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "EventLogTests",
            dependencies: ["Collector", "CollectorTesting", "DurableLog", "EventJSON", "EventLog", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DurableLogTests",
            dependencies: [
                "DurableLog",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CollectorHTTP",
            dependencies: [
                "Collector",
                "EventJSON",
                "HTTPServer",
                "InternetAddresses",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "CollectorTesting",
            dependencies: [
                "Collector",
                "EventJSON",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "RedisStreamsDestination",
            dependencies: [
                "CHiredis",
                "COpenSSL",
                "Collector",
                "EventJSON",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "RedisStreamsDestinationTests",
            dependencies: [
                "Collector",
                "CollectorTesting",
                "EventJSON",
                "RedisStreamsDestination",
                "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "HTTPServer",
            dependencies: [
                "Compression",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "collectord",
            dependencies: [
                "Collector",
                "CollectorConfiguration",
                "CollectorHTTP",
                "Destinations",
                "DurableLog",
                "EventJSON",
                "EventLog",
                "HTTPServer",
                "RedisStreamsDestination",
                "SQLiteDestination",
                "Stores",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: settings
        ),
        .target(
            name: "TestSupport",
            dependencies: ["CollectorTesting", "EventJSON"],
            path: "Tests/TestSupport",
            swiftSettings: settings
        ),
        .testTarget(
            name: "EventJSONTests",
            dependencies: ["EventJSON", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "LinearExpressionsTests",
            dependencies: ["LinearExpressions"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "JSONSchemaTests",
            dependencies: ["EventJSON", "JSONSchema", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CollectorTests",
            dependencies: [
                "Collector", "CollectorTesting", "EventJSON", "JSONSchema", "TestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CollectorConfigurationTests",
            dependencies: ["Collector", "CollectorConfiguration", "EventJSON", "JSONSchema", "TestSupport"],
            swiftSettings: settings
        ),
        .testTarget(
            name: "CollectorHTTPTests",
            dependencies: [
                "Collector", "CollectorHTTP", "CollectorTesting", "Compression", "EventJSON", "HTTPServer",
                "InternetAddresses", "TestSupport",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "DestinationsTests",
            dependencies: [
                "Collector", "CollectorTesting", "Destinations", "EventJSON", "HTTPServer", "InternetAddresses",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "OwnDestinationTests",
            dependencies: ["Collector", "CollectorTesting", "EventJSON"],
            path: "Examples/OwnDestination",
            swiftSettings: settings
        ),
        .testTarget(
            name: "collectordTests",
            dependencies: [
                "CollectorTesting", "EventJSON", "HTTPServer", "TestSupport", "collectord",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HostileInputTests",
            dependencies: [
                "Collector", "CollectorConfiguration", "CollectorHTTP", "CollectorTesting", "Destinations", "EventJSON",
                "RedisStreamsDestination", "SQLiteDestination", "TestSupport", "collectord",
            ],
            swiftSettings: settings
        ),
        .testTarget(
            name: "HTTPServerTests",
            dependencies: [
                "CollectorTesting",
                "Compression",
                "HTTPServer",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "NIOConcurrencyHelpers", package: "swift-nio"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            resources: [.copy("Fixtures")],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
