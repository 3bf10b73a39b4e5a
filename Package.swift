// swift-tools-version: 6.1
import PackageDescription

// Modules are listed floor by floor: a module imports only modules on lower floors (docs/architecture.md).

/// C is always optimised, also in a debug build: numerical tests would take a hundred times as long.
let optimisedC: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=fast", "-fno-math-errno", "-Wno-psabi"])]

let package = Package(
    name: "cyclegan-styled",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "cyclegan-styled", targets: ["cyclegan-styled"]),
        .executable(name: "cyclegan-style", targets: ["cyclegan-style"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Floor 0: C.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CLittleCMS", pkgConfig: "lcms2", providers: [.apt(["liblcms2-dev"])]),
        .target(name: "CInotify"),
        .target(
            name: "CImageCodecs", cSettings: optimisedC,
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16"), .linkedLibrary("z")]),
        .target(name: "CTensorKernels", cSettings: optimisedC),

        // Floor 1: one resource each.
        .target(name: "Tensors", dependencies: ["CTensorKernels", "COpenBLAS"]),
        .target(name: "Photos", dependencies: ["CImageCodecs", "CLittleCMS"]),
        .target(name: "DirectoryWatching", dependencies: ["CInotify"]),
        .target(
            name: "SystemdKit",
            dependencies: ["CSystemd", .product(name: "Logging", package: "swift-log")]),

        // Floor 2: networks and their files.
        .target(name: "Weights"),
        // Apart from Weights, so that only programs that download link a network library.
        .target(name: "WeightsFetch", dependencies: ["Weights", .product(name: "Crypto", package: "swift-crypto")]),
        .target(name: "Networks", dependencies: ["Tensors", "Weights"]),

        // Floor 3: what the networks are for.
        .target(name: "Stylizing", dependencies: ["Networks", "Photos"]),

        .target(name: "CycleGAN", dependencies: ["Networks", "Tensors", "Weights", "Photos"]),

        // Floor 4: the service.
        .target(
            name: "StyleService",
            dependencies: [
                "Stylizing", "Networks", "Weights", "Photos", "Tensors", "DirectoryWatching", "SystemdKit", "CInotify",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Yams", package: "Yams"),
            ],
            resources: [.copy("models")]),

        // Floor 5: the two programs.
        .executableTarget(
            name: "cyclegan-styled",
            dependencies: [
                "StyleService", "SystemdKit", "Tensors", .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .executableTarget(
            name: "cyclegan-style",
            dependencies: [
                "StyleService", "Stylizing", "CycleGAN", "WeightsFetch", "Networks", "Tensors", "Weights", "Photos",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .testTarget(name: "TensorsTests", dependencies: ["Tensors", "Weights"], resources: [.copy("golden")]),
        .testTarget(name: "PhotosTests", dependencies: ["Photos"], exclude: ["make-golden.py"], resources: [.copy("files")]),
        .testTarget(name: "DirectoryWatchingTests", dependencies: ["DirectoryWatching", "CInotify"]),
        .testTarget(
            name: "SystemdKitTests", dependencies: ["SystemdKit", .product(name: "Logging", package: "swift-log")]),
        .testTarget(name: "WeightsTests", dependencies: ["Weights"], resources: [.copy("files")]),
        .testTarget(name: "WeightsFetchTests", dependencies: ["WeightsFetch", "Weights"]),
        .testTarget(name: "NetworksTests", dependencies: ["Networks", "Tensors", "Weights"], resources: [.copy("golden")]),
        .testTarget(name: "CycleGANTests", dependencies: ["CycleGAN", "Networks", "Tensors", "Weights", "Photos"], resources: [.copy("golden")]),
        .testTarget(name: "StylizingTests", dependencies: ["Stylizing", "Networks", "Photos", "Weights"]),
        // A service with a translator that needs no time and failure points that end it: the crash tests' victim.
        .executableTarget(
            name: "styled-victim",
            dependencies: [
                "StyleService", "Photos", "SystemdKit", .product(name: "Logging", package: "swift-log"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ], path: "Tests/StyledVictim"),
        .testTarget(
            name: "StyleServiceTests",
            dependencies: [
                "StyleService", "styled-victim", "Photos", "Stylizing", "DirectoryWatching",
                .product(name: "Logging", package: "swift-log"), .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "ProgramTests", dependencies: ["cyclegan-styled", "cyclegan-style", "Photos"], exclude: ["private-systemd.sh"]),
    ],
    swiftLanguageModes: [.v6]
)
