import Photos

/// What makes a retrained model's pictures unfit, whatever their style: figures of held-out photos and the pictures
/// made of them. Nothing here is random: the same images give the same bits.
package struct PictureFaults: Sendable, Equatable, Codable {
    /// The mean deviation of the pictures' colours, 0 to 255, within each. Near 0: pictures of one colour.
    package var spread: Double
    /// The mean distance of two pictures, in part of the mean distance of their photos (at 32x32). Near 0: one picture
    /// for all.
    package var variety: Double
    /// The mean correlation of luminance between photo and picture, -1 to 1. Below 0: light and dark have changed
    /// places.
    package var luminanceCorrelation: Double
    /// The strongest regular pattern at periods of 2, 4 and 8 pixels, see `PeriodicPatterns`.
    package var pattern: Double
    /// How much of the network's own output is in such patterns, 0 to 1 (`PeriodicPatterns.share`); nil where it was
    /// not looked at. Translation takes out what is the same all over a picture, and can do nothing where it is not.
    package var lattice: Double?

    /// - Parameters:
    ///   - photos, pictures: as many of one as of the other, two or more.
    ///   - rendered: the pictures as they were made, where `pictures` are of another size.
    ///   - raw: the network's own output, where translation has changed it.
    package init(photos: [Photo], pictures: [Photo], rendered: [Photo]? = nil, raw: [Photo]? = nil) {
        precondition(photos.count == pictures.count && photos.count >= 2)
        let smallPhotos = photos.map(Self.small), smallPictures = pictures.map(Self.small)
        spread = Self.mean(pictures.map(Self.deviation))
        let (apart, before) = (Self.meanDistance(smallPictures), Self.meanDistance(smallPhotos))
        variety = before > 0 ? apart / before : 1
        luminanceCorrelation = Self.mean(zip(photos, pictures).map { Self.correlation($0, $1) })
        pattern = PeriodicPatterns(rendered ?? pictures).strongest
        lattice = raw.map { PeriodicPatterns($0).share }
    }

    /// Bounds of what is allowed.
    package struct Limits: Sendable, Equatable {
        package var spread = 8.0, variety = 0.15, luminanceCorrelation = 0.0
        /// Times the pattern that the reference images have, or 3 where that is less.
        package var pattern = 3.0
        /// Of the network's own output.
        package var lattice = 0.05

        package init() {}
    }

    /// Why a model is to be refused, a sentence each; none where nothing is wrong.
    /// - Parameter reference: the pattern of paintings, `PeriodicPatterns.strongest`.
    package func refusals(referencePattern reference: Double, limits: Limits = Limits()) -> [String] {
        func text(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
        var refusals: [String] = []
        let figures = [spread, variety, luminanceCorrelation, pattern, lattice ?? 0]
        if !figures.allSatisfy(\.isFinite) { return ["the pictures' figures are no numbers"] }
        if spread < limits.spread {
            refusals.append("the pictures are nearly of one colour: their colours deviate by \(text(spread)) of 255")
        }
        if variety < limits.variety {
            refusals.append(
                "the pictures are nearly alike: they differ by \(text(variety * 100)) % of what the photos do")
        }
        if luminanceCorrelation < limits.luminanceCorrelation {
            refusals.append(
                "light and dark have changed places: the pictures' luminance correlates by "
                    + "\(text(luminanceCorrelation)) with the photos'")
        }
        let most = limits.pattern * max(reference, 3)
        if pattern > most {
            refusals.append(
                "the pictures have a regular pattern of dots or a checkerboard: \(text(pattern)) times their "
                    + "surroundings, at most \(text(most))")
        }
        if let lattice, lattice > limits.lattice {
            refusals.append(
                "the network paints a regular pattern of dots or a checkerboard: \(text(lattice * 100)) % of what it "
                    + "paints is that, at most \(text(limits.lattice * 100)) %")
        }
        return refusals
    }

    private static func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    /// Enough to tell motifs apart.
    private static func small(_ photo: Photo) -> [Double] {
        photo.thumbnail(width: 32, height: 32).pixels.map(Double.init)
    }

    private static func meanDistance(_ images: [[Double]]) -> Double {
        var sum = 0.0, count = 0.0
        // Neighbours at several distances are enough, also of a thousand images.
        for step in 1...min(8, images.count - 1) {
            for i in images.indices {
                sum += mean(zip(images[i], images[(i + step) % images.count]).map { abs($0 - $1) })
                count += 1
            }
        }
        return sum / count
    }

    /// The mean over the channels of the deviation.
    private static func deviation(_ photo: Photo) -> Double {
        let deviations = (0..<3).map { c -> Double in
            let values = stride(from: c, to: photo.pixels.count, by: 3).map { Double(photo.pixels[$0]) }
            let m = mean(values)
            return mean(values.map { ($0 - m) * ($0 - m) }).squareRoot()
        }
        return mean(deviations)
    }

    /// Rec. 601 luma.
    static func luminance(_ photo: Photo) -> [Double] {
        (0..<photo.width * photo.height).map { i -> Double in
            let (r, g, b) = (
                Double(photo.pixels[3 * i]), Double(photo.pixels[3 * i + 1]), Double(photo.pixels[3 * i + 2])
            )
            return 0.299 * r + 0.587 * g + 0.114 * b
        }
    }

    /// Pearson's; 0 where one of them is flat.
    private static func correlation(_ photo: Photo, _ picture: Photo) -> Double {
        let a = luminance(photo)
        let b = luminance(
            picture.width == photo.width && picture.height == photo.height
                ? picture : picture.thumbnail(width: photo.width, height: photo.height))
        let (ma, mb) = (mean(a), mean(b))
        var (ab, aa, bb) = (0.0, 0.0, 0.0)
        for i in a.indices {
            ab += (a[i] - ma) * (b[i] - mb)
            aa += (a[i] - ma) * (a[i] - ma)
            bb += (b[i] - mb) * (b[i] - mb)
        }
        return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : 0
    }
}
