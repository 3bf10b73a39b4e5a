import Evaluation
import Networks
import Photos
import Stylizing
import Tensors
import Weights

/// Compares a newly trained model with the one in use on images that neither was trained on, and says whether it may
/// take its place. Pictures are made as the service makes them, since those are what people would see.
///
/// Style is the kernel distance (`KernelDistance`) between pictures and paintings on pooled VGG16 features, a row of
/// features for each image: the mean over its crops. The interval is a bootstrap over images, paired between the
/// models. Content is `ContentDistance`. What makes pictures unfit whatever their style is in `PictureFaults`.
package struct Gate {
    package struct Settings: Sendable, Equatable {
        /// By how much the candidate may be farther from the photos than the model in use, as a part of that one's
        /// distance.
        package var maxContentLoss = 0.1
        package var limits = PictureFaults.Limits()
        package var seed: UInt64 = 1
        /// Sets of the bootstrap.
        package var sets = 1000
        /// Images that are looked at on each side, at most.
        package var most = 48

        package init() {}
    }

    /// The comparison and what a person wants to see of it.
    package struct Examination: Sendable {
        package var figures: GateFigures
        /// Of some photos: the photo, the picture by the model in use (where there is one), the candidate's.
        package var rows: [[Photo]] = []
        /// Files that could not be read.
        package var unreadable: [String] = []
    }

    /// Photos that the sheet shows, at most.
    private static let shown = 8
    /// The images' short side lies between these; crops are this large.
    private static let scales = Framing.cropSide...512
    private static let crops = 4

    private let style: PooledVGG16Features
    private let content: ContentDistance
    private let inception: (any FeatureExtractor)?
    package var settings: Settings
    /// Is told of images done, and of all; answers false to stop.
    package var progress: (_ done: Int, _ total: Int) -> Bool = { _, _ in true }

    /// - Parameters:
    ///   - vgg16: its weights, to relu3_3 at least.
    ///   - inception: its features for the KID, where they are installed.
    /// - Throws: `WeightsError`
    package init(
        vgg16: WeightsFile, inception: (any FeatureExtractor)? = nil, settings: Settings = Settings(),
        in context: ComputeContext = .default
    ) throws {
        try self.init(VGG16(vgg16, tap: .relu3_3, in: context), inception: inception, settings: settings)
    }

    init(_ network: VGG16, inception: (any FeatureExtractor)? = nil, settings: Settings = Settings()) {
        (style, content) = (PooledVGG16Features(network), ContentDistance(network))
        (self.inception, self.settings) = (inception, settings)
    }

    /// - Parameters:
    ///   - current: the model in use; nil where the style has none yet: the candidate must then be nearer to the
    ///     paintings than the photos themselves.
    ///   - photos: held out; files that cannot be read are passed over.
    ///   - paintings: held out.
    /// - Throws: `EvaluationError` with fewer than two images that can be read on a side, `EvaluationStopped`.
    package func examine(
        _ candidate: PictureMaker, current: PictureMaker?, photos: some ImageSource, paintings: some ImageSource
    ) throws -> Examination {
        var work = Work(total: min(photos.count, settings.most) + min(paintings.count, settings.most), progress)
        var masters: [Photo] = []
        var unreadable = try each(paintings, &work) { masters.append(try Self.small($0)) }
        try Self.check(masters.count, "paintings")
        let framing = Framing.crops(shortSide: Self.scale(masters), count: Self.crops)

        var made = (candidate: Side(), current: Side()), rows: [[Photo]] = [], isFinite = true, count = 0
        unreadable += try each(photos, &work) { original in
            let number = count
            count += 1
            guard isFinite, let new = try Self.finite({ try candidate.made(of: original, framing) }) else {
                isFinite = false
                return
            }
            // A model in use that fails so has nothing to defend: as if there were none.
            let old = try current.flatMap { current in try Self.finite { try current.made(of: original, framing) } }
            try add(new, number, framing, to: &made.candidate)
            made.candidate.rendered.append(new.rendered)
            made.candidate.raw.append(new.raw)
            let untouched = PictureMaker.Made(
                photo: new.photo, picture: new.photo, rendered: new.photo, raw: new.photo)
            try add(old ?? untouched, number, framing, to: &made.current)
            if rows.count < Self.shown { rows.append([new.photo] + (old.map { [$0.picture] } ?? []) + [new.picture]) }
        }
        var figures = GateFigures(
            decision: .refuse, reasons: ["the model makes pictures of values that are no numbers"],
            photos: count, paintings: masters.count, scale: Self.scale(masters),
            seed: settings.seed)
        if isFinite {
            try Self.check(count, "photos")
            try measure(&figures, made, masters.map { try framing.resized($0) }, framing, hasCurrent: current != nil)
        }
        return Examination(figures: figures, rows: rows, unreadable: unreadable)
    }

    // MARK: Images

    private struct Work {
        let total: Int
        let tell: (Int, Int) -> Bool
        var done = 0

        init(total: Int, _ tell: @escaping (Int, Int) -> Bool) { (self.total, self.tell) = (total, tell) }

        mutating func step() throws {
            done += 1
            if !tell(min(done, total), total) { throw EvaluationStopped() }
        }
    }

    /// The images that can be read, as many as are looked at; what is returned names the others.
    private func each(
        _ source: some ImageSource, _ work: inout Work, _ body: (Photo) throws -> Void
    ) throws -> [String] {
        var unreadable: [String] = [], read = 0
        for index in 0..<source.count where read < settings.most {
            do {
                var image = try source.photo(index)
                (image.alpha, image.metadata) = (nil, PhotoMetadata())
                try body(image)
                read += 1
            } catch let error as PhotoError {
                unreadable.append("\(source.name(index)): \(error)")
            }
            try work.step()
        }
        return unreadable
    }

    private static func check(_ count: Int, _ what: String) throws {
        guard count < 2 else { return }
        throw EvaluationError(
            "\(count) held-out \(what) could be read, and a comparison needs two or more: put more \(what) there")
    }

    /// Nil where the model makes values that are no numbers.
    private static func finite(_ make: () throws -> PictureMaker.Made) throws -> PictureMaker.Made? {
        do { return try make() } catch StylizingError.notFinite { return nil }
    }

    /// No larger than it is looked at.
    private static func small(_ painting: Photo) throws -> Photo {
        let most = scales.upperBound
        return min(painting.width, painting.height) > most
            ? try Framing.crops(shortSide: most, count: 1).resized(painting) : painting
    }

    /// The median of the paintings' short sides: larger, there would be nothing of strokes to see in them.
    private static func scale(_ paintings: [Photo]) -> Int {
        let sides = paintings.map { min($0.width, $0.height) }.sorted()
        return min(max(sides[sides.count / 2], scales.lowerBound), scales.upperBound)
    }

    /// What one model made of all photos.
    private struct Side {
        var photos: [Photo] = [], pictures: [Photo] = []
        /// The pictures as they were made, and the network's own output, for their patterns.
        var rendered: [Photo] = [], raw: [Photo] = []
        var style: [[Float]] = [], kid: [[Float]] = []
        var content: [Double] = [], reconstruction: [Double] = []
    }

    private func add(_ made: PictureMaker.Made, _ number: Int, _ framing: Framing, to side: inout Side) throws {
        side.photos.append(made.photo)
        side.pictures.append(made.picture)
        side.style.append(try row(made.picture, number, framing, style))
        if let inception { side.kid.append(try row(made.picture, number, framing, inception)) }
        let distances = content.distances(made.photo, [made.picture] + (made.reconstruction.map { [$0] } ?? []))
        side.content.append(distances[0])
        if distances.count > 1 { side.reconstruction.append(distances[1]) }
    }

    /// The mean of the features of an image's crops.
    private func row(
        _ image: Photo, _ number: Int, _ framing: Framing, _ extractor: any FeatureExtractor
    ) throws -> [Float] {
        let parts = try framing.parts(image, number: number, seed: settings.seed).map(extractor.features)
        return parts[0].indices.map { i in parts.reduce(0) { $0 + $1[i] } / Float(parts.count) }
    }

    // MARK: Figures

    private func measure(
        _ figures: inout GateFigures, _ made: (candidate: Side, current: Side), _ masters: [Photo], _ framing: Framing,
        hasCurrent: Bool
    ) throws {
        func distances(
            _ candidate: [[Float]], _ current: [[Float]], _ extractor: any FeatureExtractor
        ) throws -> GateFigures.Style {
            let rows = try masters.enumerated().map { try row($1, $0, framing, extractor) }
            let reference = FeatureTable(rows)
            func comparable(_ rows: [[Float]]) -> FeatureTable {
                extractor.comparable(FeatureTable(rows), reference: reference)
            }
            let found = try KernelDistance.difference(
                candidate: comparable(candidate), current: comparable(current), reference: comparable(rows),
                sets: settings.sets, seed: settings.seed, in: extractor.context)
            return .init(candidate: found.candidate, current: found.current, difference: found.difference)
        }
        func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }
        func content(_ values: KeyPath<Side, [Double]>) -> GateFigures.Content? {
            let (new, old) = (made.candidate[keyPath: values], made.current[keyPath: values])
            guard !new.isEmpty else { return nil }
            return .init(candidate: mean(new), current: hasCurrent && old.count == new.count ? mean(old) : nil)
        }
        let style = try distances(made.candidate.style, made.current.style, style)
        figures.style = style
        if let inception { figures.kid = try distances(made.candidate.kid, made.current.kid, inception) }
        (figures.content, figures.reconstruction) = (content(\.content), content(\.reconstruction))
        let faults = PictureFaults(
            photos: made.candidate.photos, pictures: made.candidate.pictures, rendered: made.candidate.rendered,
            raw: made.candidate.raw)
        let reference = PeriodicPatterns(masters).strongest
        (figures.faults, figures.referencePattern) = (faults, reference)

        figures.reasons = faults.refusals(referencePattern: reference, limits: settings.limits)
        for (name, content) in [("pictures", figures.content), ("reconstructions", figures.reconstruction)] {
            guard let loss = content?.loss, loss > settings.maxContentLoss else { continue }
            figures.reasons.append(
                "the \(name) lose \(GateFigures.text(loss * 100)) % more of the photos' content than before, and "
                    + "\(GateFigures.text(settings.maxContentLoss * 100)) % are allowed")
        }
        if !figures.reasons.isEmpty {
            figures.decision = .refuse
        } else if style.difference.high < 0 {
            figures.decision = .promote
            figures.reasons = [
                "with 95 % confidence the pictures are nearer to the paintings than "
                    + (hasCurrent ? "those of the model in use" : "the photos are")
            ]
        } else {
            figures.decision = .keep
            figures.reasons = [
                "the pictures are not nearer to the paintings with 95 % confidence: the difference of the distances "
                    + "lies between \(GateFigures.text(style.difference.low)) and "
                    + GateFigures.text(style.difference.high)
            ]
        }
    }
}
