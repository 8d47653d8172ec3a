// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "OwnDestination",
    dependencies: [.package(name: "collectord", path: "../..")],
    targets: [
        .target(name: "OwnDestination", dependencies: [.product(name: "Collector", package: "collectord")]),
        .testTarget(
            name: "OwnDestinationTests",
            dependencies: ["OwnDestination", .product(name: "CollectorTesting", package: "collectord")]
        ),
    ],
    swiftLanguageModes: [.v6]
)
