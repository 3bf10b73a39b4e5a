import ArgumentParser
import Foundation
import Networks
import Synchronization
import Weights
import WeightsFetch

struct WeightsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "weights",
        abstract:
            "The feature networks' weights: VGG16 for the semantic loss and for content, Inception for FID and KID.",
        subcommands: [WeightsStatus.self, WeightsFetchCommand.self, WeightsImport.self])
}

struct WeightsStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Which weights are there, and where.")

    @Flag(name: .long, help: "Print JSON.") var json = false

    func run() throws {
        let path = FeatureWeightsStore.available(), inception = InceptionWeightsStore.installed()
        try reporting {
            let layers = try path.map { try Safetensors.read($0).metadata["layers"] ?? "VGG16" }
            let dimensions = try inception.map { try Safetensors.read($0).metadata["dimensions"] ?? "2048" }
            func missing(_ name: String) -> String {
                "\(name): not there; 'cyclegan-style weights fetch \(name)' downloads it, 'weights import FILE' takes "
                    + "a file"
            }
            if json {
                let encoder = JSONEncoder()
                encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
                let facts = [
                    "path": path, "layers": layers, "inception": inception, "inception-dimensions": dimensions,
                ]
                print(String(decoding: try encoder.encode(facts), as: UTF8.self))
                return
            }
            if let path, let layers { print("vgg16: \(layers), \(path)") } else { print(missing("vgg16")) }
            if let inception, let dimensions {
                print("inception: up to \(dimensions) dimensions, \(inception)")
            } else {
                print(missing("inception"))
            }
        }
        if path == nil { throw ExitCode.failure }
    }
}

struct WeightsFetchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "fetch", abstract: "Download weights, check them, and keep what training needs.",
        discussion: "An interrupted download is gone on with by the next one.")

    @Option(
        name: .long,
        help: ArgumentHelp(
            "Fetch from here instead of from the publisher; the same hash is expected.", valueName: "url")) var url:
        String?
    @Argument(help: "vgg16 or inception.") var weights: String

    func validate() throws {
        if !RemoteWeights.all.contains(where: { $0.name == weights }) {
            throw ValidationError("Only vgg16 and inception can be fetched.")
        }
        if let url, URL(string: url)?.scheme == nil { throw ValidationError("--url is no URL.") }
    }

    func run() throws {
        // The only command that needs Swift's concurrency, whose threads the service's sandbox does not like: `reload`
        // runs in it.
        let (weights, url, outcome) = (weights, url, Outcome())
        Task.detached {
            do { try await Self.fetch(weights, url) } catch { outcome.failure.withLock { $0 = error } }
            outcome.ended.signal()
        }
        outcome.ended.wait()
        guard let error = outcome.failure.withLock({ $0 }) else { return }
        guard let error = error as? WeightsError else { throw error }
        standardError("cyclegan-style: \(errorText(error))")
        throw ExitCode.failure
    }

    private final class Outcome: Sendable {
        let ended = DispatchSemaphore(value: 0)
        let failure = Mutex<(any Error)?>(nil)
    }

    private static func fetch(_ weights: String, _ url: String?) async throws {
        let known = RemoteWeights.all.first { $0.name == weights }!
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
        let kept = try importWeights(download, into: folder)
        // Of VGG16's half gigabyte only a twentieth is needed, and of the other file all but the classes is in ours
        // now.
        try? FileManager.default.removeItem(atPath: download)
        bar.clear()
        print(kept.line)
    }
}

struct WeightsImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Take weights from a file: torchvision's vgg16 .pth, pytorch-fid's Inception .pth, or safetensors "
            + "with their keys.")

    @Argument(help: ArgumentHelp("The file.", valueName: "file")) var file: String

    func run() throws {
        try reporting {
            let kept = try importWeights(file, into: FeatureWeightsStore.folder)
            if let remark = try FeatureWeightsStore.remarkOnOrigin(file, published: kept.published) {
                standardError(remark)
            }
            print(kept.line)
        }
    }
}

/// Keeps the weights of either network; the file's content says which it is. Throws `WeightsError`.
private func importWeights(_ file: String, into folder: String) throws -> (published: RemoteWeights, line: String) {
    if try InceptionV3Layers.deepestTap(WeightsFile.read(file)) != nil {
        let (path, dimensions) = try InceptionWeightsStore.importFile(file, into: folder)
        return (.inception, "\(path): Inception, up to \(dimensions) dimensions")
    }
    let (path, layer) = try FeatureWeightsStore.importFile(file, into: folder)
    return (.vgg16, "\(path): VGG16 to \(layer)")
}
