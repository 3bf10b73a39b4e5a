import Networks
import Photos
import Tensors
import Weights

/// A fixed network that describes images by numbers.
package protocol FeatureExtractor {
    var dimensions: Int { get }
    /// Where it computes.
    var context: ComputeContext { get }
    func features(_ photo: Photo) -> [Float]
    /// Brings two tables to the units in which distances are measured; the second is the reference.
    func comparable(_ table: FeatureTable, reference: FeatureTable) -> FeatureTable
}

/// The Inception network of the FID.
package struct InceptionFeatures: FeatureExtractor {
    package let network: InceptionV3
    package let mode: InceptionMode

    package init(_ network: InceptionV3, mode: InceptionMode) { (self.network, self.mode) = (network, mode) }

    package var dimensions: Int { network.tap.rawValue }
    package var context: ComputeContext { network.context }
    package func features(_ photo: Photo) -> [Float] { network(mode.input(photo, in: context))[0] }
    package func comparable(_ table: FeatureTable, reference: FeatureTable) -> FeatureTable { table }
}

/// The mean and the deviation of each channel of VGG16 at relu1_2, relu2_2 and relu3_3: style, without where things
/// are. Images are looked at at 256x256.
package struct PooledVGG16Features: FeatureExtractor {
    package static let taps = [VGG16.Tap.relu1_2, .relu2_2, .relu3_3]
    private let network: VGG16
    /// Channels at each tap.
    private let widths: [Int]

    /// Throws `WeightsError` where the file is another network, or ends before relu3_3.
    package init(_ file: WeightsFile, in context: ComputeContext = .default) throws {
        try VGG16Layers.validate(file)
        try self.init(VGG16(file, tap: .relu3_3, in: context))
    }

    package init(_ network: VGG16) {
        self.network = network
        let x = Tensor.zeros(Shape(1, 16, 16, 3), in: network.context)
        widths = network(x, at: Self.taps, Tape()).map(\.shape.c)
    }

    package var context: ComputeContext { network.context }
    package var dimensions: Int { 2 * widths.reduce(0, +) }

    package func features(_ photo: Photo) -> [Float] {
        network(vggInput(photo, in: context), at: Self.taps, Tape()).flatMap { tap in
            let moments = ChannelMoments(tap)
            return (moments.means + moments.deviations).map { Float($0) }
        }
    }

    /// The roots of all numbers, less their means on the reference, in units of two of their deviations there (a
    /// channel that the reference hardly moves has a third of its tap's). As they are, a few strong channels would be
    /// all that the cubic kernel sees, from far away: of forty images no distance could be told.
    package func comparable(_ table: FeatureTable, reference: FeatureTable) -> FeatureTable {
        let own = reference.roots, count = Double(max(1, own.count))
        let centre = (0..<dimensions).map { i in own.reduce(0.0) { $0 + Double($1[i]) } / count }
        let squares = (0..<dimensions).map { i in
            own.reduce(0.0) { $0 + (Double($1[i]) - centre[i]) * (Double($1[i]) - centre[i]) } / count
        }
        var scales: [Double] = []
        for width in widths.flatMap({ [$0, $0] }) {
            let tap = squares[scales.count..<scales.count + width]
            let least = tap.reduce(0, +) / Double(width) / 9
            scales += tap.map { max($0, least) > 0 ? 1 / (2 * max($0, least).squareRoot()) : 1 }
        }
        return FeatureTable(
            table.roots.map { row in row.indices.map { Float((Double(row[$0]) - centre[$0]) * scales[$0]) } })
    }
}

extension FeatureTable {
    fileprivate var roots: [[Float]] { (0..<count).map { row($0).map { max($0, 0).squareRoot() } } }
}

/// (1, 256, 256, 3) in [-1, 1].
func vggInput(_ photo: Photo, in context: ComputeContext) -> Tensor {
    Tensor(photo.thumbnail(width: vggSide, height: vggSide), in: context)
}
private let vggSide = 256

extension Photo {
    /// At another size, no larger than what the networks that look at it take many times over: where there is no memory
    /// for this, there is none for them.
    func thumbnail(width: Int, height: Int) -> Photo { try! resized(toWidth: width, height: height, filter: .bicubic) }
}

extension Tensor {
    /// (1, H, W, 3) in [-1, 1].
    convenience init(_ photo: Photo, in context: ComputeContext) {
        self.init(Shape(1, photo.height, photo.width, 3), in: context)
        for i in 0..<shape.count { pointer[i] = Float(photo.pixels[i]) / 127.5 - 1 }
    }

    /// The first image of a batch, rounded to 8 bits.
    var photo: Photo {
        let pixels = (0..<shape.h * shape.w * 3).map { UInt8(min(max(((pointer[$0] + 1) * 127.5).rounded(), 0), 255)) }
        return Photo(width: shape.w, height: shape.h, pixels: pixels, format: .png)
    }
}
