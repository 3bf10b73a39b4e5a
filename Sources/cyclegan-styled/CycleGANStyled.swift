import ArgumentParser
import Foundation
import Logging
import StyleService
import SystemdKit
import Tensors

@main
struct CycleGANStyled: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cyclegan-styled",
        abstract: "The service that turns photos dropped into an inbox into pictures in the style of a painter.",
        discussion: """
            It is started by systemd (systemctl start cyclegan-styled) and configured in \(StyleService.Configuration.defaultPath); \
            every key is explained there. Ask it with cyclegan-style status.

            Exit status: 0 after SIGTERM, 1 when it could not work, 64 for a wrong option, 78 for a wrong configuration.
            """)

    @Option(name: .long, help: ArgumentHelp("Read FILE and conf.d/*.yaml beside it.", valueName: "file"))
    var config: String?

    @Flag(name: .long, help: "Check the configuration, the models and the directories, and exit.")
    var checkConfig = false

    @Flag(name: .long, help: "Print the configuration that is in effect, and exit.")
    var printConfig = false

    func run() throws {
        StyleDaemon.openSignalInbox()
        let configuration: StyleService.Configuration
        do { configuration = try StyleService.Configuration.load(config) } catch let error as ConfigurationError {
            throw wrongConfiguration(error)
        }
        if printConfig {
            print(configuration.yaml, terminator: "")
            if !checkConfig { return }
        }
        let models = ModelStore(state: configuration.state, base: configuration.spool)
        do { try configuration.checkModels(models) } catch let error as ConfigurationError { throw wrongConfiguration(error) }
        if checkConfig { return try check(configuration) }
        try serve(configuration, models)
    }

    private func wrongConfiguration(_ error: ConfigurationError) -> ExitCode {
        standardError("\(error)")
        ServiceNotifier().failed(errno: EINVAL, status: "Wrong configuration: \(error.problems.first?.description ?? "")")
        return ExitCode(78)
    }

    private func check(_ configuration: StyleService.Configuration) throws {
        let user = DirectoryProbe.becomeServiceUser()
        let probe = DirectoryProbe(configuration)
        for finding in probe.findings {
            print("\(finding.directory.key): \(finding.directory.path): \(finding.problem ?? "usable")")
        }
        print("Checked as \(user ?? NSUserName())\(user == nil && geteuid() == 0 ? " (there is no user \(DirectoryProbe.serviceUser) yet)" : "").")
        if let dropIn = DirectoryProbe.dropIn(for: configuration) {
            print("\nThe unit needs this drop-in to reach directories outside its own, then systemctl daemon-reload:\n\n\(dropIn)", terminator: "")
        }
        guard probe.findings.allSatisfy({ $0.problem == nil || !$0.directory.isMade }) else { throw ExitCode(78) }
        print("The configuration is good.")
    }

    private func serve(_ configuration: StyleService.Configuration, _ models: ModelStore) throws {
        let levels = JournalLogHandler.Configuration(identifier: "cyclegan-styled", level: configuration.logLevel.level)
        let logger = Logger(label: "cyclegan-styled") { JournalLogHandler(label: $0, configuration: levels) }
        defer { levels.flush() }
        if let threads = configuration.threads { ThreadPool.shared = ThreadPool(threads: threads) }
        do {
            let daemon = try StyleDaemon(
                configuration: configuration, configurationPath: config, models: models,
                translator: NetworkTranslator(models: models, memoryBudget: configuration.memory ?? MemoryBudget.automatic), logger: logger,
                levels: levels)
            try daemon.run()
        } catch is StoppedAtStart {
            logger.notice("stopped")
        } catch {
            logger.critical("\(error)")
            ServiceNotifier().failed(errno: EIO, status: "\(error)")
            throw ExitCode.failure
        }
    }

    private func standardError(_ text: String) {
        FileHandle.standardError.write(Data((text + "\n").utf8))
    }
}
