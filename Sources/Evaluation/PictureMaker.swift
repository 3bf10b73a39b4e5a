import Networks
import Photos
import Stylizing
import Tensors

/// A model that makes pictures to be looked at, and photos of them again where the way back is there.
package struct PictureMaker: Sendable {
    package enum Manner: Sendable {
        /// The network alone, of photos as large as they are looked at: the paper's protocol.
        case network
        /// As the service makes them (`Stylizer`): of photos as large as the model's strokes ask for, without the
        /// network's lattice. What comes of it is then made as large as it is looked at.
        case translation
    }

    /// What was made of one photo. All but `rendered` are as large as they are looked at.
    package struct Made: Sendable {
        package var photo, picture: Photo
        package var reconstruction: Photo?
        /// The picture as it was made: regular patterns do not outlive a change of size.
        package var rendered: Photo
        /// What the network alone makes of a square of the photo: with the lattice that translation takes out.
        package var raw: Photo

        package init(photo: Photo, picture: Photo, reconstruction: Photo? = nil, rendered: Photo, raw: Photo) {
            (self.photo, self.picture, self.reconstruction) = (photo, picture, reconstruction)
            (self.rendered, self.raw) = (rendered, raw)
        }
    }

    package let generator: ResNetGenerator
    package let back: ResNetGenerator?
    private let manner: Manner
    private var context: ComputeContext { generator.context }
    private let stylizer: Stylizer

    package init(_ generator: ResNetGenerator, back: ResNetGenerator? = nil, _ manner: Manner) {
        (self.generator, self.back, self.manner) = (generator, back, manner)
        stylizer = Stylizer(generator: generator)
    }

    /// Throws `StylizingError.notFinite` where a value is no finite number; `PhotoError` where memory is short.
    package func made(of original: Photo, _ framing: Framing) throws -> Made {
        switch manner {
        case .network:
            let photo = try framing.resized(original)
            let values = generator(Tensor(photo, in: context)), picture = try values.picture()
            return Made(
                photo: photo, picture: picture, reconstruction: try back?(values).picture(), rendered: picture,
                raw: picture)
        case .translation:
            let size = RenderSize.strokes(.medium).applied(
                width: original.width, height: original.height, workingSize: generator.description.workingSize)
            let photo =
                size == (original.width, original.height)
                ? original : try original.resized(toWidth: size.width, height: size.height)
            let rendered = try stylizer.stylize(photo)
            let reconstruction = try back.map { try framing.resized($0(Tensor(rendered, in: context)).picture()) }
            return Made(
                photo: try framing.resized(original), picture: try framing.resized(rendered),
                reconstruction: reconstruction, rendered: rendered,
                raw: try generator(Tensor(photo.cropped(x: 0, y: 0, side: Framing.cropSide), in: context)).picture())
        }
    }
}

extension Tensor {
    /// The first image of a batch, rounded to 8 bits. Throws `StylizingError.notFinite`.
    fileprivate func picture() throws -> Photo {
        let count = shape.h * shape.w * shape.c, strange = (0..<count).count { !pointer[$0].isFinite }
        guard strange == 0 else { throw StylizingError.notFinite(strange, of: count) }
        return photo
    }
}
