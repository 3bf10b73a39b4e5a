import ArgumentParser
import Foundation
import Weights
import WeightsFetch

struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights", abstract: "The feature network's weights that the semantic loss needs.",
        subcommands: [WeightsStatus.self, WeightsFetchCommand.self, WeightsImport.self])
}

struct WeightsStatus: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Which weights are there, and where.")

    @Flag(name: .long, help: "Print JSON.") var json = false

    func run() throws {
        let path = FeatureWeightsStore.installed()
        try reporting {
            let layers = try path.map { try Safetensors.read($0).metadata["layers"] ?? "VGG16" }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                print(String(decoding: try encoder.encode(["path": path, "layers": layers]), as: UTF8.self))
            } else if let path, let layers {
                print("vgg16: \(layers), \(path)")
            } else {
                print("vgg16: not there; 'cyclegan-style weights fetch vgg16' downloads it, 'weights import FILE' takes a file")
            }
        }
        if path == nil { throw ExitCode.failure }
    }
}

struct WeightsFetchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Download weights, check them, and keep what training needs.",
        discussion: "An interrupted download is gone on with by the next one.")

    @Option(name: .long, help: ArgumentHelp("Fetch from here instead of from the publisher; the same hash is expected.", valueName: "url")) var url: String?
    @Argument(help: "vgg16") var weights: String

    func validate() throws {
        if weights != RemoteWeights.vgg16.name { throw ValidationError("Only vgg16 can be fetched.") }
        if let url, URL(string: url)?.scheme == nil { throw ValidationError("--url is no URL.") }
    }

    func run() async throws {
        do { try await fetch() } catch let error as WeightsError {
            standardError("cyclegan-style: \(error)")
            throw ExitCode.failure
        }
    }

    private func fetch() async throws {
        let known = RemoteWeights.vgg16
        let remote = RemoteWeights(
            name: known.name, fileName: known.fileName, url: url.flatMap { URL(string: $0) } ?? known.url,
            byteCount: known.byteCount, sha256: known.sha256)
        let folder = FeatureWeightsStore.folder
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw WeightsError(path: folder, "cannot be made: \(error.localizedDescription)")
        }
        let download = folder + "/" + remote.fileName
        let bar = ProgressBar()
        defer { bar.clear() }
        try await WeightsFetcher().fetch(remote, to: download) { done, total in
            bar.show("\(remote.fileName), \(done >> 20) of \(total >> 20) MiB", Double(done) / Double(max(1, total)))
        }
        let (path, layer) = try FeatureWeightsStore.importFile(download, into: folder)
        // Of its half gigabyte only a twentieth is needed.
        try? FileManager.default.removeItem(atPath: download)
        bar.clear()
        print("\(path): VGG16 to \(layer)")
    }
}

struct WeightsImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take weights from a file: torchvision's vgg16 .pth, or safetensors with its keys.")

    @Argument(help: ArgumentHelp("The file.", valueName: "file")) var file: String

    func run() throws {
        try reporting {
            let (path, layer) = try FeatureWeightsStore.importFile(file, into: FeatureWeightsStore.folder)
            if let remark = try FeatureWeightsStore.remarkOnOrigin(file) { standardError(remark) }
            print("\(path): VGG16 to \(layer)")
        }
    }
}
