import ArgumentParser
import Foundation
import StyleService
import Weights

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Show, import and export models.",
        subcommands: [ModelsList.self, ModelsInfo.self, ModelsImport.self, ModelsExport.self])

    static func store() -> ModelStore {
        ModelStore(state: try? Configuration.load(nil).state, base: BytePath(FileManager.default.currentDirectoryPath))
    }
}

/// Prints one line for an error of ours and exits 1.
func reporting(_ body: () throws -> Void) throws {
    do { try body() } catch let exit as ExitCode { throw exit } catch {
        standardError("cyclegan-style: \(error)")
        throw ExitCode.failure
    }
}

private func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

struct ModelsList: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "The models that a style can name.")

    @Flag(name: .long, help: "Print JSON.") var json = false

    private struct Entry: Encodable { var name, path: String }

    func run() throws {
        let models = ModelsCommand.store().available().map { Entry(name: $0.name, path: $0.path.description) }
        if json { return try printJSON(models) }
        for model in models { print("\(model.name)\t\(model.path)") }
    }
}

struct ModelsInfo: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "info", abstract: "What a model is and how it was trained.")

    @Flag(name: .long, help: "Print JSON.") var json = false
    @Argument(help: ArgumentHelp("A model's name, or its file.", valueName: "name|file")) var model: String

    func run() throws {
        try reporting {
            let path = try ModelsCommand.store().file(for: model)
            let file = try Safetensors.read(path.description)
            let description = try GeneratorDescription(file)
            try description.validate(file)
            var facts = file.metadata
            facts["path"] = path.description
            facts["parameters"] = String(description.tensorShapes.reduce(0) { $0 + $1.shape.reduce(1, *) })
            if json { return try printJSON(facts) }
            for (key, value) in facts.sorted(by: { $0.key < $1.key }) { print("\(key): \(value)") }
        }
    }
}

struct ModelsImport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Turn a generator of the original PyTorch project into a model.",
        discussion: "Reads .pth files (both containers, nothing in them is ever executed) and safetensors.")

    @Option(name: .long, help: ArgumentHelp("relu (as in the original project) or leaky-relu:SLOPE; the file does not say.", valueName: "activation"))
    var activation = "relu"
    @Option(name: .long, help: "The style, for the file's header.") var style: String?
    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("The model's file, ending in .safetensors.", valueName: "file"))
    var output: String
    @Argument(help: "The file to import.") var file: String

    func validate() throws {
        if GeneratorDescription.Activation(activation) == nil { throw ValidationError("--activation is relu or leaky-relu:SLOPE.") }
    }

    func run() throws {
        try reporting {
            let imported = try GeneratorImport(WeightsFile.read(file), activation: GeneratorDescription.Activation(activation)!)
            var metadata = imported.description.metadata
            metadata["style"] = style
            try Safetensors.write(output, tensors: imported.tensors, metadata: metadata)
            for note in imported.notes { standardError(note) }
            let d = imported.description
            print("\(output): \(d.baseChannels) base channels, \(d.residualBlocks) residual blocks, \(d.upsampling.rawValue) upsampling")
        }
    }
}

struct ModelsExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a model as a .pth file that PyTorch loads with weights_only=True.")

    @Option(name: [.customShort("o"), .customLong("output")], help: ArgumentHelp("The file to write.", valueName: "file")) var output: String
    @Argument(help: ArgumentHelp("A model's name, or its file.", valueName: "name|file")) var model: String

    func run() throws {
        try reporting {
            let file = try Safetensors.read(try ModelsCommand.store().file(for: model).description)
            let description = try GeneratorDescription(file)
            try description.validate(file)
            try GeneratorExport.writePyTorch(
                output, description: description,
                tensors: try description.tensorShapes.map { ($0.key, $0.shape, try file.tensors[$0.key]!.floats()) })
            print(output)
        }
    }
}
