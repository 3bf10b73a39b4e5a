import ArgumentParser
import Foundation
import Networks
import ServiceConfiguration
import ServiceControl
import StyleModels
import Weights

struct ModelsUse: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "use", abstract: "Let an inbox's pictures be made with a model from now on.",
        discussion: """
            Writes the style into a file of its own in the configuration's conf.d, checks the whole configuration, and \
            has a \
            running service read it. A wrong model changes nothing.
            """)

    @Option(name: .long, help: ArgumentHelp("The inbox's key, where there are several.", valueName: "key")) var inbox:
        String?
    @OptionGroup var service: ControlOptions
    @Argument(help: ArgumentHelp("A model's name, or its file.", valueName: "name|file"), completion: .styles)
    var model: String

    func run() throws {
        var change: InboxStyle?
        do { change = try InboxStyle(model: model, inbox: inbox, configuration: service.config) } catch let error
            as ConfigurationError
        {
            standardError("\(error)")
            throw ExitCode(78)
        } catch {
            standardError("cyclegan-style: \(errorText(error))")
            throw ExitCode.failure
        }
        guard let change else { return }
        print("The inbox \(change.inbox) uses \(change.style) (\(change.file)).")
        do {
            try service.perform(ControlRequest(.reload))
        } catch is ExitCode {
            standardError("The service was not told: it uses the model from its next start or reload on.")
        }
    }
}

/// A model chosen for an inbox, written into the configuration.
struct InboxStyle {
    let inbox, style: String
    /// The file that says so now.
    let file: String

    /// - Throws: `ConfigurationError` or `ModelError`; the configuration is then as it was.
    init(model: String, inbox key: String?, configuration path: String?) throws {
        let before = try Configuration.load(path)
        let keys = before.inboxes.map(\.key)
        guard let key = key ?? (keys.count == 1 ? keys[0] : nil) else {
            throw ModelError("there are the inboxes \(keys.joined(separator: ", ")); name one with --inbox")
        }
        guard keys.contains(key) else {
            throw ModelError("there is no inbox '\(key)'; there are: \(keys.joined(separator: ", "))")
        }
        let style = try Self.usable(model, before)
        let folder = URL(fileURLWithPath: path ?? Configuration.defaultPath).deletingLastPathComponent()
            .appendingPathComponent("conf.d")
        do { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) } catch {
            throw ModelError("\(folder.path) cannot be made: \(error.localizedDescription)")
        }
        // A configuration that names no inboxes has one by default; naming it would be a step that nobody asked for.
        let shared = Change(folder.appendingPathComponent("90-models-use.yaml"), "style: \(Self.quoted(style))\n")
        let own = Change(
            folder.appendingPathComponent("90-models-use-\(key).yaml"),
            "inboxes:\n  \(key):\n    style: \(Self.quoted(style))\n")
        for change in keys.count == 1 ? [shared, own] : [own] {
            try change.write()
            do {
                let after = try Configuration.load(path)
                if after.inboxes.map(\.key) == keys,
                    zip(before.inboxes, after.inboxes).allSatisfy({
                        $1.picture.style == ($1.key == key ? style : $0.picture.style)
                    })
                {
                    (self.inbox, self.style, file) = (key, style, change.file.path)
                    return
                }
            } catch {
                change.undo()
                throw error
            }
            change.undo()
        }
        throw ModelError(
            "the style of \(key) is set again by another file in \(folder.path), which is read after "
                + "\(own.file.lastPathComponent); change it there"
        )
    }

    /// The style as the configuration is to say it.
    private static func usable(_ model: String, _ configuration: Configuration) throws -> String {
        let here = FileManager.default.currentDirectoryPath
        let isFile = model.contains("/") || model.hasSuffix(".\(ModelStore.fileExtension)")
        let style = isFile && !model.hasPrefix("/") ? here + "/" + model : model
        let identity = try ModelStore(state: configuration.state, base: configuration.spool).identity(
            for: Styles.checked(style))
        do { _ = try ResNetGenerator(Safetensors.read(identity.path.description)) } catch {
            throw ModelError("the model '\(model)' cannot be used: \(error)")
        }
        return style
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }

    /// A file that can be put back as it was.
    private struct Change {
        let file: URL
        private let text: String
        private let before: Data?

        init(_ file: URL, _ text: String) {
            self.file = file
            self.text = "# Written by 'cyclegan-style models use'.\n" + text
            before = try? Data(contentsOf: file)
        }

        func write() throws {
            do { try Data(text.utf8).write(to: file, options: .atomic) } catch {
                throw ModelError("\(file.path) cannot be written: \(error.localizedDescription)")
            }
        }

        func undo() {
            if let before {
                try? before.write(to: file, options: .atomic)
            } else {
                try? FileManager.default.removeItem(at: file)
            }
        }
    }
}
