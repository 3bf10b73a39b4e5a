import ArgumentParser
import Foundation
import LinuxFiles
import Networks
import ServiceConfiguration
import ServiceControl
import StyleModels
import Weights

struct ModelsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "models", abstract: "Show, import, export and choose models.",
        subcommands: [
            ModelsList.self, ModelsInfo.self, ModelsImport.self, ModelsExport.self, ModelsUse.self, ModelsPromote.self,
            ModelsRollback.self, ModelsPin.self, ModelsForget.self, ModelsTrainingState.self,
        ])
}

/// Prints one line for an error of ours and exits 1, or 64 where the options are wrong.
func reporting(_ body: () throws -> Void) throws {
    do { try body() } catch let exit as ExitCode { throw exit } catch let misuse as OutputMisuse {
        throw ValidationError(misuse.description)
    } catch {
        standardError("cyclegan-style: \(errorText(error))")
        throw ExitCode.failure
    }
}

func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
}

struct ModelsList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "The models that a style can name, and those that a running service has had.")

    @OptionGroup var service: ControlOptions

    private struct Entry: Encodable {
        var name, path: String
        /// What the running service knows of it, where it is one of its models.
        var model: ModelReport?
    }

    func run() throws {
        let installed = Styles.store().available().map { Entry(name: $0.name, path: $0.path.description) }
        // The latest first.
        let own = service.models(.init(.list)) ?? []
        if service.json {
            let entries = installed + own.map { Entry(name: $0.style, path: $0.path, model: $0) }
            return try service.printJSON(entries)
        }
        for model in installed { print("\(model.name)\t\(model.path)") }
        for model in own { service.printLine(model.line) }
    }
}

struct ModelsInfo: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "info", abstract: "What a model is and how it was trained.")

    @OptionGroup var service: ControlOptions
    @Argument(
        help: ArgumentHelp(
            "A model's name, its file, or the first digits of the SHA-256 of one of the service's.",
            valueName: "model"),
        completion: .styles)
    var model: String

    func run() throws {
        try reporting {
            let isNumber = model.count >= 4 && model.allSatisfy(\.isHexDigit)
            if isNumber, let report = service.models(.init(.info, model: model))?.first {
                if service.json { return try service.printJSON(report) }
                for (key, value) in report.facts { service.printLine("\(key): \(value)") }
                return
            }
            let path = try Styles.store().file(for: Styles.checked(model))
            let file = try Safetensors.read(path.description)
            let description = try GeneratorDescription(file)
            try description.validate(file)
            var facts = file.metadata
            facts["path"] = path.description
            facts["parameters"] = String(description.tensorShapes.reduce(0) { $0 + $1.shape.reduce(1, *) })
            if service.json { return try printJSON(facts) }
            for (key, value) in facts.sorted(by: { $0.key < $1.key }) { print("\(key): \(value)") }
        }
    }
}
