import Networks
import Ranks
import Tensors

/// The two generators and two discriminators with their optimizers, and one step of training (Zhu et al. 2017, with the
/// order of the original project's implementation).
///
/// G translates photos x to paintings y, F paintings to photos; DY judges paintings, DX photos.
package final class CycleGANModel {
    package let g, f: TrainableGenerator
    package let dx, dy: any Discriminator
    /// Judges paintings by their features, where there is one.
    package let dv: FeatureDiscriminator?
    /// The fixed extractor of the semantic loss, and of what else compares features; nil leaves those losses out.
    package let features: VGG16?
    /// Where the semantic loss takes features; nil for the last layer that was read.
    package let semanticTap: VGG16.Tap?
    /// What the style loss aims at; nil leaves it out.
    package var style: StyleTargets?
    /// The mean absolute feature on photos, by which features are divided: the weight then means the same for every
    /// extractor. 1 leaves them as they are.
    package var featureScale: Double
    package var weights: LossWeights
    package var generatorOptimizer = Adam()
    package var discriminatorOptimizer = Adam()
    /// The largest norm of the generators' gradient together, and of the discriminators'; nil leaves them as they are.
    package var largestGradientNorm: Double?

    package init(
        g: TrainableGenerator, f: TrainableGenerator, dx: any Discriminator, dy: any Discriminator,
        dv: FeatureDiscriminator? = nil, features: VGG16? = nil, semanticTap: VGG16.Tap? = nil,
        featureScale: Double = 1,
        weights: LossWeights = LossWeights()
    ) {
        (self.g, self.f, self.dx, self.dy, self.dv) = (g, f, dx, dy, dv)
        (self.features, self.semanticTap, self.featureScale, self.weights) = (
            features, semanticTap, featureScale, weights
        )
    }

    /// Where all of it computes.
    package var context: ComputeContext { g.context }

    /// What a step made, beside its losses.
    package struct Images {
        /// F(y) and G(x).
        package var fakeX, fakeY: Tensor
    }

    /// A photo x and a painting y of a batch, (1, H, W, 3) in [-1, 1], and what chance does to them.
    package struct Pair {
        package var x, y: Tensor
        /// Gives the fakes that the discriminators see for those just made (the image pools).
        package var pooled: (Images) -> Images = { $0 }
        /// An image with the grain that G is given.
        package var grained: (Tensor, Tape) -> Tensor = { image, _ in image }
        /// A differentiable transform of everything that a discriminator on pixels sees.
        package var augment: (Tensor, Tape) -> Tensor = { image, _ in image }

        package init(x: Tensor, y: Tensor) { (self.x, self.y) = (x, y) }
    }

    /// One step on a batch of one pair.
    package func step(x: Tensor, y: Tensor, learningRate: Double) -> (losses: StepLosses, images: Images) {
        let (losses, images) = step([Pair(x: x, y: y)], learningRate: learningRate)
        return (losses, images[0])
    }

    /// One step on a batch: the generators are updated, then the discriminators, which see the fakes made before.
    ///
    /// One pair is computed after the other, so that one pair's layers are held at a time; a batch's losses and
    /// gradients are the means of its pairs'. While gradients are added up over the ranks the next ones are computed:
    /// the discriminators' do not depend on the generators' update, nor this on theirs.
    /// - Parameters:
    ///   - pairs: this rank's part of the batch, as large as every other rank's.
    ///   - hasIdentity: false leaves the identity losses out of this step.
    ///   - group: the ranks; each makes the same update.
    /// - Returns: the whole batch's losses, and what was made of this rank's pairs.
    package func step(
        _ pairs: [Pair], learningRate: Double, hasIdentity: Bool = true, group: any RankGroup = OneProcess()
    ) -> (losses: StepLosses, images: [Images]) {
        let batch = pairs.count * group.count
        let originals = pairs.map { (x: look(at: $0.x), y: look(at: $0.y)) }
        var images: [Images] = [], judged: [[Tensor]] = []
        let branches = group.branches(ofBatch: batch), first = branches[0].lowerBound
        var losses: [StepLosses] = []
        var ofGenerators = sums(branches) { number in
            let i = number - first
            let (made, seen, found) = judgeGenerators(pairs[i], originals[i], hasIdentity: hasIdentity)
            images.append(made)
            judged.append(seen)
            losses.append(found.0)
            return found.1
        }
        func updateGenerators() {
            ofGenerators[0].divide(by: batch)
            ofGenerators[0].clip(toNorm: largestGradientNorm)
            ofGenerators[0].apply(&generatorOptimizer, learningRate: learningRate, to: generatorParameters)
        }
        let generatorsSum = group.count > 1 ? Gradients.startSum(&ofGenerators, batch: batch, over: group) : nil
        // A process alone has no reason to keep the gradients.
        if generatorsSum == nil { updateGenerators() }
        var ofDiscriminators = sums(branches) { number in
            let i = number - first
            let found = judgeDiscriminators(pairs[i], images[i], (real: originals[i].y.judged, fake: judged[i]))
            losses[i].add(found.0)
            return found.1
        }
        let discriminatorsSum = group.count > 1 ? Gradients.startSum(&ofDiscriminators, batch: batch, over: group) : nil
        if let generatorsSum {
            generatorsSum.wait()
            updateGenerators()
        }
        discriminatorsSum?.wait()
        ofDiscriminators[0].divide(by: batch)
        ofDiscriminators[0].clip(toNorm: largestGradientNorm)
        ofDiscriminators[0].apply(&discriminatorOptimizer, learningRate: learningRate, to: discriminatorParameters)
        return (.mean(losses, of: batch, group), images)
    }

    private var generatorParameters: [Parameter] { g.parameters + f.parameters }
    private var discriminatorParameters: [Parameter] {
        dx.parameters + dy.parameters + (judgesFeatures ? dv?.parameters ?? [] : [])
    }

    /// The sum of gradients over each of a batch's branches, computed one image after the other.
    private func sums(_ branches: [Range<Int>], _ found: (Int) -> Gradients) -> [Gradients] {
        // Spectral normalisation goes on with each use, and all pairs of a batch are to meet the same weights.
        let stabilized = [dx, dy].compactMap { $0 as? StabilizedDiscriminator }
        let vectors = stabilized.map(\.singularVectors), first = branches[0].lowerBound
        return branches.map { branch in
            PairwiseSum.over(branch) { i in
                if i > first {
                    for (network, before) in zip(stabilized, vectors) { network.singularVectors = before }
                }
                return found(i)
            } adding: {
                $0.add($1)
            }
        }
    }

    /// Features of a photo or a painting, as constants: found once a step.
    private struct Original {
        /// What reconstructions are compared with.
        var semantic: Tensor?
        /// At relu3_3: what clusters of paintings are told apart by, and what a picture is to keep.
        var motif: Tensor?
        /// What the discriminator on features sees.
        var judged: [Tensor] = []
    }

    private func look(at image: Tensor) -> Original {
        var original = Original()
        guard let features else { return original }
        guard let semanticTap else {
            if weights.semantic > 0 { original.semantic = features(image, Tape()) }
            return original
        }
        var taps: [VGG16.Tap] = weights.semantic > 0 ? [semanticTap] : []
        if hasStyle || weights.content > 0 { taps.append(.relu3_3) }
        if judgesFeatures { taps += FeatureDiscriminator.taps }
        guard !taps.isEmpty else { return original }
        let found = Dictionary(zip(taps, features(image, at: taps, Tape()))) { first, _ in first }
        if weights.semantic > 0 { original.semantic = found[semanticTap] }
        original.motif = found[.relu3_3]?.applied()
        if judgesFeatures { original.judged = FeatureDiscriminator.taps.map { found[$0]!.applied() } }
        return original
    }

    private var hasStyle: Bool { weights.style > 0 && style != nil }
    private var judgesFeatures: Bool { weights.featureAdversarial > 0 && dv != nil }

    /// The generators' losses and gradients for a pair; gives the fakes, and the picture's features that are judged.
    private func judgeGenerators(
        _ pair: Pair, _ original: (x: Original, y: Original), hasIdentity: Bool
    ) -> (images: Images, judged: [Tensor], found: (StepLosses, Gradients)) {
        let (x, y) = (pair.x, pair.y), (grained, augment) = (pair.grained, pair.augment)
        let tape = Tape()
        g.watch(tape)
        f.watch(tape)
        var terms = GeneratorTerms(tape: tape, weights: weights)
        let fakeY = g(x, tape, grained: grained(x, tape)) { if weights.spike > 0 { addSpikes($0, $1, to: &terms) } }
        let cycledX = f(fakeY, tape)
        terms.add(.adversarialG, tape.apply(SquaredErrorToConstant(target: 1), dy(augment(fakeY, tape), tape)))
        terms.add(.cycleX, tape.apply(L1Loss(), cycledX, x))
        addSemantic(.semanticX, cycledX, original.x, to: &terms)
        let judged = addPainterly(fakeY, x, original.x, to: &terms)
        terms.backward()
        let fakeX = f(y, tape), cycledY = g(fakeX, tape, grained: grained(fakeX, tape))
        terms.add(.adversarialF, tape.apply(SquaredErrorToConstant(target: 1), dx(augment(fakeX, tape), tape)))
        terms.add(.cycleY, tape.apply(L1Loss(), cycledY, y))
        addSemantic(.semanticY, cycledY, original.y, to: &terms)
        terms.backward()
        if hasIdentity, weights.identity > 0 {
            terms.add(.identityX, tape.apply(L1Loss(), f(x, tape), x))
            terms.backward()
            terms.add(.identityY, tape.apply(L1Loss(), g(y, tape, grained: grained(y, tape)), y))
            terms.backward()
        }
        let gradients = Gradients(of: generatorParameters, tape)
        return (Images(fakeX: fakeX, fakeY: fakeY), judged, (terms.losses, gradients))
    }

    /// The paper's semantic loss: the distance of a reconstruction's features from the original's.
    private func addSemantic(_ term: LossTerm, _ cycled: Tensor, _ original: Original, to terms: inout GeneratorTerms) {
        guard let features, let expected = original.semantic else { return }
        // Only the reconstruction passes a gradient on: the original's features are not on the tape.
        let found = semanticTap.map { features(cycled, at: [$0], terms.tape)[0] } ?? features(cycled, terms.tape)
        let loss: any DifferentiableOperation = weights.squaredSemantic ? MSELoss() : L1Loss()
        let scale = weights.squaredSemantic ? featureScale * featureScale : featureScale
        terms.add(term, terms.tape.apply(loss, found, expected), scale: scale)
    }

    /// A generator with instance normalisation can pass a signal's strength on by one spike that dominates a channel's
    /// statistics: it is seen as a drop in the picture (Karras et al. 2020, "Analyzing and Improving the Image Quality
    /// of StyleGAN", section 2). Deep in the hyperbolic tangent's flat ends no other loss reaches it.
    private func addSpikes(_ place: TrainableGenerator.Inside, _ x: Tensor, to terms: inout GeneratorTerms) {
        let allowed: Float = place == .beforeTanh ? 1.5 : 6
        terms.add(.spike, terms.tape.apply(ExcessSquaredError(allowed: allowed), x, .zeros(x.shape, in: x.context)))
    }

    /// What goes beyond the paper and makes pictures painterly: style, content, colour, spots, lattice, the
    /// discriminator on features. Gives the picture's features that this one judges.
    private func addPainterly(
        _ picture: Tensor, _ photo: Tensor, _ original: Original, to terms: inout GeneratorTerms
    ) -> [Tensor] {
        let tape = terms.tape
        if weights.colour > 0 {
            let means = BlockMeans(size: 16)
            terms.add(.colour, tape.apply(L1Loss(), tape.apply(means, picture), means.forward([photo])))
        }
        if weights.spot > 0 {
            let means = BlockMeans(size: 8)
            terms.add(
                .spot, tape.apply(ExcessSquaredError(allowed: 0.5), tape.apply(means, picture), means.forward([photo])))
        }
        if weights.lattice > 0 {
            for period in [4, 8] { terms.add(.lattice, tape.apply(PhaseDeviation(period: period), picture)) }
        }
        guard let features, hasStyle || judgesFeatures || weights.content > 0 else { return [] }
        let found = features(picture, at: StyleTargets.taps, tape).map { tape.apply(Materialization(), $0) }
        if hasStyle, let style, let motif = original.motif {
            let targets = style.targets(for: photo, features: motif)
            for (tap, (target, features)) in zip(targets, found).enumerated() {
                let loss = tape.apply(RelativeSquaredError(), style.gram(features, tap: tap, tape), target)
                terms.add(.style, loss, scale: Double(targets.count))
            }
        }
        if weights.content > 0, let motif = original.motif, let last = found.last {
            let count = motif.shape.count
            let size = (0..<count).reduce(0.0) { $0 + Double(abs(motif.pointer[$1])) } / Double(count)
            // A photo without any features has no content to keep.
            if size > 0 { terms.add(.content, tape.apply(L1Loss(), last, motif), scale: size) }
        }
        let judged = Array(found.suffix(FeatureDiscriminator.taps.count))
        if judgesFeatures, let dv {
            let judgements = dv(judged, tape)
            for judgement in judgements {
                terms.add(
                    .adversarialV, tape.apply(SquaredErrorToConstant(target: 1), judgement),
                    scale: Double(judgements.count))
            }
        }
        return judged
    }

    /// The discriminators' losses and gradients for a pair.
    /// - Parameter features: of the painting and of the picture, for the discriminator on features.
    private func judgeDiscriminators(
        _ pair: Pair, _ made: Images, _ features: (real: [Tensor], fake: [Tensor])
    ) -> (StepLosses, Gradients) {
        let tape = Tape(), fakes = pair.pooled(made), augment = pair.augment
        var losses = StepLosses()
        dx.watch(tape)
        dy.watch(tape)
        /// One image after the other, so that only one's layers are held at a time.
        func judge<Seen>(real: Seen, fake: Seen, _ judgements: (Seen) -> [Tensor]) -> Double {
            var value = 0.0
            for (seen, target) in [(real, Float(1)), (fake, 0)] {
                let maps = judgements(seen)
                let losses = maps.map { tape.apply(SquaredErrorToConstant(target: target), $0) }
                tape.backward(from: losses.map { ($0, 0.5 / Float(maps.count)) })
                value += losses.reduce(0) { $0 + 0.5 * Double($1.pointer[0]) / Double(maps.count) }
            }
            return value
        }
        losses[.discriminatorX] = judge(real: pair.x, fake: fakes.fakeX) { [dx(augment($0, tape), tape)] }
        losses[.discriminatorY] = judge(real: pair.y, fake: fakes.fakeY) { [dy(augment($0, tape), tape)] }
        if judgesFeatures, let dv {
            dv.watch(tape)
            // Of this step's picture: the pools hold pixels.
            losses[.discriminatorV] = judge(real: features.real, fake: features.fake) { dv($0, tape) }
        }
        return (losses, Gradients(of: discriminatorParameters, tape))
    }
}

extension CycleGANModel {
    /// The networks by their names in files.
    package var networks: [(name: String, network: any TrainableNetwork)] {
        [("G", g), ("F", f), ("DX", dx), ("DY", dy)] + (dv.map { [("DV", $0)] } ?? [])
    }
}

/// The losses of the generators as they are added up, and the way back from them.
private struct GeneratorTerms {
    let tape: Tape
    let weights: LossWeights
    private(set) var losses = StepLosses()
    private var pending: [(loss: Tensor, weight: Float)] = []

    init(tape: Tape, weights: LossWeights) { (self.tape, self.weights) = (tape, weights) }

    /// Adds a scalar, divided by `scale`, to a term.
    mutating func add(_ term: LossTerm, _ loss: Tensor, scale: Double = 1) {
        let weight = term.weight(weights) / scale, value = Double(loss.pointer[0])
        pending.append((loss, Float(weight)))
        losses[.generators] += weight * value
        losses[term] += value / scale
    }

    /// Goes back at once, so that only one direction's layers are held at a time.
    mutating func backward() {
        tape.backward(from: pending)
        pending = []
    }
}
