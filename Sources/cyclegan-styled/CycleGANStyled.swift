import ArgumentParser
import Foundation
import LinuxFiles
import Logging
import Manual
import ServiceConfiguration
import ServiceControl
import StyleModels
import StyleService
import SystemdKit
import Tensors

package struct CycleGANStyled: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "cyclegan-styled",
        abstract: "The service that turns photos dropped into an inbox into pictures in the style of a painter.",
        discussion: """
            It is started by systemd (systemctl start cyclegan-styled) and configured in \
            \(ServiceConfiguration.Configuration.defaultPath); \
            every key is explained there. Ask it with cyclegan-style status.

            \(ServiceConfiguration.Configuration.help)

            Exit status: 0 after SIGTERM, 1 when it could not work, 64 for a wrong option, 78 for a wrong configuration.
            """,
        version: Version.text(of: "cyclegan-styled", kernels: Kernels.chosen.name))

    @Option(name: .long, help: ArgumentHelp("Read FILE and conf.d/*.yaml beside it.", valueName: "file"))
    var config: String?

    @Flag(name: .long, help: "Check the configuration, the models and the directories, and exit.")
    var checkConfig = false

    @Flag(name: .long, help: "Print the configuration that is in effect, or these keys of it, and exit.")
    var printConfig = false

    @Argument(
        help: ArgumentHelp(
            "With --print-config: some keys only, such as settle or limits.max-pixels.", valueName: "keys"),
        completion: .list(ServiceConfiguration.Configuration.keyNames))
    var keys: [String] = []

    package init() {}

    package static func main() {
        InheritedEnvironment.prepare()
        if let wrong = Kernels.wrongChoice { exit(withError: ValidationError(wrong)) }
        switch Array(CommandLine.arguments.dropFirst()) {
        case ["--dump-reference", "options"]: print(optionReference, terminator: "")
        case ["--dump-reference", "keys"]: print(ConfigurationManual.text, terminator: "")
        default: main(nil)
        }
    }

    /// The reference part of the manual page.
    static var optionReference: String {
        (try? ToolDescription(json: _dumpHelp())).map { CommandManual($0).text } ?? ""
    }

    package func validate() throws {
        if !keys.isEmpty, !printConfig {
            throw ValidationError("Unexpected '\(keys[0])': keys are for --print-config.")
        }
    }

    package func run() throws {
        StyleDaemon.openSignalInbox()
        let configuration: ServiceConfiguration.Configuration
        do { configuration = try ServiceConfiguration.Configuration.load(config) } catch let error as ConfigurationError
        {
            throw wrongConfiguration(error)
        }
        if printConfig {
            if keys.isEmpty {
                print(configuration.yaml, terminator: "")
            } else {
                try printKeys(configuration)
            }
            if !checkConfig { return }
        }
        let models = ModelStore(state: configuration.state, base: configuration.spool)
        do { try configuration.checkModels(models) } catch let error as ConfigurationError {
            throw wrongConfiguration(error)
        }
        if checkConfig { return try check(configuration) }
        try serve(configuration, models)
    }

    private func printKeys(_ configuration: ServiceConfiguration.Configuration) throws {
        for key in keys {
            let lines = configuration.lines(for: key)
            if lines.isEmpty {
                writeStandardError(
                    "there is no key '\(key)'\(didYouMean(key, among: ServiceConfiguration.Configuration.keyNames))\n")
                throw ExitCode(64)
            }
            for line in lines { print(line) }
        }
    }

    private func wrongConfiguration(_ error: ConfigurationError) -> ExitCode {
        writeStandardError("\(error)\n")
        ServiceNotifier().failed(
            errno: EINVAL, status: "Wrong configuration: \(error.problems.first?.description ?? "")")
        return ExitCode(78)
    }

    private func check(_ configuration: ServiceConfiguration.Configuration) throws {
        let user = DirectoryProbe.becomeServiceUser()
        let probe = DirectoryProbe(configuration)
        for finding in probe.findings {
            print("\(finding.directory.key): \(finding.directory.path): \(finding.problem ?? "usable")")
        }
        let isRootInstead = user == nil && geteuid() == 0
        print(
            "Checked as \(user ?? NSUserName())"
                + (isRootInstead ? " (there is no user \(DirectoryProbe.serviceUser) yet)." : "."))
        let sharing = SharedSpoolCheck(configuration)
        for line in sharing.notes + sharing.troubles { print(line) }
        let brokenModels = checkModels(configuration)
        if let dropIn = DirectoryProbe.dropIn(for: configuration) {
            print(
                "\nThe unit needs this drop-in to reach directories outside its own, then systemctl "
                    + "daemon-reload:\n\n\(dropIn)",
                terminator: "")
            for path in DirectoryProbe.absentOutside(configuration) {
                print(
                    "\n\(path) is not there yet. The service is shown what is there when it starts: once it is, "
                        + "systemctl restart cyclegan-styled.")
            }
        }
        let troubles = probe.findings.count(where: \.isTrouble)
        guard troubles == 0, brokenModels == 0, sharing.troubles.isEmpty else {
            let what = [
                troubles == 0 ? nil : counted(troubles, "directory", "directories"),
                brokenModels == 0 ? nil : counted(brokenModels, "model"),
            ].compactMap(\.self).joined(separator: " and ")
            let why =
                what.isEmpty ? "the spool cannot be shared" : "\(what) cannot be used"
            print("The service cannot work like this: \(why).")
            throw ExitCode(78)
        }
        let waiting = probe.findings.count { $0.problem != nil && $0.directory.isInbox }
        print(
            "The configuration is good" + (waiting == 0 ? "." : "; \(counted(waiting, "inbox", "inboxes")) waited for.")
        )
    }

    /// Loads every model that is configured.
    /// - Returns: how many cannot be used.
    private func checkModels(_ configuration: ServiceConfiguration.Configuration) -> Int {
        let models = ModelStore(state: configuration.state, base: configuration.spool)
        let translator = NetworkTranslator(models: models, memoryBudget: configuration.memory ?? MemoryBudget.automatic)
        return Set(configuration.inboxes.map(\.picture.style)).sorted().count { style in
            do { _ = try translator.stylizer(for: models.identity(for: style)) } catch {
                if configuration.style(style)?.ships == false, (try? models.file(for: style)) == nil {
                    print("style \(style): it has no model yet; photos wait for its first training")
                    return false
                }
                print("style \(style): \(error)")
                return true
            }
            return false
        }
    }

    private func serve(_ configuration: ServiceConfiguration.Configuration, _ models: ModelStore) throws {
        let levels = JournalLogHandler.Configuration(identifier: "cyclegan-styled", level: configuration.logLevel.level)
        let logger = Logger(label: "cyclegan-styled") { JournalLogHandler(label: $0, configuration: levels) }
        defer { levels.flush() }
        do {
            let daemon = try StyleDaemon(
                configuration: configuration, configurationPath: config, models: models,
                translator: NetworkTranslator(
                    models: models, memoryBudget: configuration.memory ?? MemoryBudget.automatic,
                    in: .with(threads: configuration.threads)), logger: logger, levels: levels)
            try daemon.run()
        } catch is StoppedAtStart {
            logger.notice("stopped")
        } catch {
            logger.critical("\(error)")
            ServiceNotifier().failed(errno: EIO, status: "\(error)")
            throw ExitCode.failure
        }
    }
}
