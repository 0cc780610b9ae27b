// swift-tools-version: 6.2
import PackageDescription

/// A warning ends the builds of ./tools/test; not those of other people, whose compilers may know more warnings.
let warnings: [SwiftSetting] =
    Context.environment["TEAROFF_WARNINGS"] == "errors" ? [.treatAllWarnings(as: .error)] : []

/// One set of settings for every target of ours; each feature is a Swift Evolution proposal.
let strict: [SwiftSetting] =
    warnings + [
        .swiftLanguageMode(.v6),
        .strictMemorySafety(),
        .enableUpcomingFeature("ExistentialAny"),  // SE-0335
        .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
        .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    ]

/// For what runs once or more per command. The exclusivity of accesses is still checked where the compiler can see it,
/// and at run time in debug builds and in those that ./tools/test runs on; at run time in a release it took 38 % of the
/// instructions of an allocation alone in its tick. Not for what TearoffClient is made of:
/// a package with unsafe flags cannot be depended upon by version.
let hot = strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

/// Of what tests: the optimizer has nothing to gain there, and crashes on one of them (Swift 6.3.1, CopyPropagation).
let tests = strict + [.unsafeFlags(["-Onone"], .when(configuration: .release))]

let package = Package(
    name: "tearoff",
    platforms: [.macOS(.v26)],
    products: [
        .executable(name: "tearoffd", targets: ["tearoffd"]),
        .executable(name: "tearoffctl", targets: ["tearoffctl"]),
        .library(name: "TearoffClient", targets: ["TearoffClient"]),
    ],
    traits: [
        .trait(
            name: "Microbenchmarks",
            description: "Times what is in Benchmarks/Microbenchmarks; else its dependency is not fetched."
        )
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        // Only fetched with the trait. Without its own traits it counts no allocations, and needs no library
        // to be loaded beforehand.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .target(name: "CUring", linkerSettings: [.linkedLibrary("uring")]),
        .target(name: "CCRC32C"),
        .target(name: "CPrefetch"),

        .target(name: "TearoffCore", swiftSettings: hot),
        .target(name: "TearoffProtocol", swiftSettings: strict),
        .target(
            name: "TearoffLog", dependencies: ["TearoffCore", "CZstd", "CCRC32C"], swiftSettings: hot),
        .target(
            name: "TearoffStorage",
            dependencies: [
                "TearoffCore", "TearoffLog", "CUring", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: hot),
        .target(
            name: "TearoffEngine",
            dependencies: ["TearoffCore", "TearoffLog", "CPrefetch"], swiftSettings: hot),
        .target(
            name: "TearoffDelivery",
            dependencies: [
                "TearoffCore", "TearoffLog", "TearoffEngine", "CCurl",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "TearoffAccounts",
            dependencies: [
                "TearoffCore", .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "TearoffServer",
            dependencies: [
                "TearoffCore", "TearoffProtocol", "TearoffLog", "TearoffStorage", "TearoffEngine",
                "TearoffDelivery", "TearoffAccounts",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: hot),
        .target(
            name: "TearoffClient",
            dependencies: [
                "TearoffProtocol",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOTLS", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ], swiftSettings: strict),
        .target(
            name: "TearoffOffline",
            dependencies: ["TearoffCore", "TearoffLog", "TearoffStorage", "TearoffEngine"],
            swiftSettings: strict),
        .target(
            name: "TearoffSimulation", dependencies: ["TearoffEngine", "TearoffLog", "TearoffCore"],
            swiftSettings: strict),
        .target(
            name: "TearoffSettings",
            dependencies: [
                "TearoffServer", "TearoffDelivery", "TearoffCore",
                .product(name: "Logging", package: "swift-log"),
            ], swiftSettings: strict),
        .executableTarget(
            name: "tearoffd",
            dependencies: ["TearoffSettings", "TearoffServer", .product(name: "Logging", package: "swift-log")],
            swiftSettings: strict),
        .executableTarget(
            name: "tearoffctl",
            dependencies: [
                "TearoffClient", "TearoffCore", "TearoffLog", "TearoffStorage", "TearoffEngine", "TearoffOffline",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "tools/tearoffctl", swiftSettings: strict),
        .executableTarget(
            name: "tearoff-sim",
            dependencies: [
                "TearoffSimulation", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "tools/tearoff-sim", swiftSettings: strict),
        .executableTarget(
            name: "tearoff-echo",
            dependencies: [
                "TearoffLog", "TearoffStorage",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/tearoff-echo", swiftSettings: strict),
        .target(name: "CEpoll", path: "Benchmarks/CEpoll"),
        .target(
            name: "TearoffLoad",
            dependencies: [.product(name: "Histogram", package: "hdrhistogram-swift")],
            path: "Benchmarks/TearoffLoad", swiftSettings: strict),
        .executableTarget(
            name: "tearoff-bench",
            dependencies: [
                "TearoffLoad", "CEpoll", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks/tearoff-bench", swiftSettings: strict),
        .target(name: "CCallgrind", path: "Benchmarks/CCallgrind"),
        .executableTarget(
            name: "Microbenchmarks",
            dependencies: [
                "TearoffCore", "TearoffProtocol", "TearoffLog", "TearoffEngine", "TearoffSimulation",
                "CCallgrind",
                .product(
                    name: "Benchmark", package: "benchmark", condition: .when(traits: ["Microbenchmarks"])),
            ],
            path: "Benchmarks/Microbenchmarks", swiftSettings: strict),

        // What libFuzzer calls (./tools/fuzz), and what replays its corpus. The driver has a main function of its own
        // where there is no libFuzzer.
        .target(
            name: "TearoffFuzzing",
            dependencies: ["TearoffCore", "TearoffProtocol", "TearoffLog", "TearoffSettings", "TearoffServer"],
            path: "Tests/Fuzzing/Targets", swiftSettings: strict),
        .executableTarget(
            name: "tearoff-fuzz", dependencies: ["TearoffFuzzing", "TearoffCore", "TearoffLog"],
            path: "Tests/Fuzzing/Driver", swiftSettings: strict),
        .testTarget(name: "TearoffFuzzTests", dependencies: ["TearoffFuzzing"], swiftSettings: tests),

        .testTarget(name: "TearoffCoreTests", dependencies: ["TearoffCore"], swiftSettings: tests),
        .testTarget(
            name: "TearoffClientTests",
            dependencies: [
                "TearoffClient", "TearoffProtocol", "tearoffctl",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ], swiftSettings: tests),
        .testTarget(
            name: "TearoffLogTests", dependencies: ["TearoffLog", "TearoffCore", "TearoffSimulation"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffStorageTests", dependencies: ["TearoffStorage", "TearoffLog", "TearoffSimulation"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffEngineTests",
            dependencies: ["TearoffEngine", "TearoffLog", "TearoffCore", "TearoffSimulation"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffAccountsTests", dependencies: ["TearoffAccounts", "TearoffCore"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffDeliveryTests",
            dependencies: ["TearoffDelivery", "TearoffEngine", "TearoffLog", "TearoffCore"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffGoldenTests",
            dependencies: [
                "TearoffOffline", "TearoffEngine", "TearoffStorage", "TearoffLog", "TearoffCore",
                "TearoffSimulation",
            ],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffBenchTests",
            dependencies: ["TearoffLoad", .product(name: "Histogram", package: "hdrhistogram-swift")],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffServerTests", dependencies: ["TearoffServer", "TearoffCore", "TearoffProtocol"],
            swiftSettings: tests),
        .testTarget(
            name: "TearoffProtocolTests", dependencies: ["TearoffProtocol", "TearoffFuzzing"],
            swiftSettings: tests),
    ]
)
