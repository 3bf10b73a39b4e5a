import ArgumentParser
import CycleGAN
import Foundation
import Glibc
import LinuxFiles
import Networks
import ServiceConfiguration
import StyleModels
import Weights

/// The models that a person can name.
enum Styles {
    static func store() -> ModelStore {
        ModelStore(
            state: try? Configuration.load(nil).state, base: BytePath(FileManager.default.currentDirectoryPath),
            personal: personalFolder)
    }

    /// Names a folder of models, before all others.
    static let environmentVariable = "CYCLEGAN_STYLE_MODELS"

    /// Where people who are not root keep models of their own.
    static var personalFolder: BytePath? {
        let environment = ProcessInfo.processInfo.environment
        if let folder = environment[environmentVariable], !folder.isEmpty { return BytePath(folder) }
        let data =
            environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? NSHomeDirectory() + "/.local/share"
        return geteuid() == 0 ? nil : BytePath(data + "/cyclegan-style/models")
    }

    /// Where a model that is imported to a name goes: for root where the service finds it.
    static func importFolder() throws -> BytePath { try personalFolder ?? Configuration.load(nil).models }

    /// A style whose file, if it names one, is a model: a file that must be imported first is told with the command
    /// that does it.
    /// - Throws: `ModelError`
    static func checked(_ style: String) throws -> String {
        let suffix = style.split(separator: "/").last.flatMap { $0.contains(".") ? $0.split(separator: ".").last : nil }
            .map(String.init)
        let isFileName =
            style.contains("/") || suffix == ModelStore.fileExtension
            || suffix.map(ForeignModel.extensions.contains) == true
        guard isFileName, FileManager.default.fileExists(atPath: style), let foreign = ForeignModel(style) else {
            return style
        }
        throw ModelError(foreign.remedy)
    }

    /// As `checked`, for what a training can go on from.
    static func checkpointOrModel(_ name: String) throws -> String {
        if let file = try? WeightsFile.read(name), file.metadata["format"]?.hasPrefix("cyclegan-") == true {
            return absolute(name)
        }
        return try checked(name)
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}

/// A file of weights that is no model of this program.
struct ForeignModel {
    static let extensions: Set = [
        "pth", "pt", "ckpt", "th", "tar", "bin", "pkl", "pickle", "onnx", "h5", "pb", "tflite", "safetensor",
    ]

    let remedy: String

    /// nil for a model.
    init?(_ path: String) {
        let stem = String(path.split(separator: "/").last?.split(separator: ".").first ?? "mine")
        func imported(_ what: String, _ options: String = "") -> String {
            "\(path) \(what); import it first: cyclegan-style models import \(path)\(options) -o \(stem)  and then "
                + "--style \(stem)"
        }
        guard let file = try? WeightsFile.read(path) else {
            let isOurs = path.hasSuffix(".\(ModelStore.fileExtension)")
            if isOurs || path.hasSuffix("/") { return nil }
            remedy =
                "\(path) is no model of this program (a .\(ModelStore.fileExtension) file); 'models import' takes "
                + "PyTorch's .pth files"
            return
        }
        if (try? Safetensors.read(path)) == nil {
            remedy = imported("is a PyTorch file")
        } else if file.metadata["format"] == GeneratorDescription.trainingFormat {
            remedy = imported("is a checkpoint of a training", " --network G")
        } else if file.metadata["format"]?.hasPrefix("cyclegan-") != true {
            remedy = imported("does not say what network it holds")
        } else {
            return nil
        }
    }
}

extension CompletionKind {
    /// The names of models; files where none fits.
    static var styles: CompletionKind { .custom { _, _, _ in Styles.store().available().map(\.name) } }

    /// Of training.
    static var variants: CompletionKind { .list(Variant.allCases.map(\.rawValue)) }
}
