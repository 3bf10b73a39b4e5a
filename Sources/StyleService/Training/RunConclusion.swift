import Digests
import Foundation
import LinuxFiles
import Logging
import ModelLedger
import Publishing
import Retraining
import ServiceConfiguration
import StyleModels

/// What follows from a gate's decision: the candidate is taken in, and put to use where it is better, in one
/// transaction with the end of its run.
struct RunConclusion {
    let ledger: Ledger
    let archive: ModelArchive
    let models: ModelStore
    let logger: Logger
    /// Directories of ended runs that stay for a style.
    static let keptRuns = 10

    struct Result {
        var figures: GateFigures
        var model: SHA256Digest
        var isPromoted: Bool
    }

    /// Can be repeated after a crash at any moment of it.
    /// - Parameter keepModels: files of models that stay.
    /// - Throws: `RetrainingError` where there is no decision; `ModelArchiveError`, `WeightsError`, `SystemError`,
    ///   `DatabaseError`
    func conclude(_ run: RunEntry, keepModels: Int) throws -> Result {
        guard var figures = try GateReport.decision(in: run.directory) else {
            throw RetrainingError("the run ended without a decision")
        }
        if figures.decision == .promote, try models.identity(ofStyle: run.style)?.hash != run.parent {
            figures.decision = .keep
            figures.reasons.append(
                "another model was put to use while this one was trained; 'models promote --force' takes this one")
        }
        let candidate = RetrainingRun.model(of: run.directory), state = RetrainingRun.trainingState(of: run.directory)
        let hasState = try Files.statusIfPresent(of: state) != nil
        let isPromoted = figures.decision == .promote, reason = figures.reasons.joined(separator: "; ")
        try FailurePoint.reached(.runDecided)
        let (model, _) = try archive.admit(
            candidate, try facts(run, figures), trainingState: hasState ? state : nil,
            promoting: isPromoted ? "the gate, run \(run.directory.lastComponent)" : nil
        ) { database, model in
            try FailurePoint.reached(.modelPlaced)
            try Ledger.decided(run, model, reason: reason, database)
        }
        try FailurePoint.reached(.modelRecorded)
        tell(run, figures, model)
        try archive.prune(run.style, keep: keepModels)
        return Result(figures: figures, model: model, isPromoted: isPromoted)
    }

    private struct TrainedOn: Encodable {
        var run: String
        var mode: String
        var photos, paintings, heldOutPhotos, heldOutPaintings: Int
        var minutes: Double?
        var iterations: Int?
        var seed: UInt64
    }

    private func facts(_ run: RunEntry, _ figures: GateFigures) throws -> ModelArchive.Facts {
        let plan = try RetrainingPlan.read(run.directory)
        var facts = ModelArchive.Facts(style: run.style, origin: .trained)
        facts.parent = run.parent
        let data = TrainedOn(
            run: run.directory.lastComponent.description, mode: run.mode.rawValue, photos: plan.photos.count,
            paintings: plan.paintings.count, heldOutPhotos: plan.heldOutPhotos.count,
            heldOutPaintings: plan.heldOutPaintings.count, minutes: plan.minutes, iterations: plan.iterations,
            seed: plan.seed)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        facts.data = String(decoding: try encoder.encode(data), as: UTF8.self)
        facts.figures = String(decoding: try encoder.encode(figures), as: UTF8.self)
        facts.decision = .init(rawValue: figures.decision.rawValue) ?? .unexamined
        facts.reasons = figures.reasons
        return facts
    }

    private func tell(_ run: RunEntry, _ figures: GateFigures, _ model: SHA256Digest) {
        let verdict =
            switch figures.decision {
            case .promote: "is better and makes the pictures from the next photo on"
            case .keep: "is not put to use"
            case .refuse: "is refused"
            }
        var fields: Logger.Metadata = .run(run, .modelExamined, reason: figures.reasons.joined(separator: "; "))
        fields["CYCLEGAN_MODEL_SHA256"] = .stringConvertible(model)
        fields["CYCLEGAN_DECISION"] = .string(figures.decision.rawValue)
        fields["CYCLEGAN_FIGURES"] = .string(figures.lines.joined(separator: "\n"))
        logger.notice(
            """
            style \(run.style): the new model \(model.short) \(verdict): \(figures.reasons.joined(separator: "; ")) \
            (\(RunDirectory(run.directory).report))
            """, metadata: fields)
    }

    // MARK: Directories

    /// Clears the directories of ended runs, and removes the oldest and those that the ledger does not know.
    func sweep(_ configuration: Configuration) throws {
        guard try Files.statusIfPresent(of: configuration.runs) != nil else { return }
        let runs = try ledger.runs(style: nil, limit: 100_000)
        var kept: [String: Int] = [:]
        var known: Set<BytePath> = []
        for run in runs {
            kept[run.style, default: 0] += 1
            let directory = RunDirectory(run.directory)
            if run.state != .running {
                guard kept[run.style]! <= Self.keptRuns else { continue }
                try directory.clear()
            }
            known.insert(run.directory)
        }
        for name in try Files.names(in: configuration.runs) {
            let path = configuration.runs.appending(name)
            if !known.contains(path) { try RunDirectory(path).remove() }
        }
        try FailurePoint.reached(.runCleared)
    }
}

extension ModelStore {
    /// As `identity(for:)`; nil where the style has no model.
    func identity(ofStyle style: String) throws -> ModelIdentity? {
        (try? file(for: style)) == nil ? nil : try identity(for: style)
    }
}

extension Logger.Metadata {
    /// The journal's fields for a run.
    static func run(_ run: RunEntry, _ event: ServiceEvent, reason: String? = nil) -> Logger.Metadata {
        var fields: Logger.Metadata = .event(event, reason: reason)
        fields["CYCLEGAN_STYLE"] = .string(run.style)
        fields["CYCLEGAN_RUN"] = .string(run.directory.description)
        return fields
    }
}
