import Foundation
import Tensors

extension Trainer {
    /// Iterations whose time is not counted where `minutes` are turned into iterations: buffers are made in them.
    private static let warmUp = 2
    private static let measured = 5

    /// Trains to the end of the run, or until `report`, which is told of every iteration, answers false, at one rank or
    /// more. Rank 0 alone writes and locks the directory.
    package func train(_ report: (Progress) -> Bool) throws -> Outcome {
        guard group.rank == 0 else { return try trainOn(report) }
        let lock = try RunLock(directory)
        defer { lock.unlock() }
        log = try LossLog(directory, after: iteration)
        return try trainOn(report)
    }

    private func trainOn(_ report: (Progress) -> Bool) throws -> Outcome {
        let prefetcher = Prefetcher(data, batch: configuration.batch, part: places, first: iteration)
        defer { prefetcher.stop() }
        let clock = ContinuousClock()
        var recent = RecentTimes()
        if let total, iteration >= total {
            notice(
                "\(iteration) iterations are made, \(total) were asked for; --resume --iterations with a larger number "
                    + "goes on"
            )
        }
        while iteration < total ?? .max {
            if configuration.stage(at: iteration) != stage { try enterStage() }
            let start = clock.now
            let (losses, rate) = step(try prefetcher.next())
            let seconds = (clock.now - start).seconds
            recent.add(seconds)
            guard losses.all.allSatisfy(\.value.isFinite) else { throw notFinite() }
            if total == nil, recent.count == Self.warmUp + Self.measured, let minutes = configuration.minutes {
                let own = iteration + max(1, Int(minutes * 60 / recent.mean(last: Self.measured)))
                // Every rank's clock is another one.
                total = Int(group.gathered([Double(own)])[0][0])
                notice("\(minutes) minutes are \(total!) iterations on this machine")
            }
            survive("a row of losses.csv") { try log?.append(iteration, losses, learningRate: rate, seconds: seconds) }
            let goesOn = group.all(report(progress(losses, rate, recent)))
            let isLast = iteration == total
            if !goesOn && !isLast { return .stopped(checkpoint: saveCheckpoint()) }
            if isLast || iteration % configuration.sampleEvery == 0 { writeReports() }
            if isLast || iteration % configuration.checkpointEvery == 0 { _ = saveCheckpoint() }
        }
        return .finished(model: group.rank == 0 ? try writeModel() : directory + "/" + Self.modelName)
    }

    private func notFinite() -> TrainingError {
        let last = (try? Checkpoints(directory).newestFirst().first) ?? nil
        return TrainingError(
            "at iteration \(iteration) the losses are no longer finite; "
                + (last.map { "the last checkpoint, \($0), is kept; " } ?? "")
                + "start again with a smaller learning-rate, or with gradient-clip")
    }

    private func progress(_ losses: StepLosses, _ rate: Double, _ recent: RecentTimes) -> Progress {
        let mean = recent.mean(last: 50)
        return Progress(
            iteration: iteration, total: total, losses: losses, learningRate: rate,
            imagesPerSecond: Double(2 * configuration.batch) / mean,
            remainingSeconds: total.map { Double($0 - iteration) * mean })
    }

    /// A full disk, or another failure to write, is said and survived: training is worth more than a file about it.
    func survive(_ what: String, _ body: () throws -> Void) {
        do { try body() } catch { remark("\(what) was not written: \(error); training goes on") }
    }
}

/// The durations of the last iterations.
private struct RecentTimes {
    private var times: [Double] = []
    private(set) var count = 0

    mutating func add(_ seconds: Double) {
        count += 1
        times.append(seconds)
        if times.count > 64 { times.removeFirst() }
    }

    func mean(last: Int) -> Double {
        let part = times.suffix(last)
        return part.reduce(0, +) / Double(max(1, part.count))
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
