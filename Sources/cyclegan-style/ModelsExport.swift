import ArgumentParser
import Networks
import StyleModels
import Weights

struct ModelsExport: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model as a .pth file that PyTorch loads with weights_only=True, or as safetensors.",
        discussion:
            "The extension decides. Both carry what the weights alone do not say; 'models import' takes it back.")

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file to write: .pth, .pt or .safetensors.", valueName: "file"), completion: .file())
    var output: String
    @Argument(help: ArgumentHelp("A model's name, or its file.", valueName: "name|file"), completion: .styles)
    var model: String

    private static let pyTorch = [".pth", ".pt"], safetensors = ".\(ModelStore.fileExtension)"

    func validate() throws {
        if !(Self.pyTorch + [Self.safetensors]).contains(where: output.hasSuffix) {
            throw ValidationError("\(output): end the file with .pth or .pt for PyTorch, or with \(Self.safetensors).")
        }
    }

    func run() throws {
        try reporting {
            let file = try Safetensors.read(try Styles.store().file(for: Styles.checked(model)).description)
            let description = try GeneratorDescription(file)
            try description.validate(file)
            let tensors = try description.tensorShapes.map {
                (name: $0.key, shape: $0.shape, values: try file.floats($0.key))
            }
            if output.hasSuffix(Self.safetensors) {
                try Safetensors.write(
                    output, tensors: tensors, metadata: file.metadata.merging(description.metadata) { $1 })
            } else {
                try GeneratorExport.writePyTorch(
                    output, description: description, metadata: file.metadata, tensors: tensors)
            }
            print(output)
        }
    }
}
