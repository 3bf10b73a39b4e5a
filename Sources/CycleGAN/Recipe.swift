/// Settings that go well together, under a name.
package enum Recipe: String, Sendable, CaseIterable {
    /// Brush strokes at the picture's own size, the painter's palette, no lattice (docs/training.md).
    case painterly

    /// Key and text, in the order in which they are set.
    package var settings: [(key: String, text: String)] {
        switch self {
        case .painterly:
            [
                ("base-channels", "32"), ("residual-blocks", "6"), ("upsampling", "bilinear"),
                ("downsampling-padding", "reflection"),
                ("skip", "colours"), ("discriminator-channels", "32"), ("load-size", "144"), ("crop-size", "128"),
                ("lambda-cycle", "4"),
                ("semantic-weight", "0.5"), ("identity-every", "2"), ("style-weight", "3"), ("style-clusters", "12"),
                ("style-roots", "true"),
                ("feature-adversarial-weight", "4"), ("colour-weight", "3"), ("content-weight", "0.3"),
                ("spot-weight", "60"), ("spike-weight", "5"),
                ("lattice-weight", "1500"), ("diff-augment", "color,translation"), ("ema", "0.998"),
                ("stages", "800 sizes=480,640,800 photo-sizes=132,160,256,384,512,640 grain=0.05"),
            ]
        }
    }
}
