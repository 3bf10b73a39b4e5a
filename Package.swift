// swift-tools-version: 6.1
import PackageDescription

// Modules are listed floor by floor: a module imports only modules on lower floors (docs/architecture.md).

/// C is always optimised, also in a debug build: numerical tests would take a hundred times as long.
let optimisedC: [CSetting] = [.unsafeFlags(["-O3", "-ffp-contract=fast", "-fno-math-errno", "-Wno-psabi"])]

/// What --version says of the sources: make passes it on, from git.
let revision = Context.environment["CYCLEGAN_STYLED_REVISION"].flatMap { $0.isEmpty ? nil : $0 }

/// A static build's choice of Foundation's ICU data: a file, and the symbol that stands for it.
let icuData = Context.environment["CYCLEGAN_STYLED_ICU_DATA"].flatMap { text -> (file: String, symbol: String)? in
    let parts = text.split(separator: ":").map(String.init)
    return parts.count == 2 ? (parts[0], parts[1]) : nil
}

let package = Package(
    name: "cyclegan-styled",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "cyclegan-styled", targets: ["styled-program"]),
        .executable(name: "cyclegan-style", targets: ["style-program"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // Floor 0: C.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CSystemd", pkgConfig: "libsystemd", providers: [.apt(["libsystemd-dev"])]),
        .systemLibrary(name: "CLittleCMS", pkgConfig: "lcms2", providers: [.apt(["liblcms2-dev"])]),
        .systemLibrary(name: "CCrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .target(name: "CInotify"),
        .systemLibrary(name: "CExpat", pkgConfig: "expat", providers: [.apt(["libexpat1-dev"])]),
        // Where one of these is missing the program is built without it: the sources look for the header, and
        // pkg-config says what is linked.
        .systemLibrary(name: "CHeif", pkgConfig: "libheif", providers: [.apt(["libheif-dev"])]),
        .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
        .systemLibrary(name: "CTIFF", pkgConfig: "libtiff-4", providers: [.apt(["libtiff-dev"])]),
        // Open MPI is loaded at run time, and only under mpirun: its header alone is looked for.
        .target(name: "CMPI", linkerSettings: [.linkedLibrary("dl")]),
        .target(name: "CLinux"),
        .target(name: "CRevision", cSettings: revision.map { [.define("REVISION", to: "\"\($0)\"")] } ?? []),
        // Linked by the program that is installed: what it leaves of Foundation's ICU data (etc/static).
        .target(
            name: "CLocaleData",
            cSettings: icuData.map {
                [.define("ICU_DATA", to: "\"\($0.file)\""), .define("ICU_SYMBOL", to: "\"\($0.symbol)\"")]
            } ?? []),
        .target(
            name: "CImageCodecs", dependencies: ["CHeif", "CWebP", "CTIFF"], cSettings: optimisedC,
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16"), .linkedLibrary("z")]),
        .target(name: "CTensorKernels", cSettings: optimisedC),

        // Floor 1: the ground that all share.
        .target(name: "LinuxFiles", dependencies: ["CLinux"]),
        .target(name: "CalendarEvents"),
        .target(name: "Digests", dependencies: ["CCrypto"]),
        .target(name: "Ranks"),

        // Floor 2: one resource each.
        .target(name: "Threads", dependencies: ["LinuxFiles", "CLinux"]),
        .target(name: "Tensors", dependencies: ["LinuxFiles", "CTensorKernels", "COpenBLAS"]),
        .target(name: "Leases", dependencies: ["LinuxFiles"]),
        .target(name: "BackgroundProcess", dependencies: ["LinuxFiles", "CLinux"]),
        .target(name: "Photos", dependencies: ["LinuxFiles", "CImageCodecs", "CLittleCMS", "CExpat"]),

        .target(name: "Weights", dependencies: ["LinuxFiles"]),

        // Floor 3: what needs those: watching, speaking to systemd, networks and their files.
        .target(name: "DirectoryWatching", dependencies: ["Threads", "LinuxFiles", "CLinux", "CInotify"]),
        .target(
            name: "SystemdKit",
            dependencies: ["Threads", "LinuxFiles", "CSystemd", .product(name: "Logging", package: "swift-log")]),
        .target(name: "MPIRanks", dependencies: ["Ranks", "Threads", "LinuxFiles", "Digests", "CMPI"]),
        .target(name: "Networks", dependencies: ["Tensors", "Weights"]),

        // Floor 4: what the networks are for, and where a program's files were put.
        .target(name: "Installation", resources: [.copy("shipped")]),
        .target(name: "Stylizing", dependencies: ["Networks", "Tensors", "Photos"]),

        .target(
            name: "CycleGAN",
            dependencies: ["Networks", "Tensors", "Weights", "Photos", "LinuxFiles", "Digests", "Ranks"]),

        // Floors 5 and 6: what models are worth, the paper's comparison, and what the service trains with. WeightsFetch
        // is apart from the others, so that only programs that download link a network library.
        .target(
            name: "Evaluation",
            dependencies: ["Stylizing", "Networks", "Tensors", "Weights", "Photos", "Digests", "COpenBLAS"]),
        .target(
            name: "WeightsFetch", dependencies: ["Installation", "Networks", "Weights", "Digests", "LinuxFiles"]),
        .target(
            name: "ModelLedger",
            dependencies: [
                "Networks", "Weights", "Digests", "LinuxFiles", .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .target(
            name: "Retraining",
            dependencies: [
                "CycleGAN", "Evaluation", "Stylizing", "Networks", "Tensors", "Weights", "Photos", "Digests",
                "LinuxFiles",
            ]),
        .target(
            name: "Ablation", dependencies: ["CycleGAN", "Evaluation", "Networks", "Tensors", "Weights", "Photos"]),

        // Floors 5 to 7: the service.
        .target(
            name: "ServiceConfiguration",
            dependencies: [
                "CalendarEvents", "CycleGAN", "LinuxFiles", "Photos", "Stylizing", "CRevision",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(name: "Publishing", dependencies: ["Photos", "Digests", "LinuxFiles"]),
        .target(
            name: "StyleModels",
            dependencies: [
                "ServiceConfiguration", "Stylizing", "Networks", "Tensors", "Weights", "Photos", "Digests",
                "LinuxFiles",
            ],
            resources: [.copy("models")]),
        // The reference parts of the manual pages, from the tables of keys and options.
        .target(name: "Manual", dependencies: ["ServiceConfiguration"]),
        .target(name: "ServiceControl", dependencies: ["ServiceConfiguration", "Threads", "Digests", "LinuxFiles"]),
        .target(
            name: "StyleService",
            dependencies: [
                "ServiceConfiguration", "StyleModels", "ServiceControl", "Publishing", "Stylizing", "Photos",
                "DirectoryWatching", "Leases",
                "SystemdKit", "Threads", "Digests", "LinuxFiles", "CLinux", "ModelLedger", "Retraining",
                "CalendarEvents",
                "BackgroundProcess", "Installation",
                .product(name: "Logging", package: "swift-log"), .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // Floor 8: the arguments and the wiring of the two programs.
        .target(
            name: "cyclegan-styled",
            dependencies: [
                "StyleService", "ServiceConfiguration", "Manual", "StyleModels", "ServiceControl", "SystemdKit",
                "Tensors", "LinuxFiles",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(
            name: "cyclegan-style",
            dependencies: [
                "ServiceConfiguration", "Manual", "StyleModels", "ServiceControl", "Publishing", "Stylizing",
                "CycleGAN", "Evaluation",
                "Ablation", "Retraining", "BackgroundProcess", "WeightsFetch", "Networks", "Tensors", "Weights",
                "Photos", "Digests", "LinuxFiles", "Ranks", "MPIRanks",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Floor 9: the programs. The service's is both, by the name that it is called by: that one is installed.
        .executableTarget(name: "style-program", dependencies: ["cyclegan-style"]),
        .executableTarget(
            name: "styled-program",
            dependencies: ["cyclegan-style", "cyclegan-styled", "ServiceConfiguration", "CLocaleData"]),

        .testTarget(
            name: "TensorsTests", dependencies: ["CTensorKernels", "Tensors", "Weights"], resources: [.copy("golden")]),
        .testTarget(name: "CalendarEventsTests", dependencies: ["CalendarEvents"]),
        .testTarget(name: "LinuxFilesTests", dependencies: ["LinuxFiles"]),
        .testTarget(name: "LeasesTests", dependencies: ["Leases", "LinuxFiles"]),
        .testTarget(name: "ThreadsTests", dependencies: ["Threads"]),
        .testTarget(name: "RanksTests", dependencies: ["Ranks"]),
        // Takes the background role, and does what a training may do at its worst.
        .executableTarget(
            name: "background-victim", dependencies: ["BackgroundProcess"], path: "Tests/BackgroundVictim"),
        .testTarget(
            name: "BackgroundProcessTests", dependencies: ["BackgroundProcess", "background-victim", "LinuxFiles"]),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"]),
        .testTarget(
            name: "PhotosTests", dependencies: ["Photos", "LinuxFiles"],
            exclude: ["make-golden.py", "make-golden-formats.py", "heif_writer.py"],
            resources: [.copy("files")]),
        .testTarget(
            name: "DirectoryWatchingTests",
            dependencies: ["DirectoryWatching", "LinuxFiles", "CLinux", "CInotify", "Photos"]),
        .testTarget(
            name: "SystemdKitTests", dependencies: ["SystemdKit", .product(name: "Logging", package: "swift-log")]),
        .testTarget(name: "WeightsTests", dependencies: ["Networks", "Weights"], resources: [.copy("files")]),
        .testTarget(
            name: "WeightsFetchTests",
            dependencies: ["WeightsFetch", "Installation", "Networks", "Weights", "Digests"]),
        .testTarget(
            name: "NetworksTests", dependencies: ["Installation", "Networks", "Tensors", "Weights"],
            resources: [.copy("golden")]),
        .testTarget(
            name: "CycleGANTests", dependencies: ["CycleGAN", "Networks", "Tensors", "Weights", "Photos", "Ranks"],
            resources: [.copy("golden")]),
        .testTarget(
            name: "EvaluationTests",
            dependencies: [
                "Evaluation", "Networks", "Tensors", "Weights", "Photos", "Stylizing", "CycleGAN", "Digests",
            ],
            resources: [.copy("golden")]),
        .testTarget(name: "AblationTests", dependencies: ["Ablation", "CycleGAN", "Evaluation", "Photos", "Weights"]),
        .testTarget(
            name: "ModelLedgerTests",
            dependencies: [
                "ModelLedger", "Networks", "Weights", "Digests", "LinuxFiles",
                .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "RetrainingTests",
            dependencies: [
                "Retraining", "CycleGAN", "Evaluation", "Networks", "Tensors", "Weights", "Photos", "Digests",
                "LinuxFiles",
            ]),
        .testTarget(name: "StylizingTests", dependencies: ["Stylizing", "Networks", "Photos", "Weights"]),
        // A service with a translator that needs no time and failure points that end it: the crash tests' victim.
        .executableTarget(
            name: "styled-victim",
            dependencies: [
                "StyleService", "ServiceConfiguration", "StyleModels", "ServiceControl", "Publishing", "Photos",
                "SystemdKit", "Digests",
                "LinuxFiles",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "GRDB", package: "GRDB.swift"),
            ], path: "Tests/StyledVictim"),
        .testTarget(
            name: "StyleServiceTests",
            dependencies: [
                "StyleService", "ServiceConfiguration", "StyleModels", "ServiceControl", "Publishing", "styled-victim",
                "Photos", "Stylizing", "Leases",
                "DirectoryWatching", "Threads", "Digests", "LinuxFiles", "ModelLedger", "Networks", "Weights",
                "Retraining",
                "Evaluation",
                "CalendarEvents",
                .product(name: "Logging", package: "swift-log"), .product(name: "GRDB", package: "GRDB.swift"),
            ]),
        .testTarget(
            name: "ProgramTests",
            dependencies: [
                "cyclegan-styled", "cyclegan-style", "Manual", "Retraining", "CycleGAN", "ServiceConfiguration",
                "Photos", "LinuxFiles",
                "StyleService", "Networks", "Weights", "Digests",
            ],
            exclude: ["private-systemd.sh", "slurm-node.sh"]),
    ],
    swiftLanguageModes: [.v6]
)
