// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "LinkedService",
    dependencies: [
        .package(name: "collectord", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    ],
    targets: [
        .executableTarget(
            name: "LinkedService",
            dependencies: [
                .product(name: "Collector", package: "collectord"),
                .product(name: "EventJSON", package: "collectord"),
                .product(name: "RedisStreamsDestination", package: "collectord"),
                .product(name: "Logging", package: "swift-log"),
            ]
        )
    ],
    swiftLanguageModes: [.v6]
)
