/// How the parts of the generators' loss are weighed against the adversarial one. What goes beyond the paper is 0.
package struct LossWeights: Sendable, Equatable {
    /// Of the cycle-consistency loss (Zhu et al. 2017, section 5: 10).
    package var cycle = 10.0
    /// Of the identity loss, as a part of `cycle` (appendix: 0.5 for paintings); 0 leaves it out.
    package var identity = 0.5
    /// Of the semantic loss; used where there is a feature network.
    package var semantic = 1.0
    /// Squared instead of absolute differences of the features.
    package var squaredSemantic = false
    /// Of the style loss: the distance of Gram matrices from those of paintings (`StyleTargets`).
    package var style = 0.0
    /// Of the colour loss: the distance of the means of blocks from the photo's.
    package var colour = 0.0
    /// Of the spot loss: how far the means of 8x8 pixels of picture and photo are apart, beyond 0.5 of [-1, 1].
    package var spot = 0.0
    /// Of the spike loss: the generator to paintings' normalised activations beyond 6, and its values before the tanh
    /// beyond 1.5.
    package var spike = 0.0
    /// Of the lattice loss: what repeats with a period of 4 or 8 pixels.
    package var lattice = 0.0
    /// Of the content loss: how far a picture's features at relu3_3 are from the photo's, in part of these.
    package var content = 0.0
    /// Of the adversarial loss of the discriminator on features.
    package var featureAdversarial = 0.0

    package init(cycle: Double = 10, identity: Double = 0.5, semantic: Double = 1, squaredSemantic: Bool = false) {
        (self.cycle, self.identity) = (cycle, identity)
        (self.semantic, self.squaredSemantic) = (semantic, squaredSemantic)
    }
}
