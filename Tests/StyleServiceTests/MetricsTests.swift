import Foundation
import Glibc
import LinuxFiles
import Logging
import ServiceConfiguration
import XCTest

@testable import StyleService

/// The file for node_exporter's textfile collector.
final class MetricsTests: ServiceTestCase {
    func testHistogram_isCumulative() {
        var histogram = Histogram(bounds: [1, 10])
        for value in [0.5, 1, 3, 20] { histogram.add(value) }
        XCTAssertEqual(histogram.cumulative, [2, 3])
        XCTAssertEqual(histogram.count, 4)
        XCTAssertEqual(histogram.sum, 24.5)
    }

    func testText_isWhatPrometheusReads() {
        var tally = Tally()
        tally.count(.styled, inbox: "a")
        tally.count(.failed, inbox: "a")
        tally.count(.styled, inbox: "a")
        tally.read(bytes: 7)
        tally.translated(seconds: 0.75)
        let text = MetricsText(
            tally: tally, ready: 3, deferred: 1, inWork: 2,
            inboxes: [.init(key: "a", model: "van\"gogh\\", modelHash: "00ff")], trainings: [],
            started: Date(timeIntervalSince1970: 1000)
        ).text
        for line in [
            "cyclegan_styled_photos_total{inbox=\"a\",result=\"styled\"} 2",
            "cyclegan_styled_photos_total{inbox=\"a\",result=\"failed\"} 1",
            "cyclegan_styled_photos_total{inbox=\"a\",result=\"deferred\"} 0",
            "cyclegan_styled_queue{state=\"ready\"} 3",
            "cyclegan_styled_queue{state=\"in_work\"} 2", "cyclegan_styled_translation_seconds_bucket{le=\"0.5\"} 0",
            "cyclegan_styled_translation_seconds_bucket{le=\"1\"} 1",
            "cyclegan_styled_translation_seconds_bucket{le=\"+Inf\"} 1",
            "cyclegan_styled_translation_seconds_sum 0.75", "cyclegan_styled_read_bytes_total 7",
            "cyclegan_styled_start_time_seconds 1000",
            "cyclegan_styled_model_info{inbox=\"a\",model=\"van\\\"gogh\\\\\",sha256=\"00ff\"} 1",
            "cyclegan_styled_trainings 0",
        ] {
            XCTAssertTrue(text.split(separator: "\n").contains(Substring(line)), "\(line)\n\(text)")
        }
        // Each family is explained once, before its samples.
        var known: Set<String> = []
        for line in text.split(separator: "\n") {
            if let match = line.wholeMatch(of: /# TYPE (\w+) (?:gauge|counter|histogram)/) {
                XCTAssertTrue(known.insert(String(match.1)).inserted, "\(line)")
            } else if !line.hasPrefix("#") {
                let name = line.prefix { $0 != "{" && $0 != " " }
                XCTAssertTrue(known.contains { name == $0 || name.hasPrefix($0 + "_") }, "\(line)")
                XCTAssertNotNil(line.split(separator: " ").last.flatMap { Double($0) }, "\(line)")
            }
        }
    }

    func testFile_isReplacedWhole_andReadableForOthers() throws {
        let path = try write("old", "metrics.prom")
        let old = try Descriptor.forReading(path)
        try MetricsExporter.replace(path, with: "new\n")
        XCTAssertEqual(try text(path), "new\n")
        XCTAssertEqual(
            String(decoding: try old.readAll(limit: 100), as: UTF8.self), "old", "whoever had it open has the old one")
        XCTAssertEqual(try Files.status(of: path).st_mode & 0o777, 0o644)
        XCTAssertEqual(
            try FileManager.default.contentsOfDirectory(atPath: "\(directory)"), ["metrics.prom"],
            "nothing else is left")
    }

    func testService_writesTheFile_andRemovesItAtItsEnd() throws {
        let path = directory.appending("metrics.prom")
        try prepare("metrics: \(path)")
        let service = try start()
        try write(photoBytes("sea"), "spool/inbox/a.jpg")
        try waitUntil("the file tells of the photo") {
            (try? text(path))?.contains("cyclegan_styled_photos_total{inbox=\"vangogh\",result=\"styled\"} 1\n") == true
        }
        XCTAssertFalse(try text(path).contains("cyclegan_styled_read_bytes_total 0\n"))
        stop(service)
        XCTAssertNil(try Files.statusIfPresent(of: path))
    }

    func testConfiguration_wantsAnAbsolutePathForThisPurpose() throws {
        XCTAssertNil(try ServiceConfiguration.Configuration.parse("").metrics)
        XCTAssertNil(try ServiceConfiguration.Configuration.parse("metrics: off").metrics)
        XCTAssertEqual(try ServiceConfiguration.Configuration.parse("metrics: /var/x/a.prom").metrics, "/var/x/a.prom")
        for wrong in ["a.prom", "/var/x/a.txt", "yes"] {
            XCTAssertThrowsError(try ServiceConfiguration.Configuration.parse("metrics: \(wrong)")) {
                XCTAssertTrue(
                    "\($0)".contains(
                        "config.yaml:1:10: metrics: '\(wrong)' must be off, or an absolute path that ends in .prom"),
                    "\($0)")
            }
        }
    }

    /// The unit knows the service's own directories only.
    func testDropIn_opensTheDirectory() throws {
        let configuration = try ServiceConfiguration.Configuration.parse(
            "metrics: /var/lib/prometheus/node-exporter/a.prom")
        XCTAssertEqual(
            DirectoryProbe.dropIn(for: configuration)?.contains("ReadWritePaths=-/var/lib/prometheus/node-exporter\n"),
            true)
    }
}
