import ArgumentParser
import Foundation
import Weights
import WeightsStore

struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights", abstract: "The feature network's weights that the semantic loss needs.",
        subcommands: [WeightsStatus.self, WeightsFetch.self, WeightsImport.self])
}

/// Prints one line for an error of ours and exits 1.
private func reporting(_ body: () throws -> Void) throws {
    do { try body() } catch let error as any CustomStringConvertible & Error where !(error is ExitCode) {
        standardError("cyclegan-style: \(error)")
        throw ExitCode.failure
    }
}

struct WeightsStatus: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "Which weights are there, and where.")

    @Flag(name: .long, help: "Print JSON.") var json = false

    func run() throws {
        try reporting {
            let path = FeatureWeightsStore.installed()
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
            if path == nil { throw ExitCode.failure }
        }
    }
}

enum RemoteWeights: String, ExpressibleByArgument, CaseIterable {
    case vgg16
}

struct WeightsFetch: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Download weights, check them, and keep what training needs.",
        discussion: "An interrupted download is gone on with by the next one.")

    @Option(name: .long, help: ArgumentHelp("Fetch from here instead of from the publisher; the same hash is expected.", valueName: "url")) var url: String?
    @Argument(help: "vgg16") var weights: RemoteWeights

    func validate() throws {
        if let url, URL(string: url)?.scheme == nil { throw ValidationError("--url is no URL.") }
    }

    func run() throws {
        try reporting {
            var file = RemoteFile.vgg16
            if let url { file.url = URL(string: url)! }
            let folder = FeatureWeightsStore.folder
            do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
                throw WeightsError(path: folder, "cannot be made: \(error.localizedDescription)")
            }
            let download = folder + "/" + file.url.lastPathComponent
            let bar = ProgressBar(), name = file.url.lastPathComponent
            defer { bar.clear() }
            try Download.fetch(file, to: download) { done, total in
                bar.show("\(name), \(done >> 20)\(total.map { " of \($0 >> 20)" } ?? "") MiB", total.map { Double(done) / Double(max(1, $0)) } ?? 0)
            }
            defer { try? FileManager.default.removeItem(atPath: download) }
            let (path, layer) = try FeatureWeightsStore.importFile(download, into: folder)
            bar.clear()
            print("\(path): VGG16 to \(layer)")
        }
    }
}

struct WeightsImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Take weights from a file: torchvision's vgg16 .pth, or safetensors with its keys.")

    @Argument(help: ArgumentHelp("The file.", valueName: "file")) var file: String

    func run() throws {
        try reporting {
            let (path, layer) = try FeatureWeightsStore.importFile(file, into: FeatureWeightsStore.folder)
            print("\(path): VGG16 to \(layer)")
        }
    }
}
