import Digests
import Foundation
import Weights

/// Weights that are not this project's to ship: where they are and what they must be.
package struct RemoteWeights: Sendable {
    package let name: String
    package let fileName: String
    package let url: URL
    package let byteCount: Int
    /// Of the whole file.
    package let sha256: SHA256Digest

    package init(name: String, fileName: String, url: URL, byteCount: Int, sha256: SHA256Digest) {
        self.name = name
        self.fileName = fileName
        self.url = url
        self.byteCount = byteCount
        self.sha256 = sha256
    }

    /// torchvision's VGG16, for the semantic loss.
    package static let vgg16 = RemoteWeights(
        name: "vgg16", fileName: "vgg16-397923af.pth",
        url: URL(string: "https://download.pytorch.org/models/vgg16-397923af.pth")!, byteCount: 553_433_881,
        sha256: SHA256Digest(hexadecimal: "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0")!)

    /// The Inception network of pytorch-fid, for the FID at 2048 dimensions.
    package static let inception = RemoteWeights(
        name: "inception", fileName: "pt_inception-2015-12-05-6726825d.pth",
        url: URL(
            string: "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/"
                + "pt_inception-2015-12-05-6726825d.pth"
        )!,
        byteCount: 95_628_359,
        sha256: SHA256Digest(hexadecimal: "6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2")!)

    package static let all = [vgg16, inception]
}
