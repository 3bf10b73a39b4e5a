import Weights

/// How the Inception network of the FID is built: the blocks of torchvision's `Inception3` with pytorch-fid's changes,
/// and which files hold that network.
package enum InceptionV3Layers {
    /// Where features are taken: after which part of the network. The raw value is how many there are.
    package enum Tap: Int, Sendable, CaseIterable, Comparable {
        case firstMaxPool = 64, secondMaxPool = 192, mixed6e = 768, mixed7c = 2048

        package static func < (a: Tap, b: Tap) -> Bool { a.rawValue < b.rawValue }
    }

    /// Of 3x3 pixels.
    package enum Pooling: Sendable, Hashable {
        /// Stride 1, padding 1, which does not count.
        case average
        case maximum(stride: Int, pad: Int)
    }

    /// A convolution without bias, behind it batch normalisation (epsilon 0.001) and ReLU.
    package struct Layer: Sendable {
        package let key: String
        package let input, output: Int
        package let height, width, stride, padHeight, padWidth: Int

        package var weightShape: [Int] { [output, input, height, width] }
    }

    /// Pooling if there is one, convolutions one after the other, then those that all read the last one's output and
    /// whose outputs are the branch's part of the block's.
    package struct Branch: Sendable {
        package var pooling: Pooling?
        package var path: [Layer] = []
        package var ends: [Layer] = []
    }

    /// Branches side by side; their outputs stand behind one another.
    package struct Block: Sendable {
        package var branches: [Branch]
    }

    /// Height and width of a kernel, stride, padding.
    private struct Kernel {
        var height, width, stride, padHeight, padWidth: Int

        init(_ side: Int, stride: Int = 1, pad: Int = 0) { self.init(side, side, stride, pad, pad) }

        /// Stride 1.
        init(_ height: Int, _ width: Int, _ padHeight: Int, _ padWidth: Int) {
            self.init(height, width, 1, padHeight, padWidth)
        }

        private init(_ height: Int, _ width: Int, _ stride: Int, _ padHeight: Int, _ padWidth: Int) {
            (self.height, self.width, self.stride, self.padHeight, self.padWidth) = (
                height, width, stride, padHeight, padWidth
            )
        }
    }

    /// The blocks between one tap and the next.
    package static func stages(to tap: Tap) -> [[Block]] {
        let stages: [(tap: Tap, blocks: [Block])] = [
            (
                .firstMaxPool,
                [
                    chain(
                        layer("Conv2d_1a_3x3", 3, 32, .init(3, stride: 2)), layer("Conv2d_2a_3x3", 32, 32, .init(3)),
                        layer("Conv2d_2b_3x3", 32, 64, .init(3, pad: 1))),
                    pool,
                ]
            ),
            (
                .secondMaxPool,
                [chain(layer("Conv2d_3b_1x1", 64, 80, .init(1)), layer("Conv2d_4a_3x3", 80, 192, .init(3))), pool]
            ),
            (
                .mixed6e,
                [
                    mixedA("Mixed_5b", 192, pool: 32), mixedA("Mixed_5c", 256, pool: 64),
                    mixedA("Mixed_5d", 288, pool: 64),
                    mixedB("Mixed_6a", 288), mixedC("Mixed_6b", 128), mixedC("Mixed_6c", 160), mixedC("Mixed_6d", 160),
                    mixedC("Mixed_6e", 192),
                ]
            ),
            (
                .mixed7c,
                [
                    mixedD("Mixed_7a"), mixedE("Mixed_7b", 1280, .average),
                    mixedE("Mixed_7c", 2048, .maximum(stride: 1, pad: 1)),
                ]
            ),
        ]
        return stages.filter { $0.tap <= tap }.map(\.blocks)
    }

    /// All convolutions up to a tap.
    static func layers(to tap: Tap) -> [Layer] {
        stages(to: tap).joined().flatMap { $0.branches.flatMap { $0.path + $0.ends } }
    }

    /// Key and shape of every tensor up to a tap.
    package static func tensorShapes(to tap: Tap) -> [(key: String, shape: [Int])] {
        layers(to: tap).flatMap { layer in
            [("\(layer.key).conv.weight", layer.weightShape)]
                + ["weight", "bias", "running_mean", "running_var"].map { ("\(layer.key).bn.\($0)", [layer.output]) }
        }
    }

    private static func layer(_ key: String, _ input: Int, _ output: Int, _ k: Kernel) -> Layer {
        Layer(
            key: key, input: input, output: output, height: k.height, width: k.width, stride: k.stride,
            padHeight: k.padHeight,
            padWidth: k.padWidth)
    }

    /// Layers one after the other.
    private static func chain(_ layers: Layer...) -> Block {
        Block(branches: [Branch(path: layers.dropLast(), ends: [layers.last!])])
    }

    private static let pool = Block(branches: [Branch(pooling: .maximum(stride: 2, pad: 0))])

    private static var across: Kernel { Kernel(1, 7, 0, 3) }
    private static var down: Kernel { Kernel(7, 1, 3, 0) }

    private static func mixedA(_ name: String, _ c: Int, pool: Int) -> Block {
        Block(branches: [
            Branch(ends: [layer("\(name).branch1x1", c, 64, .init(1))]),
            Branch(
                path: [layer("\(name).branch5x5_1", c, 48, .init(1))],
                ends: [layer("\(name).branch5x5_2", 48, 64, .init(5, pad: 2))]),
            Branch(
                path: [
                    layer("\(name).branch3x3dbl_1", c, 64, .init(1)),
                    layer("\(name).branch3x3dbl_2", 64, 96, .init(3, pad: 1)),
                ],
                ends: [layer("\(name).branch3x3dbl_3", 96, 96, .init(3, pad: 1))]),
            Branch(pooling: .average, ends: [layer("\(name).branch_pool", c, pool, .init(1))]),
        ])
    }

    private static func mixedB(_ name: String, _ c: Int) -> Block {
        Block(branches: [
            Branch(ends: [layer("\(name).branch3x3", c, 384, .init(3, stride: 2))]),
            Branch(
                path: [
                    layer("\(name).branch3x3dbl_1", c, 64, .init(1)),
                    layer("\(name).branch3x3dbl_2", 64, 96, .init(3, pad: 1)),
                ],
                ends: [layer("\(name).branch3x3dbl_3", 96, 96, .init(3, stride: 2))]),
            Branch(pooling: .maximum(stride: 2, pad: 0)),
        ])
    }

    /// - Parameter w: channels between the kernels of seven.
    private static func mixedC(_ name: String, _ w: Int) -> Block {
        let c = 768
        return Block(branches: [
            Branch(ends: [layer("\(name).branch1x1", c, 192, .init(1))]),
            Branch(
                path: [layer("\(name).branch7x7_1", c, w, .init(1)), layer("\(name).branch7x7_2", w, w, across)],
                ends: [layer("\(name).branch7x7_3", w, 192, down)]),
            Branch(
                path: [
                    layer("\(name).branch7x7dbl_1", c, w, .init(1)), layer("\(name).branch7x7dbl_2", w, w, down),
                    layer("\(name).branch7x7dbl_3", w, w, across), layer("\(name).branch7x7dbl_4", w, w, down),
                ], ends: [layer("\(name).branch7x7dbl_5", w, 192, across)]),
            Branch(pooling: .average, ends: [layer("\(name).branch_pool", c, 192, .init(1))]),
        ])
    }

    private static func mixedD(_ name: String) -> Block {
        Block(branches: [
            Branch(
                path: [layer("\(name).branch3x3_1", 768, 192, .init(1))],
                ends: [layer("\(name).branch3x3_2", 192, 320, .init(3, stride: 2))]),
            Branch(
                path: [
                    layer("\(name).branch7x7x3_1", 768, 192, .init(1)),
                    layer("\(name).branch7x7x3_2", 192, 192, across),
                    layer("\(name).branch7x7x3_3", 192, 192, down),
                ], ends: [layer("\(name).branch7x7x3_4", 192, 192, .init(3, stride: 2))]),
            Branch(pooling: .maximum(stride: 2, pad: 0)),
        ])
    }

    private static func mixedE(_ name: String, _ c: Int, _ pooling: Pooling) -> Block {
        func pair(_ prefix: String, _ letters: (String, String)) -> [Layer] {
            [
                layer(prefix + letters.0, 384, 384, Kernel(1, 3, 0, 1)),
                layer(prefix + letters.1, 384, 384, Kernel(3, 1, 1, 0)),
            ]
        }
        return Block(branches: [
            Branch(ends: [layer("\(name).branch1x1", c, 320, .init(1))]),
            Branch(
                path: [layer("\(name).branch3x3_1", c, 384, .init(1))], ends: pair("\(name).branch3x3_2", ("a", "b"))),
            Branch(
                path: [
                    layer("\(name).branch3x3dbl_1", c, 448, .init(1)),
                    layer("\(name).branch3x3dbl_2", 448, 384, .init(3, pad: 1)),
                ], ends: pair("\(name).branch3x3dbl_3", ("a", "b"))),
            Branch(pooling: pooling, ends: [layer("\(name).branch_pool", c, 192, .init(1))]),
        ])
    }

    /// The deepest tap that a file has all tensors for; nil where it is another network. Throws `WeightsError` where it
    /// is one that only looks like it.
    package static func deepestTap(_ file: WeightsFile) throws -> Tap? {
        // The network of torchvision has the same keys, but was trained otherwise, and pools otherwise.
        let classes = file.tensors["fc.weight"]?.shape.first
        if file.tensors.keys.contains(where: { $0.hasPrefix("AuxLogits.") }) || classes != nil && classes != 1008 {
            throw refusal(of: file, "is torchvision's Inception, whose features are not those of the FID; ")
        }
        return Tap.allCases.last { tap in
            tensorShapes(to: tap).allSatisfy { file.tensors[$0.key]?.shape == $0.shape }
        }
    }

    private static func refusal(of file: WeightsFile, _ what: String, atMost deepest: Tap? = nil) -> WeightsError {
        WeightsError(path: file.path) { called in
            what + (deepest.map { "use \(called(.dimensions($0.rawValue))), or " } ?? "")
                + "take pt_inception-2015-12-05-6726825d.pth (\(called(.published("inception")))), or safetensors with "
                + "its keys"
        }
    }

    /// Throws `WeightsError` where a file has not the network up to a tap, saying what it has.
    package static func validate(_ file: WeightsFile, tap: Tap) throws {
        guard let deepest = try deepestTap(file) else {
            let wrong = tensorShapes(to: .firstMaxPool).first { file.tensors[$0.key]?.shape != $0.shape }!
            let found =
                file.tensors[wrong.key].map { "has the shape \($0.shape), expected \(wrong.shape)" } ?? "is missing"
            throw refusal(of: file, "is not the Inception network of the FID: \"\(wrong.key)\" \(found); ")
        }
        guard tap <= deepest else {
            let wrong = tensorShapes(to: tap).first { file.tensors[$0.key]?.shape != $0.shape }!
            throw refusal(
                of: file,
                "ends before \"\(wrong.key)\", which \(tap.rawValue) dimensions need; it has features of at most "
                    + "\(deepest.rawValue): ", atMost: deepest)
        }
    }
}
