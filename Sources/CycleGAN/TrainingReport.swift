import Foundation

/// A run on one page of HTML that needs no other file.
struct TrainingReport {
    var title: String
    var iteration: Int
    var total: Int?
    var configuration: TrainingConfiguration
    var charts: [LossChart]
    /// The sample sheet, a JPEG.
    var sheet: [UInt8]
    /// Headings of its columns.
    var columns: [String]
    var remarks: [String]
    var skipped: [String]
    var secondsPerIteration: Double

    /// Items of a list that are shown.
    private static let listed = 100
    private static let style = """
        :root{color-scheme:light dark;--ink:#1f2328;--soft:#57606a;--paper:#fff;--card:#f6f8fa;--edge:#d0d7de}
        @media(prefers-color-scheme:dark)
        {:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--card:#161b22;--edge:#30363d}}
        *{box-sizing:border-box}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 \
        auto;max-width:1100px;padding:1rem}
        h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;margin:1.6rem 0 .6rem}
        p,li{overflow-wrap:anywhere}.soft{color:var(--soft)}
        .grid{display:grid;gap:.8rem;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr))}
        .chart{background:#fff;border:1px solid var(--edge);border-radius:6px;padding:.3rem}.chart \
        svg{display:block;width:100%;height:auto}
        .heads{display:flex;text-align:center;font-size:.9rem;max-width:900px}.heads span{flex:1}
        img{display:block;width:100%;max-width:900px;height:auto;border:1px solid var(--edge);border-radius:6px}
        .bar{height:.6rem;background:var(--card);border:1px solid var(--edge);border-radius:.4rem;overflow:hidden}
        .bar div{height:100%;background:#1f6feb}
        table{border-collapse:collapse;width:100%;font-size:.9rem}td{border-top:1px solid var(--edge);padding:.2rem \
        .4rem;vertical-align:top;overflow-wrap:anywhere}
        td:first-child{color:var(--soft);white-space:nowrap}
        """

    var html: String {
        let part = total.map { Double(iteration) / Double(max(1, $0)) } ?? 0
        var page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" \
            content="width=device-width,initial-scale=1">
            <title>Training: \(Self.escaped(title))</title><style>\(Self.style)</style></head><body>
            <h1>Training: \(Self.escaped(title))</h1>
            <p class="soft">\(configuration.variant.rawValue), iteration \
            \(iteration)\(total.map { " of \($0)" } ?? ""), \
            \(Self.rounded(secondsPerIteration)) s an iteration\(remaining)</p>
            <div class="bar"><div style="width:\(Self.rounded(part * 100))%"></div></div>

            """
        page += list("Remarks", remarks)
        page +=
            "<h2>Photos kept aside</h2>\n<div class=\"heads\">" + columns.map { "<span>\($0)</span>" }.joined()
            + "</div>\n"
        page +=
            "<img alt=\"\(columns.joined(separator: " | "))\" "
            + "src=\"data:image/jpeg;base64,\(Data(sheet).base64EncodedString())\">\n"
        page +=
            "<h2>Losses</h2>\n<div class=\"grid\">\n"
            + charts.map { "<div class=\"chart\">\($0.svg())</div>\n" }.joined() + "</div>\n"
        page += "<h2>Configuration</h2>\n<table>\n"
        for key in TrainingConfiguration.keys {
            if let value = key.text(configuration) {
                page += "<tr><td>\(key.name)</td><td>\(Self.escaped(value))</td></tr>\n"
            }
        }
        page += "</table>\n" + list("Files that could not be read", skipped)
        return page + "</body></html>\n"
    }

    private var remaining: String {
        guard let total, total > iteration else { return "" }
        return ", \(DurationText.text(Double(total - iteration) * secondsPerIteration)) to go"
    }

    private func list(_ title: String, _ items: [String]) -> String {
        if items.isEmpty { return "" }
        let more = items.count > Self.listed ? "<p class=\"soft\">and \(items.count - Self.listed) more</p>\n" : ""
        return "<h2>\(title)</h2>\n<ul>" + items.prefix(Self.listed).map { "<li>\(Self.escaped($0))</li>" }.joined()
            + "</ul>\n" + more
    }

    private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }

    static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;").replacingOccurrences(of: "\"", with: "&quot;")
    }
}

/// Durations for people.
package enum DurationText {
    /// As in `3 d 4 h`, `2 h 5 min`, `4 min 10 s`, `12 s`.
    package static func text(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        let s = Int(seconds.rounded())
        if s >= 86_400 { return "\(s / 86_400) d \(s % 86_400 / 3600) h" }
        if s >= 3600 { return "\(s / 3600) h \(s % 3600 / 60) min" }
        return s >= 60 ? "\(s / 60) min \(s % 60) s" : "\(s) s"
    }
}
