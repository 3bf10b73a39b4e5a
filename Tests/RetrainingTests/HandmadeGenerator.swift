import Networks
import Photos
import Tensors
import Weights

@testable import Evaluation

/// A generator whose weights are chosen, not trained: luminance goes through it in two channels, one for what is
/// lighter than the mean and one for what is darker, and becomes the three colours again.
struct HandmadeGenerator {
    /// Of luminance in each colour; below 0, light becomes dark.
    var gains: [Float] = [0.45, 0.45, 0.45]
    /// The tint, -1 to 1 before the last non-linearity.
    var tint: [Float] = [0, 0, 0]
    /// Of the square that the last layer takes the mean of: 1 for sharp pictures.
    var blur = 1
    /// With `resize`, pictures are made of even blocks, which have no period; with `transposed`, three of four pixels
    /// stay empty: dots.
    var upsampling = GeneratorDescription.Upsampling.resize

    func generator() -> ResNetGenerator {
        let description = GeneratorDescription(
            baseChannels: 4, residualBlocks: 0, activation: .relu, upsampling: upsampling)
        let layers = description.layers
        return ResNetGenerator(description) { key in
            guard let layer = layers.first(where: { $0.weightKey == key }) else {
                let layer = layers.first { $0.biasKey == key }!
                return layer.kind == .last ? tint : [Float](repeating: 0, count: layer.outputChannels)
            }
            return weights(layer)
        }
    }

    private func weights(_ layer: GeneratorDescription.Layer) -> [Float] {
        var weights = [Float](repeating: 0, count: layer.weightShape.reduce(1, *))
        let k = layer.kernelSize, centre = k / 2
        func set(_ output: Int, _ input: Int, _ value: Float, dy: Int = 0, dx: Int = 0) {
            let (first, second) = layer.kind == .upsamplingTransposed ? (input, output) : (output, input)
            weights[((first * layer.weightShape[1] + second) * k + centre + dy) * k + centre + dx] = value
        }
        switch layer.kind {
        case .first:
            for (input, part) in [Float(0.299), 0.587, 0.114].enumerated() {
                set(0, input, part)
                set(1, input, -part)
            }
        case .last:
            let reach = blur / 2, area = Float(blur * blur)
            for c in 0..<3 {
                for dy in -reach...reach {
                    for dx in -reach...reach {
                        set(c, 0, gains[c] / area, dy: dy, dx: dx)
                        set(c, 1, -gains[c] / area, dy: dy, dx: dx)
                    }
                }
            }
        default:
            set(0, 0, 1)
            set(1, 1, 1)
        }
        return weights
    }
}

/// Made photos, and a network to look at them with that takes no time.
enum Made {
    static func photo(_ number: Int, side: Int = 256) -> Photo {
        var random = EvaluationRandom(seed: 14, purpose: "photo", number: number)
        let colours = (0..<6).map { _ in random.below(200) + 20 }, (cx, cy) = (random.below(side), random.below(side))
        let radius = side * side / 12 + random.below(side * side / 12)
        var pixels: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                let isInside = (x - cx) * (x - cx) + (y - cy) * (y - cy) < radius, grain = random.below(17) - 8
                for c in 0..<3 {
                    pixels.append(UInt8(min(max(colours[c + (isInside ? 0 : 3)] + (x + y) / 12 + grain, 0), 255)))
                }
            }
        }
        return Photo(width: side, height: side, pixels: pixels, format: .png)
    }

    static func photos(_ numbers: Range<Int>) -> ImageList { ImageList(numbers.map { photo($0) }) }

    /// What a generator makes of other photos.
    static func paintings(_ numbers: Range<Int>, by generator: ResNetGenerator) -> ImageList {
        let maker = PictureMaker(generator, .network)
        return ImageList(numbers.map { try! maker.made(of: photo($0), .whole).picture })
    }

    /// VGG16's layers to relu3_3 with few channels and weights by chance.
    static func network() throws -> VGG16 {
        let path = "\(Scratch.folder)/vgg16.safetensors"
        try weights(path)
        return try VGG16(Safetensors.read(path), tap: .relu3_3)
    }

    static func weights(_ path: String) throws {
        let widths = [(0, 3, 8), (2, 8, 8), (5, 8, 12), (7, 12, 12), (10, 12, 16), (12, 16, 16), (14, 16, 16)]
        var random = EvaluationRandom(seed: 3, purpose: "network")
        var tensors: [(name: String, shape: [Int], values: [Float])] = []
        for (index, input, output) in widths {
            let scale = (6 / Float(9 * input)).squareRoot()
            let values = (0..<output * input * 9).map { _ in scale * (Float(random.below(2001)) / 1000 - 1) }
            tensors.append(("features.\(index).weight", [output, input, 3, 3], values))
            tensors.append(("features.\(index).bias", [output], [Float](repeating: 0.1, count: output)))
        }
        try Safetensors.write(path, tensors: tensors, metadata: [:])
    }
}
