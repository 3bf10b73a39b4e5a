/// How the parts of the generators' loss are weighed against the adversarial one.
public struct LossWeights: Sendable, Equatable {
    /// Of the cycle-consistency loss (Zhu et al. 2017, section 5: 10).
    public var cycle = 10.0
    /// Of the identity loss, as a part of `cycle` (appendix: 0.5 for paintings); 0 leaves it out.
    public var identity = 0.5
    /// Of the semantic loss; used where there is a feature network.
    public var semantic = 1.0
    /// Squared instead of absolute differences of the features.
    public var squaredSemantic = false

    public init(cycle: Double = 10, identity: Double = 0.5, semantic: Double = 1, squaredSemantic: Bool = false) {
        (self.cycle, self.identity) = (cycle, identity)
        (self.semantic, self.squaredSemantic) = (semantic, squaredSemantic)
    }
}

/// The losses of one step, before its update; each is a mean and not yet weighed, but for `generators`, which is what is
/// minimised.
public struct StepLosses: Sendable, Equatable {
    public var adversarialG = 0.0, adversarialF = 0.0
    public var cycleX = 0.0, cycleY = 0.0
    public var identityX = 0.0, identityY = 0.0
    public var semanticX = 0.0, semanticY = 0.0
    public var generators = 0.0
    public var discriminatorX = 0.0, discriminatorY = 0.0

    public init() {}

    /// Name and value of each, in the order of the table that training writes.
    public var all: [(name: String, value: Double)] {
        [
            ("adversarial.G", adversarialG), ("adversarial.F", adversarialF), ("cycle.x", cycleX), ("cycle.y", cycleY),
            ("identity.x", identityX), ("identity.y", identityY), ("semantic.x", semanticX), ("semantic.y", semanticY),
            ("generators", generators), ("discriminator.x", discriminatorX), ("discriminator.y", discriminatorY),
        ]
    }
}
