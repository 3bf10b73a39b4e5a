import BackgroundProcess
import Foundation
import Glibc
import LinuxFiles
import Logging
import Publishing
import ServiceConfiguration
import StyleModels

/// A run's process, from its start to its end.
///
/// It is stopped (SIGSTOP) while the queue is long, and not asked to wait at its next iteration: an iteration takes
/// seconds on a small machine, and one that only gets what is left over takes minutes, all the while pushing photos out
/// of the caches. The price is its memory, which it keeps.
struct RunWork {
    enum End: Equatable {
        /// The gate has decided.
        case decided
        /// The service stops; the run goes on at the next start.
        case stopping
        case givenUp
        /// It was asked to end by somebody else.
        case interrupted
        case failed(String)
    }

    let training: Training
    let run: RunEntry
    let style: StyleConfiguration

    private var environment: TrainingEnvironment { training.environment }

    /// Runs on the training's thread.
    func proceed() throws -> End {
        if let end = waitForQueue() { return end }
        let process = try start()
        try FailurePoint.reached(.runStarted)
        var looks = 0
        while true {
            let mustEnd = training.state.wait(
                seconds: environment.interval, for: { $0.isStopping || $0.givenUp.contains(run.style) })
            if mustEnd {
                let isStopping = training.state.read(\.isStopping)
                process.stop(within: isStopping ? environment.patience() : 10)
                return isStopping ? .stopping : .givenUp
            }
            if let end = process.end() { return result(end) }
            if looks % 4 == 0 { adaptToQueue(process) }
            looks += 1
        }
    }

    private func result(_ end: BackgroundProcess.End) -> End {
        switch end {
        case .exited(0): .decided
        case .exited(75): .interrupted
        case .exited: .failed("\(end)" + (RunDirectory(run.directory).lastLine.map { ": \($0)" } ?? ""))
        case .killed: .failed("\(end)")
        }
    }

    // MARK: Starting

    private func start() throws -> BackgroundProcess {
        guard let program = environment.program else {
            throw SystemError(ENOENT, "start", BytePath("cyclegan-style (it must be installed beside the service)"))
        }
        let retrain = style.retrain, limit = retrain.memory ?? MemoryBudget.automatic
        var arguments = [
            "retrain-run", String(decoding: run.directory.bytes, as: UTF8.self), "--parent", String(getpid()),
        ]
        // Below that no process of this kind can work at all.
        arguments += ["--memory-limit", String(max(limit, 256 << 20))]
        let threads = retrain.threads ?? training.state.read(\.configuration).threads
        if let threads { arguments += ["--threads", "\(threads)"] }
        if let socket = environment.socket { arguments += ["--socket", String(decoding: socket.bytes, as: UTF8.self)] }
        let process = try BackgroundProcess(
            program: program, arguments: arguments, output: RunDirectory(run.directory).log)
        adopt(process, memoryLimit: limit)
        return process
    }

    /// A control group of its own, where the unit delegates one; elsewhere its scheduling class has to do.
    private func adopt(_ process: BackgroundProcess, memoryLimit: Int) {
        do {
            guard let group = try BackgroundGroup("training", memoryLimit: memoryLimit) else { return }
            for line in group.refused { training.logger.debug("training's control group goes without: \(line)") }
            try group.adopt(process.process)
        } catch { training.logger.debug("training has no control group of its own: \(error)") }
    }

    // MARK: The queue

    /// Does not begin while the queue is long.
    private func waitForQueue() -> End? {
        while environment.queue() > style.retrain.pauseAbove {
            training.state.change { $0.active?.waits = "waits until the queue is shorter" }
            let mustEnd = training.state.wait(seconds: 2, for: { $0.isStopping || $0.givenUp.contains(run.style) })
            if mustEnd { return training.state.read(\.isStopping) ? .stopping : .givenUp }
        }
        training.state.change { $0.active?.waits = nil }
        return nil
    }

    /// It pauses above the limit, and goes on when half of that is left: not at each photo that comes and goes.
    private func adaptToQueue(_ process: BackgroundProcess) {
        let queue = environment.queue(), limit = style.retrain.pauseAbove
        if !process.isPaused, queue > limit, mayPause {
            process.pause(true)
            training.state.change { $0.active?.isPaused = true }
            training.logger.notice(
                "the training of \(run.style) pauses: \(queue) photos wait (pause-above: \(limit))",
                metadata: .run(run, .trainingPaused, reason: "\(queue) photos wait"))
        } else if process.isPaused, queue <= limit / 2 {
            process.pause(false)
            training.state.change { $0.active?.isPaused = false }
            training.logger.notice("the training of \(run.style) goes on", metadata: .run(run, .trainingContinued))
        } else {
            return
        }
        training.changed()
    }

    /// A budget is turned into iterations by the time of the first ones: a pause among them would be taken for
    /// slowness.
    private var mayPause: Bool {
        guard let report = training.reports.report(of: run.directory) else { return false }
        return report.total != nil || report.examined != nil
    }
}
