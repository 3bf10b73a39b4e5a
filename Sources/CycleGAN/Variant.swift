import Networks

/// The four models that the paper compares. They differ in the generator's activation and in the semantic loss only.
package enum Variant: String, Sendable, CaseIterable {
    /// CycleGAN as published (Zhu et al. 2017).
    case original
    /// Leaky ReLU 0.01 in place of ReLU in the generators.
    case leakyReLU = "leaky-relu"
    /// The semantic loss added.
    case semantic
    /// Both.
    case hybrid

    package var activation: GeneratorDescription.Activation {
        switch self {
        case .original, .semantic: .relu
        case .leakyReLU, .hybrid: .leakyReLU(slope: 0.01)
        }
    }

    package var hasSemanticLoss: Bool { self == .semantic || self == .hybrid }
}
