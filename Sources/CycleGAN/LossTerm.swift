import Ranks

/// The losses of a step, a row each: what it is called in `losses.csv`, the chart that it is drawn in, and its weight
/// in what the generators minimise. A loss is added here and at the place in `CycleGANModel` that computes it.
package enum LossTerm: String, Sendable, CaseIterable {
    case adversarialG = "adversarial.G", adversarialF = "adversarial.F"
    case cycleX = "cycle.x", cycleY = "cycle.y"
    case identityX = "identity.x", identityY = "identity.y"
    case semanticX = "semantic.x", semanticY = "semantic.y"
    case style, colour, spot, spike, lattice
    case content
    case adversarialV = "adversarial.V"
    /// The weighed sum of those before: what is minimised.
    case generators
    case discriminatorX = "discriminator.x", discriminatorY = "discriminator.y", discriminatorV = "discriminator.v"

    /// As in tables.
    package var name: String { rawValue }

    /// The title of the chart that it is drawn in.
    var chart: String {
        switch self {
        case .generators: "generators"
        case .discriminatorX, .discriminatorY, .discriminatorV: "discriminators"
        case .adversarialG, .adversarialF, .adversarialV: "adversarial"
        case .cycleX, .cycleY: "cycle"
        case .identityX, .identityY: "identity"
        case .semanticX, .semanticY: "semantic"
        case .style: "style"
        case .colour: "colour"
        case .spot: "spot"
        case .spike: "spike"
        case .lattice: "lattice"
        case .content: "content"
        }
    }

    /// In what the generators minimise; 0 for those that are no part of it.
    func weight(_ weights: LossWeights) -> Double {
        switch self {
        case .adversarialG, .adversarialF: 1
        case .cycleX, .cycleY: weights.cycle
        case .identityX, .identityY: weights.cycle * weights.identity
        case .semanticX, .semanticY: weights.semantic
        case .style: weights.style
        case .colour: weights.colour
        case .spot: weights.spot
        case .spike: weights.spike
        case .lattice: weights.lattice
        case .content: weights.content
        case .adversarialV: weights.featureAdversarial
        case .generators, .discriminatorX, .discriminatorY, .discriminatorV: 0
        }
    }
}

/// The losses of one step, before its update; each is a mean and not yet weighed, but for `generators`. 0 where a loss
/// was left out.
package struct StepLosses: Sendable, Equatable {
    private var values = [Double](repeating: 0, count: LossTerm.allCases.count)

    package init() {}

    package subscript(_ term: LossTerm) -> Double {
        get { values[Self.places[term]!] }
        set { values[Self.places[term]!] = newValue }
    }

    /// Adds another pair's.
    mutating func add(_ other: StepLosses) { for i in values.indices { values[i] += other.values[i] } }

    /// The mean over a whole batch of each pair's, of which this rank has some.
    static func mean(_ own: [StepLosses], of batch: Int, _ group: any RankGroup) -> StepLosses {
        var mean = StepLosses()
        mean.values = group.sums(own.map(\.values)).map { $0 / Double(batch) }
        return mean
    }

    /// In the order of `LossTerm.allCases`.
    package var all: [(term: LossTerm, value: Double)] { LossTerm.allCases.map { ($0, self[$0]) } }

    private static let places = Dictionary(uniqueKeysWithValues: LossTerm.allCases.enumerated().map { ($1, $0) })
}
