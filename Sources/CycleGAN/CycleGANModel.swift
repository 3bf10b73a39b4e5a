import Networks
import Tensors

/// The two generators and two discriminators with their optimizers, and one step of training (Zhu et al. 2017, with the
/// order of the original project's implementation).
///
/// G translates photos x to paintings y, F paintings to photos; DY judges paintings, DX photos.
public final class CycleGANModel {
    public let g, f: TrainableGenerator
    public let dx, dy: any Discriminator
    /// The fixed extractor of the semantic loss; nil leaves the loss out.
    public let features: VGG16?
    /// The mean absolute feature on photos, by which features are divided: the weight then means the same for every
    /// extractor. 1 leaves them as they are.
    public var featureScale: Double
    public var weights: LossWeights
    public var generatorOptimizer = Adam()
    public var discriminatorOptimizer = Adam()
    /// The largest norm of the generators' gradient together, and of the discriminators'; nil leaves them as they are.
    public var largestGradientNorm: Double?

    public init(
        g: TrainableGenerator, f: TrainableGenerator, dx: any Discriminator, dy: any Discriminator, features: VGG16? = nil,
        featureScale: Double = 1, weights: LossWeights = LossWeights()
    ) {
        (self.g, self.f, self.dx, self.dy) = (g, f, dx, dy)
        (self.features, self.featureScale, self.weights) = (features, featureScale, weights)
    }

    /// What a step made, beside its losses.
    public struct Images {
        /// F(y) and G(x).
        public var fakeX, fakeY: Tensor
    }

    /// One step on a photo x and a painting y, (1, H, W, 3) in [-1, 1]: the generators are updated, then the discriminators,
    /// which see the fakes made before.
    /// - Parameters:
    ///   - pooled: gives the fakes that the discriminators see for those just made (the image pools).
    ///   - augment: a differentiable transform of everything that a discriminator sees.
    public func step(
        x: Tensor, y: Tensor, learningRate: Double, pooled: (Images) -> Images = { $0 },
        augment: (Tensor, Tape) -> Tensor = { image, _ in image }
    ) -> (losses: StepLosses, images: Images) {
        var losses = StepLosses()
        let images = stepGenerators(x, y, learningRate, &losses, augment)
        stepDiscriminators(x, y, pooled(images), learningRate, &losses, augment)
        return (losses, images)
    }

    private func stepGenerators(
        _ x: Tensor, _ y: Tensor, _ learningRate: Double, _ losses: inout StepLosses, _ augment: (Tensor, Tape) -> Tensor
    ) -> Images {
        let tape = Tape()
        g.watch(tape)
        f.watch(tape)
        var terms: [(loss: Tensor, weight: Float)] = []
        func add(_ loss: Tensor, _ weight: Double) -> Double {
            terms.append((loss, Float(weight)))
            let value = Double(loss.pointer[0])
            losses.generators += weight * value
            return value
        }
        /// Goes back at once, so that only one direction's layers are held at a time.
        func backward() {
            tape.backward(from: terms)
            terms = []
        }
        func addSemantic(_ cycled: Tensor, _ original: Tensor) -> Double {
            guard let features, weights.semantic > 0 else { return 0 }
            let loss: any DifferentiableOperation = weights.squaredSemantic ? MSELoss() : L1Loss()
            let scale = weights.squaredSemantic ? featureScale * featureScale : featureScale
            // Only the reconstruction passes a gradient on: the original's features are not on the tape.
            return add(tape.apply(loss, features(cycled, tape), features(original, Tape())), weights.semantic / scale) / scale
        }

        let fakeY = g(x, tape), cycledX = f(fakeY, tape)
        losses.adversarialG = add(tape.apply(SquaredErrorToConstant(target: 1), dy(augment(fakeY, tape), tape)), 1)
        losses.cycleX = add(tape.apply(L1Loss(), cycledX, x), weights.cycle)
        losses.semanticX = addSemantic(cycledX, x)
        backward()
        let fakeX = f(y, tape), cycledY = g(fakeX, tape)
        losses.adversarialF = add(tape.apply(SquaredErrorToConstant(target: 1), dx(augment(fakeX, tape), tape)), 1)
        losses.cycleY = add(tape.apply(L1Loss(), cycledY, y), weights.cycle)
        losses.semanticY = addSemantic(cycledY, y)
        backward()
        if weights.identity > 0 {
            losses.identityX = add(tape.apply(L1Loss(), f(x, tape), x), weights.cycle * weights.identity)
            backward()
            losses.identityY = add(tape.apply(L1Loss(), g(y, tape), y), weights.cycle * weights.identity)
            backward()
        }
        clip(g.parameters + f.parameters, tape)
        generatorOptimizer.step(learningRate: learningRate, g.parameters + f.parameters) { tape.gradient(of: $0.value) }
        return Images(fakeX: fakeX, fakeY: fakeY)
    }

    private func stepDiscriminators(
        _ x: Tensor, _ y: Tensor, _ fakes: Images, _ learningRate: Double, _ losses: inout StepLosses,
        _ augment: (Tensor, Tape) -> Tensor
    ) {
        let tape = Tape()
        dx.watch(tape)
        dy.watch(tape)
        func judge(_ discriminator: any Discriminator, real: Tensor, fake: Tensor) -> Double {
            // One after the other, so that only one image's layers are held at a time.
            var value = 0.0
            for (image, target) in [(real, Float(1)), (fake, 0)] {
                let loss = tape.apply(SquaredErrorToConstant(target: target), discriminator(augment(image, tape), tape))
                tape.backward(from: [(loss, 0.5)])
                value += 0.5 * Double(loss.pointer[0])
            }
            return value
        }
        losses.discriminatorX = judge(dx, real: x, fake: fakes.fakeX)
        losses.discriminatorY = judge(dy, real: y, fake: fakes.fakeY)
        clip(dx.parameters + dy.parameters, tape)
        discriminatorOptimizer.step(learningRate: learningRate, dx.parameters + dy.parameters) { tape.gradient(of: $0.value) }
    }

    /// Scales all gradients of a step by one factor where their norm together is larger than allowed.
    private func clip(_ parameters: [Parameter], _ tape: Tape) {
        guard let largestGradientNorm else { return }
        let gradients = parameters.compactMap { tape.gradient(of: $0.value) }
        let squares = gradients.reduce(0.0) { total, gradient in
            (0..<gradient.shape.count).reduce(total) { $0 + Double(gradient.pointer[$1]) * Double(gradient.pointer[$1]) }
        }
        guard squares > largestGradientNorm * largestGradientNorm else { return }
        let factor = Float(largestGradientNorm / squares.squareRoot())
        for gradient in gradients { for i in 0..<gradient.shape.count { gradient.pointer[i] *= factor } }
    }
}

extension CycleGANModel {
    /// The four networks by their names in files.
    public var networks: [(name: String, network: any TrainableNetwork)] { [("G", g), ("F", f), ("DX", dx), ("DY", dy)] }
}
