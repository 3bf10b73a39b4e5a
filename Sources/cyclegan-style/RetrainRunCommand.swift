import ArgumentParser
import BackgroundProcess
import CycleGAN
import Foundation
import LinuxFiles
import Retraining
import ServiceControl
import Synchronization
import Tensors

/// What the service starts as its child: a run from its plan to the gate's decision. Not shown in the help; by hand it
/// goes on with a run as well as the service does.
struct RetrainRunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrain-run", abstract: "Do what is left to do of a planned run.",
        discussion: """
            Exit status: 0 when the gate has decided (decision.json), 75 when it was asked to stop and is to be \
            gone on with, 1 when it cannot be done.
            """,
        shouldDisplay: false)

    /// EX_TEMPFAIL of sysexits.h.
    static let stopped = ExitCode(75)

    @Argument(help: ArgumentHelp("The run's directory, with its plan.json.", valueName: "dir")) var directory: String
    @Option(name: .long, help: ArgumentHelp("Work in this process' background, and end with it.", valueName: "pid"))
    var parent: Int32?
    @Option(name: .long, help: ArgumentHelp("Memory of its own, at most.", valueName: "bytes")) var memoryLimit: Int?
    @Option(name: .long, help: ArgumentHelp("Threads that compute.", valueName: "n")) var threads: Int?
    @Option(name: .long, help: ArgumentHelp("The service's control socket.", valueName: "path")) var socket: String?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads goes from 1 to 1024.") }
        if let memoryLimit, memoryLimit < 64 << 20 { throw ValidationError("--memory-limit must be 64 MiB at least.") }
        if memoryLimit != nil, parent == nil { throw ValidationError("--memory-limit goes with --parent.") }
    }

    func run() throws {
        do {
            if let parent {
                let refused = try BackgroundRole.assume(parent: parent, memoryLimit: memoryLimit)
                for line in refused { standardError("goes on without: \(line)") }
            }
            // After the role: threads have what the one that starts them has.
            let context = ComputeContext.with(threads: threads)
            let stop = StopRequest()
            let told = socket.map { TrainingReporter(candidates: [BytePath($0)], interval: .seconds(1)) }
            let reporter = told ?? TrainingReporter()
            let retraining = try RetrainingRun(BytePath(directory), in: context) { standardError($0) }
            let outcome = try retraining.proceed { step in
                switch step {
                case .training(let progress): reporter.tell(TrainingReport(progress, run: directory))
                case .gate(let done, let total):
                    reporter.tell(TrainingReport(run: BytePath(directory), examined: done, of: total))
                }
                return !stop.isMade
            }
            guard case .decided(let figures) = outcome else { throw Self.stopped }
            print("\(figures.decision.rawValue): \(figures.reasons.joined(separator: "; "))")
        } catch let code as ExitCode {
            throw code
        } catch {
            standardError("cyclegan-style: \(errorText(error))")
            throw ExitCode.failure
        }
    }
}

/// SIGTERM and SIGINT; the iteration is finished and a checkpoint written.
private struct StopRequest {
    private static let flag = Atomic(false)

    var isMade: Bool { Self.flag.load(ordering: .relaxed) }

    init() {
        // It is there before a signal looks for it.
        Self.flag.store(false, ordering: .relaxed)
        for number in [SIGTERM, SIGINT] { signal(number) { _ in StopRequest.flag.store(true, ordering: .relaxed) } }
    }
}
