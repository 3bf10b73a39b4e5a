import Foundation
import LinuxFiles
import ServiceConfiguration
import ServiceControl

/// What the service answers about the training of its styles.
struct RetrainAnswers: Sendable {
    let training: Training

    /// - Throws: `DatabaseError`
    func answer(_ request: RetrainRequest) throws -> ControlReply {
        switch request.action {
        case .status: return try status(request.style)
        case .start: return try start(request)
        case .stop: return stop(request.style)
        }
    }

    private func status(_ style: String?) throws -> ControlReply {
        if let style, let refusal = unknown(style) { return refusal }
        var reply = ControlReply.success()
        reply.styles = try training.styleReports().filter { style == nil || $0.style == style }
        return reply
    }

    private func start(_ request: RetrainRequest) throws -> ControlReply {
        guard let name = request.style else { return .failure("retrain needs a style") }
        if let refusal = unknown(name) { return refusal }
        let configuration = training.state.read(\.configuration), style = configuration.style(name)!
        if let budget = request.budgetSeconds, !(1...5_184_000).contains(budget) {
            return .failure("a budget lies between 1 second and 60 days")
        }
        if let iterations = request.iterations, !(1...100_000_000).contains(iterations) {
            return .failure("iterations are a number from 1 to 100000000")
        }
        let planner = RunPlanner(ledger: training.ledger, models: training.models, configuration: configuration)
        if let obstacle = try planner.obstacle(style, isForced: request.isForced == true) {
            let hint =
                request.isForced == true || !obstacle.contains("min-new-images") ? "" : "; --now does not wait for them"
            return .failure("\(name) is not trained: \(obstacle)\(hint)")
        }
        let order = RunOrder(
            style: name, isForced: request.isForced == true, mode: request.mode,
            budget: request.budgetSeconds.map { .seconds($0) }, iterations: request.iterations)
        return training.state.change { state in
            if state.active?.run.style == name { return .failure("\(name) is being trained already") }
            if state.orders.contains(where: { $0.style == name }) {
                return .failure("\(name) is to be trained already")
            }
            state.orders.append(order)
            state.generation += 1
            let time = state.active.map { "when the training of \($0.run.style) has ended" } ?? "now"
            return .success("\(name) is trained \(time); 'cyclegan-style retrain --status' shows how it gets on.")
        }
    }

    private func stop(_ style: String?) -> ControlReply {
        if let style, let refusal = unknown(style) { return refusal }
        let stopped = training.state.change { state -> [String] in
            var names = state.orders.map(\.style).filter { style == nil || $0 == style }
            state.orders.removeAll { style == nil || $0.style == style }
            if let active = state.active?.run.style, style == nil || style == active {
                state.givenUp.insert(active)
                names.append(active)
            }
            return names
        }
        if stopped.isEmpty { return .failure(style.map { "\($0) is not being trained" } ?? "nothing is being trained") }
        return .success(
            "The training of \(stopped.joined(separator: ", ")) is given up; its images count as new again.")
    }

    private func unknown(_ style: String) -> ControlReply? {
        let names = training.state.read(\.configuration).styles.map(\.key)
        if names.contains(style) { return nil }
        return .failure(
            "the configuration has no style '\(style)' to train\(didYouMean(style, among: names)); its styles are "
                + names.joined(separator: ", "))
    }
}
