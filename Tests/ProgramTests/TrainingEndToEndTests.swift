import Digests
import Foundation
import LinuxFiles
import Photos
import Retraining
import StyleService
import Weights
import XCTest

/// The service improves itself: installed, under a real systemd, with a model that is trained in seconds.
final class TrainingEndToEndTests: XCTestCase {
    private var systemd: PrivateSystemd!
    private let spool = "/srv/cyclegan-styled", state = "/var/lib/cyclegan-styled"

    override func setUpWithError() throws {
        continueAfterFailure = false
        systemd = try PrivateSystemd(seconds: 400)
        let isStatic = FileManager.default.isExecutableFile(
            atPath: Built.project.path + "/.build/static/release/cyclegan-styled")
        let canRun = isStatic ? true : try systemd.installBuiltPrograms()
        try XCTSkipUnless(canRun, "the built programs do not run in a private systemd: build them with make static")
        let scratch = isStatic ? "/project/.build/static" : "/programs"
        try expect("make -C /project -f systemd/install.mk install SWIFT=true STATIC_SCRATCH=\(scratch)")
        try prepare()
    }

    override func tearDown() { systemd?.halt() }

    @discardableResult
    private func expect(_ command: String, file: StaticString = #filePath, line: UInt = #line) throws -> String {
        let result = try systemd.shell(command)
        XCTAssertEqual(result.status, 0, "\(command): \(result.output)", file: file, line: line)
        return result.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func waitFor(_ command: String, seconds: Double = 60, file: StaticString = #filePath, line: UInt = #line)
        throws
    {
        let deadline = Date() + seconds
        while try systemd.shell(command).status != 0 {
            guard Date() < deadline else {
                let journal = try systemd.shell(
                    "journalctl -u cyclegan-styled --no-pager -n 40; cyclegan-style retrain --status; ls -R \(state); "
                        + "cat \(state)/runs/*/log.txt"
                ).output
                return XCTFail("waited in vain for: \(command)\n\(journal)", file: file, line: line)
            }
            usleep(200_000)
        }
    }

    private func put(_ bytes: [UInt8], _ path: String) throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("put-\(getpid())").path
        defer { try? FileManager.default.removeItem(atPath: file) }
        try Data(bytes).base64EncodedString().write(toFile: file, atomically: true, encoding: .utf8)
        try systemd.feed(
            file,
            to:
                "mkdir -p $(dirname '\(path)') && base64 -d > '\(path)' && chown -R cyclegan-styled: $(dirname "
                + "'\(path)')"
        )
    }

    // MARK: A small world

    /// Two fields of colour; a painter's are much warmer.
    private func image(_ number: Int, isPainted: Bool) throws -> [UInt8] {
        let side = 96, shares = isPainted ? [1.0, 0.7, 0.25] : [1, 1, 1], light = isPainted ? 40.0 : 0
        var pixels: [UInt8] = []
        for y in 0..<side {
            for x in 0..<side {
                let dx = x - 20 - number * 5 % 60, dy = y - 48
                let base = dx * dx + dy * dy < 700 ? 80 + (number * 37 + 40) % 40 : 130 + (number * 53 + 70) % 40
                for c in 0..<3 {
                    let value = Double(base + (x * 7 + y * 13 + c) % 9) * shares[c] + (c == 0 ? light : 0)
                    pixels.append(UInt8(min(max(value, 0), 255)))
                }
            }
        }
        return try png(pixels, side)
    }

    private func noise(_ number: Int) throws -> [UInt8] {
        var random = UInt64(number + 1)
        let pixels = (0..<96 * 96 * 3).map { _ -> UInt8 in
            random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(random >> 56)
        }
        return try png(pixels, 96)
    }

    private func png(_ pixels: [UInt8], _ side: Int) throws -> [UInt8] {
        try PhotoEncoder.encode(
            Photo(width: side, height: side, pixels: pixels, format: .png), options: EncodingOptions(format: .png))
    }

    private func prepare() throws {
        try expect("mkdir -p /etc/cyclegan-styled/conf.d \(state)/weights \(state)/models")
        try put(try featureNetwork(), "\(state)/weights/vgg16.safetensors")
        try configure(learningRate: 0.002, iterations: 300)
        try expect("chown -R root: /etc/cyclegan-styled; chown -R cyclegan-styled: \(state)")
    }

    /// VGG16's layers to relu3_3 with few channels and weights by chance: features are looked at in no time.
    private func featureNetwork() throws -> [UInt8] {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("vgg16-\(getpid()).safetensors")
        defer { try? FileManager.default.removeItem(at: file) }
        var random = UInt64(5)
        let widths = [(0, 3, 8), (2, 8, 8), (5, 8, 12), (7, 12, 12), (10, 12, 16), (12, 16, 16), (14, 16, 16)]
        let tensors = widths.flatMap { index, input, output -> [(name: String, shape: [Int], values: [Float])] in
            let scale = (6 / Float(9 * input)).squareRoot()
            let values = (0..<output * input * 9).map { _ -> Float in
                random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return scale * (Float(random >> 40) / Float(1 << 23) - 1)
            }
            return [
                ("features.\(index).weight", [output, input, 3, 3], values),
                ("features.\(index).bias", [output], [Float](repeating: 0.1, count: output)),
            ]
        }
        try Safetensors.write(file.path, tensors: tensors, metadata: [:])
        return Array(try Data(contentsOf: file))
    }

    private func configure(learningRate: Double, iterations: Int) throws {
        let settings = [
            "base-channels=4", "residual-blocks=1", "discriminator-channels=4", "grain=0", "sizes=96", "photo-sizes=96",
            "load-size=96",
            "crop-size=64", "stages=none", "lattice-weight=0", "feature-adversarial-weight=0", "style-weight=0",
            "colour-weight=0", "content-weight=0",
            "diff-augment=none", "learning-rate=\(learningRate)", "checkpoint-every=5", "ema=0.9",
        ].map { "\"\($0)\"" }.joined(separator: ", ")
        let configuration = """
            styles:
              warm:
                retrain: {when: minutely, min-new-images: 20, iterations: \(iterations), threads: 1, settings: \
                [\(settings)]}
            inboxes:
              vangogh: {inbox: inbox, outbox: outbox, style: warm}
            stop-within: 5s
            """
        try put(Array(configuration.utf8), "/etc/cyclegan-styled/conf.d/10.yaml")
        try expect("chown -R root: /etc/cyclegan-styled")
    }

    private func drop(_ range: Range<Int>, _ domain: String, _ make: (Int) throws -> [UInt8]) throws {
        for number in range { try put(try make(number), "\(spool)/domains/warm/\(domain)/\(domain)-\(number).png") }
    }

    private func models() throws -> [[String: Any]] {
        let text = try expect("cyclegan-style models list --json")
        let all = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [[String: Any]] ?? []
        return all.compactMap { $0["model"] as? [String: Any] }
    }

    private func entries(_ event: ServiceEvent) throws -> [[String: Any]] {
        try expect("journalctl -u cyclegan-styled MESSAGE_ID=\(event.rawValue) -o json --no-pager").split(
            separator: "\n"
        ).compactMap {
            try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
        }
    }

    // MARK: The story

    func testServiceImprovesItself() throws {
        try expect("systemctl start cyclegan-styled")
        try put(try image(200, isPainted: false), "\(spool)/inbox/early.png")
        try drop(0..<14, "photos") { try image($0, isPainted: false) }
        try drop(0..<14, "paintings") { try image($0 + 50, isPainted: true) }
        // The schedule begins a run by itself, with the first model of a style that had none.
        try waitFor("cyclegan-style retrain --status | grep -q 'iteration'", seconds: 120)
        let child = try expect("pgrep -x cyclegan-style")
        XCTAssertTrue(try expect("chrt -p \(child)").contains("SCHED_IDLE"))
        XCTAssertEqual(try expect("cat /proc/\(child)/oom_score_adj"), "800")
        XCTAssertTrue(try expect("ionice -p \(child)").contains("idle"))
        XCTAssertTrue(
            try expect("cat /proc/\(child)/cgroup").contains("cyclegan-styled.service/training"),
            "a control group of its own")
        try waitFor("systemctl show -P StatusText cyclegan-styled | grep -q 'training warm'")
        // Killed, child and service, it goes on.
        try expect("kill -9 \(child)")
        try waitFor("pgrep -x cyclegan-style", seconds: 40)
        let main = try expect("systemctl show -P MainPID cyclegan-styled")
        try expect("kill -9 \(main)")
        try waitFor(
            "test $(systemctl show -P MainPID cyclegan-styled) != \(main) && systemctl is-active cyclegan-styled && "
                + "pgrep -x cyclegan-style",
            seconds: 40)
        try waitFor("cyclegan-style retrain --status | grep -q 'decided'", seconds: 120)
        let first = try XCTUnwrap(models().first)
        XCTAssertEqual(first["is-in-use"] as? Bool, true, "\(first)")
        XCTAssertEqual(try entries(.trainingBegan).count, 1)
        let decision = try XCTUnwrap(entries(.modelExamined).first)
        XCTAssertEqual(decision["CYCLEGAN_DECISION"] as? String, "promote")
        XCTAssertEqual(decision["CYCLEGAN_MODEL_SHA256"] as? String, first["sha256"] as? String)
        // The photo that waited for the first model, and one that comes now, are made by it.
        try put(try image(201, isPainted: false), "\(spool)/inbox/late.png")
        try waitFor(
            "cyclegan-style retry --all; test -e \(spool)/outbox/early.vangogh.png -a -e "
                + "\(spool)/outbox/late.vangogh.png"
        )
        let explained = try expect("cyclegan-style explain --json \(spool)/outbox/late.vangogh.png")
        XCTAssertTrue(explained.contains(try XCTUnwrap(first["sha256"] as? String)), explained)
        try expect(
            "grep -aq 'model warm \(try XCTUnwrap(first["sha256"] as? String))' \(spool)/outbox/late.vangogh.png")

        // Paintings of noise in place of those of the painter's that are trained on; what is kept aside for the gate
        // stays.
        let painted = try (0..<14).map { SHA256.hash(try image($0 + 50, isPainted: true)) },
            sides = DomainSplit.sides(of: Set(painted))
        for number in 0..<14 where sides[painted[number]] == .training {
            try expect("rm \(spool)/domains/warm/paintings/paintings-\(number).png")
        }
        let noises = try (0..<100).map(noise).filter {
            DomainSplit.sides(of: [SHA256.hash($0)]).values.first == .training
        }
        try drop(100..<100 + 14 - sides.values.count { $0 == .heldOut }, "paintings") { noises[$0 - 100] }
        // And a step that is far too large.
        try configure(learningRate: 0.1, iterations: 40)
        try expect("systemctl reload cyclegan-styled")
        try waitFor("cyclegan-style retrain --status | grep -q '14 paintings'")
        try expect("cyclegan-style retrain warm --now")
        // A photo that is dropped meanwhile is on time.
        try waitFor("pgrep -x cyclegan-style")
        let began = Date()
        try put(try image(202, isPainted: false), "\(spool)/inbox/meanwhile.png")
        try waitFor("test -e \(spool)/outbox/meanwhile.vangogh.png", seconds: 20)
        print("a photo during the training took \(Date().timeIntervalSince(began)) s")
        try waitFor(
            "test $(journalctl -u cyclegan-styled MESSAGE_ID=\(ServiceEvent.modelExamined.rawValue) -o cat --no-pager "
                + "| wc -l) = 2",
            seconds: 90)
        XCTAssertNotEqual(try XCTUnwrap(entries(.modelExamined).last)["CYCLEGAN_DECISION"] as? String, "promote")
        let all = try models()
        XCTAssertEqual(all.count, 2)
        let worse = try XCTUnwrap(all.first { $0["is-in-use"] as? Bool == false }?["sha256"] as? String)
        // A person can overrule, and go back.
        XCTAssertNotEqual(try systemd.shell("cyclegan-style models promote \(worse.prefix(12))").status, 0)
        try expect("cyclegan-style models promote --force \(worse.prefix(12))")
        XCTAssertEqual(try models().first { $0["is-in-use"] as? Bool == true }?["sha256"] as? String, worse)
        try expect("cyclegan-style models rollback warm")
        XCTAssertEqual(
            try models().first { $0["is-in-use"] as? Bool == true }?["sha256"] as? String, first["sha256"] as? String)
        XCTAssertEqual(try entries(.modelRolledBack).count, 1)
        try expect(
            "cyclegan-style models pin \(worse.prefix(12)); cyclegan-style models info \(worse.prefix(12)) | grep -q "
                + "'pinned: yes'"
        )
        XCTAssertTrue(
            try expect("journalctl -u cyclegan-styled -x --no-pager").contains("The gate has decided on a new model"),
            "the catalog explains")
        // It stops in time with a run at work, and goes on with it.
        try drop(20..<45, "paintings") { try image($0 + 50, isPainted: true) }
        try expect("cyclegan-style retrain warm --now --budget 1h")
        try waitFor("pgrep -x cyclegan-style")
        let stopping = Date()
        try expect("systemctl stop cyclegan-styled")
        XCTAssertLessThan(Date().timeIntervalSince(stopping), 15)
        XCTAssertEqual(try expect("systemctl show -P Result cyclegan-styled"), "success")
        XCTAssertNotEqual(try systemd.shell("pgrep -x cyclegan-style").status, 0)
        try expect("systemctl start cyclegan-styled")
        try waitFor("pgrep -x cyclegan-style")
        try expect("cyclegan-style retrain --stop")
        try waitFor("cyclegan-style retrain --status | grep -q 'stopped: on request'")
    }
}
