import CycleGAN
import Evaluation
import Photos

/// In sRGB: what a model takes.
extension ImageFolder: ImageSource {
    package var count: Int { names.count }
    package func photo(_ index: Int) throws -> Photo { try photo(index, colour: .sRGB) }
}

/// A folder's pixels as they are stored, whatever colour profile stands beside them: pytorch-fid and clean-fid do not
/// look at it, and nine in ten photos of the paper's set have one.
package struct StoredPixels: ImageSource {
    private let folder: ImageFolder

    package init(_ folder: ImageFolder) { self.folder = folder }

    package var count: Int { folder.count }
    package func name(_ index: Int) -> String { folder.name(index) }
    package func photo(_ index: Int) throws -> Photo { try folder.photo(index, colour: .none) }
}
