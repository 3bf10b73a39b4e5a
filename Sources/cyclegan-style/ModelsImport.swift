import ArgumentParser
import Foundation
import Networks
import StyleModels
import Weights

struct ModelsImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Turn a generator of the original PyTorch project into a model.",
        discussion: """
            Reads .pth files (both containers, nothing in them is ever executed), safetensors, and checkpoints with \
            several \
            networks. With -o NAME the model is put where --style NAME finds it: for root where the service looks, for \
            others \
            below ~/.local/share/cyclegan-style/models.
            """)

    @Option(
        name: .long,
        help: ArgumentHelp(
            "relu or leaky-relu:SLOPE (default: what the file says, or relu, as in the original project).",
            valueName: "activation"))
    var activation: String?
    @Option(
        name: .long, help: ArgumentHelp("Which generator of a file with several, such as netG_A.", valueName: "name"))
    var network: String?
    @Option(name: .long, help: "The style, for the header of the model's file.") var style: String?
    @Flag(name: .long, help: "Replace a model that is there.") var force = false
    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("A name for --style, or a file ending in .safetensors.", valueName: "name|file"),
        completion: .file())
    var output: String
    @Argument(help: "The file to import.", completion: .file()) var file: String

    func validate() throws {
        if let activation, GeneratorDescription.Activation(activation) == nil {
            throw ValidationError("--activation is relu or leaky-relu:SLOPE, with a slope from 0 to 1.")
        }
        do { _ = try ModelTarget(output) } catch let misuse as OutputMisuse {
            throw ValidationError(misuse.description)
        }
    }

    func run() throws {
        try reporting {
            let target = try ModelTarget(output), path = try target.path()
            if !force, target.isName, FileManager.default.fileExists(atPath: path) {
                throw ModelError(
                    "there is a model named '\(output)' already (\(path)); choose another name, or give --force")
            }
            let imported = try GeneratorImport(
                WeightsFile.read(file), activation: activation.flatMap(GeneratorDescription.Activation.init),
                network: network)
            var metadata = imported.metadata
            if let style { metadata["style"] = style }
            try target.makeFolder()
            try Safetensors.write(path, tensors: imported.tensors, metadata: metadata)
            for note in imported.notes { standardError(note) }
            let d = imported.description
            let assumed =
                imported.isDescribed || activation != nil ? "" : " (assumed: the file does not say; --activation does)"
            print(
                "\(path): \(d.baseChannels) base channels, \(d.residualBlocks) residual blocks, "
                    + "\(d.upsampling.rawValue) upsampling, "
                    + "\(d.activation.text)\(assumed)" + (target.isName ? "; use it with --style \(output)" : ""))
        }
    }
}

/// Where an imported model goes: to a name, or into a file.
struct ModelTarget {
    private enum Place { case name(String), file(String) }
    private let place: Place

    /// - Throws: `OutputMisuse` where the text is neither.
    init(_ text: String) throws {
        let suffix = ".\(ModelStore.fileExtension)"
        if text.hasSuffix(suffix), text.count > suffix.count {
            place = .file(text)
            return
        }
        guard !text.contains("/") else {
            throw OutputMisuse("\(text): a model's file ends in \(suffix), since that is what it is.")
        }
        let isPlain =
            text.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } == true && text.count <= 64
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
        let extensionOfOthers = text.split(separator: ".").last.map(String.init).flatMap {
            ForeignModel.extensions.contains($0) ? $0 : nil
        }
        guard isPlain, extensionOfOthers == nil || !text.contains(".") else {
            throw OutputMisuse(
                extensionOfOthers != nil && text.contains(".")
                    ? "\(text): a model's file is safetensors; end it with \(suffix), "
                        + "or give a name without an extension."
                    : "'\(text)' cannot be a model's name: letters, digits, '.', '-' and '_'; "
                        + "or give a file ending in \(suffix)."
            )
        }
        place = .name(text)
    }

    var isName: Bool { if case .name = place { true } else { false } }

    func path() throws -> String {
        switch place {
        case .file(let path): path
        case .name(let name): try Styles.importFolder().appending("\(name).\(ModelStore.fileExtension)").description
        }
    }

    /// The folder of named models; that of a file must be there.
    func makeFolder() throws {
        guard isName else { return }
        let folder = try Styles.importFolder().description
        do { try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true) } catch {
            throw ModelError("\(folder) cannot be made: \(error.localizedDescription)")
        }
    }
}
