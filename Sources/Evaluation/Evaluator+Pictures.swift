import Networks
import Photos
import Tensors

extension Evaluator {
    /// What a generator makes of a photo, and `back` of that; nil where a value is not a finite number.
    public static func finitePictures(
        of photo: Photo, _ generator: ResNetGenerator, back: ResNetGenerator? = nil
    ) -> (picture: Photo, reconstruction: Photo?)? {
        let made = generator(Tensor(photo)), returned = back?(made)
        guard made.isFinite, returned?.isFinite != false else { return nil }
        return (made.photo, returned?.photo)
    }
}

extension Tensor {
    fileprivate var isFinite: Bool { (0..<shape.count).allSatisfy { pointer[$0].isFinite } }
}
