import Digests
import Foundation
import Installation
import LinuxFiles
import Publishing
import Retraining
import ServiceConfiguration
import ServiceControl
import StyleModels

/// Who wants a run, and what for.
struct RunOrder: Sendable, Equatable {
    var style: String
    /// However few images are new.
    var isForced = false
    var mode: TrainingMode?
    var budget: Duration?
    var iterations: Int?
}

/// Makes a run's directory and plan from what there is to learn from.
struct RunPlanner {
    /// Images that each domain must have: with fewer there is nothing to compare with.
    static let least = 10

    let ledger: Ledger
    let models: ModelStore
    let configuration: Configuration

    func counts(_ style: String) throws -> (paintings: DomainCount, photos: DomainCount) {
        (try ledger.domainCount(DomainKey(style, .paintings)), try ledger.domainCount(DomainKey(style, .photos)))
    }

    /// What is missing for a run, with the remedy; nil where nothing is.
    func obstacle(_ style: StyleConfiguration, isForced: Bool) throws -> String? {
        let (paintings, photos) = try counts(style.key)
        var remedies: [String] = []
        if paintings.images < Self.least { remedies.append("put paintings into \(style.paintings)") }
        if photos.images < Self.least {
            remedies.append(
                "put photos into \(style.photos), or name inboxes to learn from (styles.\(style.key).learn-from)")
        }
        if !remedies.isEmpty {
            let there = "\(counted(paintings.images, "painting")) and \(counted(photos.images, "photo"))"
            return "there are \(there), and a run needs \(Self.least) of each: \(remedies.joined(separator: "; "))"
        }
        let new = paintings.new + photos.new, wanted = style.retrain.minNewImages
        guard !isForced, new < wanted else { return nil }
        return "\(new) of the \(wanted) new images that a run waits for (min-new-images) are there"
    }

    /// Makes a run's directory, complete, and notes it in the ledger.
    /// - Returns: the run, and what a person should know of it.
    /// - Throws: `RetrainingError`, `WeightsError`, `SystemError`, `DatabaseError`
    func begin(_ order: RunOrder, _ style: StyleConfiguration) throws -> (run: RunEntry, remarks: [String]) {
        let mode = order.mode ?? style.retrain.mode
        let directory = try RunDirectory.new(style.key, in: configuration.runs)
        try Files.makeDirectory(directory.path)
        do {
            let (plan, parent, sides, remarks) = try plan(order, style, mode, directory)
            // Wrong settings are found before anything else is done.
            _ = try plan.configuration()
            try plan.write(to: directory.path)
            try FailurePoint.reached(.runPlanned)
            let beginning = RunBeginning(
                style: style.key, directory: directory.path, mode: parent == nil ? .retrain : mode, parent: parent,
                sides: sides)
            return (try ledger.begin(beginning), remarks)
        } catch {
            try? directory.remove()
            throw error
        }
    }

    private typealias Sides = [StyleConfiguration.Domain: [SHA256Digest: DomainSplit.Side]]

    private func plan(
        _ order: RunOrder, _ style: StyleConfiguration, _ mode: TrainingMode, _ directory: RunDirectory
    ) throws -> (RetrainingPlan, parent: SHA256Digest?, Sides, remarks: [String]) {
        let (parent, remarks) = try copyParent(style.key, mode, to: directory)
        var plan = RetrainingPlan(
            style: style.key, mode: mode == .finetune && parent != nil ? .finetune : .retrain,
            model: parent.map { _ in text(directory.parent) },
            photoLibrary: text(configuration.library(style.key, .photos)),
            paintingLibrary: text(configuration.library(style.key, .paintings)), vgg16: try vgg16())
        if try Files.statusIfPresent(of: directory.parentState) != nil {
            plan.trainingState = text(directory.parentState)
        }
        var sides: Sides = [:]
        for domain in StyleConfiguration.Domain.allCases {
            let key = DomainKey(style.key, domain)
            sides[domain] = DomainSplit.sides(of: try ledger.domainImages(key), decided: try ledger.domainSides(key))
        }
        func images(_ domain: StyleConfiguration.Domain, _ side: DomainSplit.Side) -> [String] {
            sides[domain]!.filter { $0.value == side }.map(\.key.description).sorted()
        }
        (plan.photos, plan.heldOutPhotos) = (images(.photos, .training), images(.photos, .heldOut))
        (plan.paintings, plan.heldOutPaintings) = (images(.paintings, .training), images(.paintings, .heldOut))
        let budget = order.budget ?? style.retrain.budget
        plan.iterations = order.iterations ?? (order.budget == nil ? style.retrain.iterations : nil)
        plan.minutes = plan.iterations == nil ? budget.seconds / 60 : nil
        plan.seed = UInt64(LedgerTime.now.milliseconds)
        plan.inception = installed("inception.safetensors")
        plan.maxContentLoss = style.retrain.maxContentLoss
        for setting in style.retrain.settings { plan.settings[setting.key] = setting.text }
        return (plan, parent, sides, remarks)
    }

    /// Whatever becomes of the model in use, a run has its own copy.
    private func copyParent(
        _ style: String, _ mode: TrainingMode, to directory: RunDirectory
    ) throws -> (SHA256Digest?, remarks: [String]) {
        guard let file = try? models.file(for: style) else {
            return (nil, ["it has no model yet, and begins from nothing"])
        }
        let bytes = try Files.read(file, followingLinks: true)
        try write(bytes, directory.parent)
        let state = ModelStore.trainingState(beside: file)
        guard mode == .finetune else { return (SHA256.hash(bytes), []) }
        guard (try? Files.isRegularTarget(state)) == true else {
            return (
                SHA256.hash(bytes),
                ["\(state) is not there: the way back and the discriminators begin from nothing, which takes longer"]
            )
        }
        try write(try Files.read(state, followingLinks: true), directory.parentState)
        return (SHA256.hash(bytes), [])
    }

    private func write(_ bytes: [UInt8], _ path: BytePath) throws {
        try AtomicFile.write(path, mode: 0o640) { append in try bytes.withUnsafeBytes { try append($0) } }
    }

    /// VGG16's weights: those that were fetched or imported, else the ones that ship.
    private func vgg16() throws -> String {
        if let path = installed("vgg16.safetensors") ?? ShippedWeights.vgg16.path() { return path }
        throw RetrainingError(
            "VGG16's weights are missing: 'apt install cyclegan-styled-training' brings them, or "
                + "'cyclegan-style weights fetch vgg16'")
    }

    private func installed(_ name: String) -> String? {
        let path = configuration.state.appending("weights").appending(name)
        return (try? Files.isRegularTarget(path)) == true ? text(path) : nil
    }

    private func text(_ path: BytePath) -> String { String(decoding: path.bytes, as: UTF8.self) }
}
