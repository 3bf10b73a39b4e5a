import ArgumentParser
import Foundation
import Networks
import Photos
import StyleService
import Stylizing
import Tensors
import Weights

extension RenderSize: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

extension OutputFormat: ExpressibleByArgument {}

struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate", abstract: "Translate photos, one after the other, without the service.",
        discussion: """
            With -o FILE the picture of one photo is written there, in place of what is there. With -o DIR each picture gets the \
            photo's name and the style's, beach.vangogh.jpg; a name that is taken gets a number, nothing is replaced.
            """)

    @Option(name: .long, help: ArgumentHelp("A model's name, or its file.", valueName: "name|file"))
    var style = "vangogh"

    @Option(name: .long, help: ArgumentHelp(
        "The size that the network works at: original, or fit:PX for at most PX pixels on the long side. The picture has the photo's size.",
        valueName: "original|fit:px"))
    var render = RenderSize.fit(1600)

    @Option(name: .long, help: "How much of the picture: 1 all, 0 none, between them a blend with the photo.")
    var strength = 1.0

    @Option(name: .long, help: "same, jpeg or png.")
    var format = OutputFormat.same

    @Option(name: .long, help: "JPEG quality, 1 to 100.")
    var quality = 92

    @Option(name: .long, help: "Threads to use (default: as many processors as we may use).")
    var threads: Int?

    @Option(name: .long, help: ArgumentHelp(
        "Memory that a translation may take, as 2G or 800M (default: half of what there is). A photo too large for it is rendered smaller.",
        valueName: "size"))
    var memory: String?

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("Where the pictures go.", valueName: "file|dir"))
    var output: String

    @Argument(help: ArgumentHelp("JPEG or PNG photos.", valueName: "photo"))
    var photos: [String]

    func validate() throws {
        if photos.isEmpty { throw ValidationError("Name at least one photo.") }
        if !(0...1).contains(strength) { throw ValidationError("--strength is from 0 to 1.") }
        if !(1...100).contains(quality) { throw ValidationError("--quality is from 1 to 100.") }
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is from 1 to 1024.") }
        if let memory, MemoryBudget.bytes(memory) == nil { throw ValidationError("--memory is a size such as 2G or 800M.") }
        if photos.count > 1, !isDirectory(output) {
            throw ValidationError("With several photos -o must name a directory that exists; \(output) does not.")
        }
    }

    func run() throws {
        if let threads { ThreadPool.shared = ThreadPool(threads: threads) }
        let models = ModelStore(state: try? Configuration.load(nil).state, base: BytePath(FileManager.default.currentDirectoryPath))
        let translator = NetworkTranslator(
            models: models, memoryBudget: memory.flatMap(MemoryBudget.bytes) ?? MemoryBudget.automatic)
        let stylizer: Stylizer
        do { stylizer = try translator.stylizer(for: try models.identity(for: style)) } catch let error as ModelError {
            standardError("cyclegan-style: \(error)")
            throw ExitCode.failure
        }
        let bar = ProgressBar()
        var failures = 0
        for (i, name) in photos.enumerated() {
            let label = photos.count == 1 ? name : "\(i + 1)/\(photos.count) \(name)"
            do {
                let (path, warnings) = try translate(name, stylizer) { bar.show(label, $0) }
                bar.clear()
                for warning in warnings { standardError("\(name): \(warning)") }
                print("\(name) -> \(path)")
            } catch {
                bar.clear()
                standardError("\(name): \(error)")
                failures += 1
            }
        }
        if failures > 0 { throw ExitCode.failure }
    }

    /// Where the picture is, and what a person should know about it.
    private func translate(
        _ name: String, _ stylizer: Stylizer, progress: @escaping @Sendable (Double) -> Void
    ) throws -> (path: BytePath, warnings: [String]) {
        let photo = try PhotoDecoder.decode(contentsOf: name, limits: DecodingLimits())
        let picture = try stylizer.stylize(photo, strength: strength, render: render) { part in
            progress(part)
            return true
        }
        let written: PhotoFormat =
            switch format {
            case .same: photo.format
            case .jpeg: .jpeg
            case .png: .png
            }
        let bytes = try PhotoEncoder.encode(picture, options: EncodingOptions(format: written, quality: quality))
        let target = absolute(output)
        if isDirectory(output) {
            let label = BytePath(style).lastComponent.description.replacingOccurrences(of: ".\(ModelStore.fileExtension)", with: "")
            let outputName = OutputName(
                photo: BytePath(name).lastComponent.bytes, key: label, extensions: written.fileExtensions,
                photoExtensions: PhotoFormat.allCases.flatMap(\.fileExtensions))
            return (try TemporaryFile.write(bytes, in: target).publish(as: outputName), picture.warnings)
        }
        let file = try TemporaryFile.write(bytes, in: target.parent)
        do { try file.replace(target) } catch {
            file.discard()
            throw error
        }
        return (target, picture.warnings)
    }

    private func absolute(_ path: String) -> BytePath {
        let path = BytePath(path)
        return path.isAbsolute ? path : BytePath(FileManager.default.currentDirectoryPath).appending(path)
    }

    private func isDirectory(_ path: String) -> Bool {
        var directory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &directory) && directory.boolValue
    }
}

func standardError(_ line: String) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
