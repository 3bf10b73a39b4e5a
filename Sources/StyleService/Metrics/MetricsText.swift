import Foundation
import ServiceConfiguration
import ServiceControl

/// What the file of metrics says, in Prometheus' text format.
struct MetricsText {
    struct Inbox {
        var key: String
        var model: String
        /// nil where the model cannot be read.
        var modelHash: String?
    }

    var tally: Tally
    var ready: Int, deferred: Int, inWork: Int
    var inboxes: [Inbox]
    var trainings: [TrainingReport]
    var started: Date

    var text: String {
        var lines: [String] = []
        func family(
            _ name: String, _ type: String, _ help: String, _ samples: [(labels: [(String, String)], value: String)]
        ) {
            lines += ["# HELP cyclegan_styled_\(name) \(help)", "# TYPE cyclegan_styled_\(name) \(type)"]
            lines += samples.map { "cyclegan_styled_\(name)\(Self.labels($0.labels)) \($0.value)" }
        }
        family(
            "build_info", "gauge", "The program that runs; always 1.",
            [([("version", Version.current), ("revision", Version.revision ?? "")], "1")])
        family(
            "start_time_seconds", "gauge", "When the service started, in seconds since 1970.",
            [([], Self.number(started.timeIntervalSince1970.rounded()))])
        family(
            "photos_total", "counter", "Photos since the start, by what became of them.",
            inboxes.flatMap { inbox in
                Tally.Outcome.allCases.map { outcome in
                    ([("inbox", inbox.key), ("result", outcome.rawValue)], "\(tally.photos[inbox.key]?[outcome] ?? 0)")
                }
            })
        family(
            "queue", "gauge", "Photos that wait, that were put off, and that are in work.",
            [
                ([("state", "ready")], "\(ready)"), ([("state", "deferred")], "\(deferred)"),
                ([("state", "in_work")], "\(inWork)"),
            ])
        histogram(&lines)
        family("read_bytes_total", "counter", "Bytes of photos that were read.", [([], "\(tally.bytesRead)")])
        family(
            "written_bytes_total", "counter", "Bytes of pictures that were written.", [([], "\(tally.bytesWritten)")])
        family(
            "model_info", "gauge", "The model that an inbox's pictures are made with; always 1.",
            inboxes.map { ([("inbox", $0.key), ("model", $0.model), ("sha256", $0.modelHash ?? "")], "1") })
        family(
            "trainings", "gauge", "Trainings on this machine that tell the service of themselves.",
            [([], "\(trainings.count)")])
        family(
            "training_iteration", "gauge", "How far a training is.",
            trainings.map { ([("run", "\($0.run.bytePath)")], "\($0.iteration)") })
        return lines.joined(separator: "\n") + "\n"
    }

    private func histogram(_ lines: inout [String]) {
        let name = "cyclegan_styled_translation_seconds", histogram = tally.translations
        lines += ["# HELP \(name) Seconds that the network took for a photo.", "# TYPE \(name) histogram"]
        lines += zip(histogram.bounds, histogram.cumulative).map { "\(name)_bucket{le=\"\(Self.number($0))\"} \($1)" }
        lines += [
            "\(name)_bucket{le=\"+Inf\"} \(histogram.count)", "\(name)_sum \(Self.number(histogram.sum))",
            "\(name)_count \(histogram.count)",
        ]
    }

    private static func labels(_ labels: [(String, String)]) -> String {
        if labels.isEmpty { return "" }
        return "{" + labels.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
    }

    private static func escaped(_ value: String) -> String {
        value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? "\(Int(value))" : "\(value)"
    }
}
