// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

let package = Package(
    name: "collectord-benchmarks",
    dependencies: [
        .package(name: "collectord", path: ".."),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .systemLibrary(
            name: "CJanssonPeer",
            pkgConfig: "jansson",
            providers: [.apt(["libjansson-dev"])]
        ),
        .systemLibrary(name: "CEpoll"),
        .target(
            name: "JanssonPeer",
            dependencies: [
                "CJanssonPeer",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: settings
        ),
        .executableTarget(
            name: "Benchmarks",
            dependencies: [
                "CEpoll",
                "JanssonPeer",
                .product(name: "Collector", package: "collectord"),
                .product(name: "CollectorTesting", package: "collectord"),
                .product(name: "Destinations", package: "collectord"),
                .product(name: "DurableLog", package: "collectord"),
                .product(name: "EventJSON", package: "collectord"),
                .product(name: "EventLog", package: "collectord"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "RedisStreamsDestination", package: "collectord"),
                // Not linked: the daemon that the end-to-end measurements start is built along.
                .product(name: "collectord", package: "collectord"),
            ],
            swiftSettings: settings
        ),
    ],
    swiftLanguageModes: [.v6]
)
