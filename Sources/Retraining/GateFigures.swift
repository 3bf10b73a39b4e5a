import Evaluation
import Foundation

/// What the gate measured, and what follows from it. The same images, models and seed give the same bits.
package struct GateFigures: Sendable, Equatable, Codable {
    package enum Decision: String, Sendable, Codable {
        /// Nearer to the paintings with 95 % confidence, and nothing speaks against it.
        case promote
        /// Nothing is wrong with the candidate, but it is not surely better.
        case keep
        /// Something is wrong with the candidate.
        case refuse
    }

    /// The distance of pictures from the held-out paintings; `difference` is the candidate's less the other's.
    package struct Style: Sendable, Equatable, Codable {
        package var candidate, current, difference: Estimate

        package init(candidate: Estimate, current: Estimate, difference: Estimate) {
            (self.candidate, self.current, self.difference) = (candidate, current, difference)
        }
    }

    /// Mean distances of the photos' VGG16 features.
    package struct Content: Sendable, Equatable, Codable {
        package var candidate: Double
        /// Nil where there is no model in use.
        package var current: Double?
        /// By how much of the current distance the candidate's is larger.
        package var loss: Double? { current.map { $0 > 0 ? candidate / $0 - 1 : 0 } }

        package init(candidate: Double, current: Double?) { (self.candidate, self.current) = (candidate, current) }
    }

    package var decision: Decision
    /// One sentence each: why the candidate is refused, or what decided.
    package var reasons: [String]
    package var photos: Int
    package var paintings: Int
    /// Pixels of the images' short side in this comparison.
    package var scale: Int
    package var seed: UInt64
    /// On VGG16's features; nil where the candidate makes no pictures at all. Where there is no model in use, the
    /// photos stand in for its pictures.
    package var style: Style?
    /// On Inception's features, where its weights are installed: the KID. It is for people; it decides nothing.
    package var kid: Style?
    /// Photo to picture.
    package var content: Content?
    /// Photo to reconstruction, where the way back is there.
    package var reconstruction: Content?
    package var faults: PictureFaults?
    /// The regular patterns of the paintings.
    package var referencePattern: Double?

    package init(decision: Decision, reasons: [String], photos: Int, paintings: Int, scale: Int, seed: UInt64) {
        (self.decision, self.reasons, self.photos, self.paintings) = (decision, reasons, photos, paintings)
        (self.scale, self.seed) = (scale, seed)
    }

    enum CodingKeys: String, CodingKey {
        case decision, reasons, photos, paintings, scale, seed, style, kid, content, reconstruction, faults
        case referencePattern = "reference-pattern"
    }

    /// The figures in lines for people.
    package var lines: [String] {
        func number(_ value: Double) -> String { Self.text(value) }
        func style(_ name: String, _ style: Style?) -> [String] {
            guard let style else { return [] }
            let d = style.difference
            return [
                "\(name): \(number(style.current.value)) before, \(number(style.candidate.value)) now; difference "
                    + "\(number(d.value)) (95 %: \(number(d.low)) to \(number(d.high)))"
            ]
        }
        func content(_ name: String, _ content: Content?) -> [String] {
            guard let content else { return [] }
            guard let current = content.current, let loss = content.loss else {
                return ["\(name): \(number(content.candidate))"]
            }
            return [
                "\(name): \(number(current)) before, \(number(content.candidate)) now "
                    + "(\(loss < 0 ? "" : "+")\(number(loss * 100)) %)"
            ]
        }
        var lines = [
            "\(photos) photos and \(paintings) paintings kept aside from training, \(scale) pixels on the short side"
        ]
        lines += style("distance from the paintings (kernel distance on VGG16 features)", self.style)
        lines += style("KID", kid)
        lines += content("content lost, photo to picture", self.content)
        lines += content("content lost, photo to reconstruction", reconstruction)
        if let faults, let referencePattern {
            lines.append(
                "deviation of colours \(number(faults.spread)), variety \(number(faults.variety)), correlation of "
                    + "luminance \(number(faults.luminanceCorrelation)), patterns \(number(faults.pattern)) "
                    + "(paintings: \(number(referencePattern)))"
                    + (faults.lattice.map { ", lattice of the network \(number($0 * 100)) %" } ?? ""))
        }
        return lines
    }

    static func text(_ value: Double) -> String { String(format: "%.4g", value) }
}
