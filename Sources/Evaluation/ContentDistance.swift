import Networks
import Photos
import Tensors
import Weights

/// How much of a photo is gone in its picture: the mean absolute difference of VGG16's features at relu3_3, as a part
/// of the photo's mean feature. 0 is the photo itself; a picture that has nothing to do with the photo is at about 1.
package struct ContentDistance {
    private let network: VGG16

    /// Throws `WeightsError` where the file is another network, or ends before relu3_3.
    package init(_ file: WeightsFile, in context: ComputeContext = .default) throws {
        try VGG16Layers.validate(file)
        network = try VGG16(file, tap: .relu3_3, in: context)
    }

    package init(_ network: VGG16) { self.network = network }

    /// Both are looked at at 256x256.
    package func between(_ photo: Photo, _ picture: Photo) -> Double { distances(photo, [picture])[0] }

    /// From one photo to several others, its features taken once.
    package func distances(_ photo: Photo, _ others: [Photo]) -> [Double] {
        let original = network(vggInput(photo, in: network.context), Tape()).applied(), count = original.shape.count
        var size = 0.0
        for i in 0..<count { size += Double(abs(original.pointer[i])) }
        return others.map { other in
            let features = network(vggInput(other, in: network.context), Tape()).applied()
            var difference = 0.0
            for i in 0..<count { difference += Double(abs(features.pointer[i] - original.pointer[i])) }
            return size > 0 ? difference / size : difference
        }
    }

    /// The product form of ArtFID (Wright and Ommer 2022), which has LPIPS where this has the distance above.
    package static func artFID(content: Double, frechet: Double) -> Double { (1 + content) * (1 + frechet) }
}
