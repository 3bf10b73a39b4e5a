import XCTest

@testable import CycleGAN

final class ConfigurationTests: XCTestCase {
    func testTheFileGivesBackEveryKey() throws {
        var c = TrainingConfiguration()
        // A value other than the default for each, through the same texts that a person writes.
        let texts = [
            "photos": "/a b/ü \"q\" \\ #1", "paintings": "p: 1", "variant": "semantic", "upsampling": "resize",
            "semantic-layer": "relu2_2",
            "semantic-squared": "true", "blur-pool": "true", "style-roots": "true", "spectral-normalization": "true",
            "alarm": "true",
            "diff-augment": "color,cutout", "minutes": "2.5", "trained-on": "two\nlines", "learning-rate": "1e-05",
            "leaky-slope": "0.2",
            "replay": "0.25", "lambda-identity": "0.25", "ema": "0.999", "load-size": "72", "crop-size": "64",
            "sizes": "480,640",
            "photo-sizes": "256", "downsampling-padding": "reflection", "skip": "colours",
            "stages": "800 sizes=480,640 grain=0.05; 2000 style-weight=2.0",
        ]
        for key in TrainingConfiguration.keys {
            let text =
                texts[key.name]
                ?? (key.values.hasPrefix("a text") ? "-text" : key.values.contains("whole") ? "33" : "0.75")
            try c.set(key.name, text)
            XCTAssertNotEqual(key.text(c), key.text(TrainingConfiguration()), key.name)
        }
        XCTAssertEqual(try TrainingConfiguration(yaml: c.yaml, path: "training.yaml"), c)
        XCTAssertEqual(c.yaml.split(separator: "\n").count, TrainingConfiguration.keys.count + 1)
    }

    func testLinesMayEndWithCarriageReturns() throws {
        let c = try TrainingConfiguration(
            yaml: "# made elsewhere\r\nphotos: a\r\npaintings: \"b c\"\r\nseed: 7\r\n", path: "training.yaml")
        XCTAssertEqual([c.photos, c.paintings, "\(c.seed)"], ["a", "b c", "7"])
        XCTAssertThrowsError(try TrainingConfiguration(yaml: "photos: a\r\nsped: 1\r\n", path: "training.yaml")) {
            XCTAssertTrue("\($0)".hasPrefix("training.yaml:2: there is no key sped"), "\($0)")
        }
        let pairs = try PairsFile.parse(
            "# photo, painting\r\na.jpg\tb.jpg\t1,2,0\t0,0,1\r\n", path: "pairs", loadSize: 72, cropSize: 64)
        XCTAssertEqual(pairs.count, 1)
    }

    func testWrongLinesAreNamed() {
        for (yaml, expected) in [
            ("photos: a\nsped: 1\n", "training.yaml:2: there is no key sped"),
            ("seed: -1\n", "training.yaml:1: seed is \"-1\", expected a whole number"),
            ("# x\n\nseed: 1\nseed: 2\n", "training.yaml:4: seed is set in line 3 already"),
            ("seed:1\n", "training.yaml:1:"),
            ("  seed: 1\n", "training.yaml:1: expected 'key: value'"),
            ("photos: [a]\n", "training.yaml:1: photos: the value"),
            (
                "variant: best\n",
                "training.yaml:1: variant is \"best\", expected one of original, leaky-relu, semantic, hybrid"
            ),
            ("diff-augment: color,blur\n", "training.yaml:1: diff-augment is"),
            ("photos: \"a\n", "training.yaml:1: photos: the value"),
        ] {
            XCTAssertThrowsError(try TrainingConfiguration(yaml: yaml, path: "training.yaml")) {
                XCTAssertTrue("\($0)".hasPrefix(expected), "\($0)")
            }
        }
    }

    func testContradictionsAreNamed() throws {
        var c = TrainingConfiguration()
        (c.photos, c.paintings, c.iterations, c.featureWeights) = ("a", "b", 1, "c")
        XCTAssertNoThrow(try c.validate())
        for (change, expected) in [
            ({ $0.photos = "" }, "photos"), ({ $0.minutes = 1 }, "iterations, epochs and minutes"),
            ({ $0.iterations = nil }, "none of iterations"),
            ({ $0.cropSize = 254 }, "crop-size"), ({ $0.cropSize = 288 }, "load-size"),
            ({ $0.replay = 0.5 }, "replay-photos"),
            ({ $0.featureWeights = nil }, "weights fetch vgg16"), ({ $0.featureWeights = nil }, "weights import FILE"),
        ] as [((inout TrainingConfiguration) -> Void, String)] {
            var wrong = c
            change(&wrong)
            XCTAssertThrowsError(try wrong.validate()) {
                XCTAssertTrue("\($0)".contains(expected), "\($0)")
                XCTAssertFalse("\($0)".contains("\n"))
            }
        }
        c.featureWeights = nil
        c.variant = .leakyReLU
        XCTAssertNoThrow(try c.validate())
    }

    func testAReportsDurationsAreForPeople() {
        XCTAssertEqual(
            [0.4, 12, 250, 7500, 200_000].map(DurationText.text), ["0 s", "12 s", "4 min 10 s", "2 h 5 min", "2 d 7 h"])
        XCTAssertEqual(DurationText.text(.nan), "?")
    }
}
