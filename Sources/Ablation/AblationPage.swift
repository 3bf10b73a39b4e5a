import Foundation

/// The ablation on one page of HTML that needs no other file.
struct AblationPage {
    var table: AblationTable
    var plan: AblationPlan
    /// A JPEG; nil until both models of a seed are there.
    var figure2: [UInt8]?
    /// An SVG.
    var figure3: String?

    private static let style = """
        :root{color-scheme:light dark;--ink:#1f2328;--soft:#57606a;--paper:#fff;--edge:#d0d7de}
        @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--edge:#30363d}}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
        body{margin:0 auto;max-width:1100px;padding:1rem}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.6rem 0 .6rem}.soft{color:var(--soft)}
        .wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem}
        td,th{border-top:1px solid var(--edge);padding:.25rem .6rem;text-align:left;vertical-align:top}
        .figure{background:#fff;border:1px solid var(--edge);border-radius:6px}
        .figure svg,.figure img{display:block;width:100%;height:auto}
        .heads{display:flex;text-align:center;font-size:.9rem}.heads span{flex:1}
        """

    var html: String {
        var page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>Ablation</title><style>\(Self.style)</style></head><body>
            <h1>Ablation: the paper's four variants</h1>
            <h2>Table 1</h2>
            <div class="wide"><table><tr>\(table.headings.map { "<th>\(Self.escaped($0))</th>" }.joined())</tr>

            """
        for row in table.rows {
            page += "<tr>" + table.cells(row).map { "<td>\(Self.escaped($0))</td>" }.joined() + "</tr>\n"
        }
        page += "</table></div>\n" + table.notes.map { "<p class=\"soft\">\(Self.escaped($0))</p>\n" }.joined()
        if let figure2 {
            page +=
                "<h2>Figure 2: photo, CycleGAN, hybrid (seed 1)</h2>\n"
                + "<div class=\"heads\"><span>photo</span><span>CycleGAN</span><span>hybrid</span></div>\n"
            page +=
                "<div class=\"figure\"><img alt=\"photo, CycleGAN, hybrid\" "
                + "src=\"data:image/jpeg;base64,\(Data(figure2).base64EncodedString())\"></div>\n"
        }
        if let figure3 {
            page += "<h2>Figure 3: losses of the hybrid (seed 1)</h2>\n<div class=\"figure\">\(figure3)</div>\n"
        }
        page += "<h2>Settings</h2>\n<table>\n"
        for (key, value) in settings { page += "<tr><td>\(key)</td><td>\(Self.escaped(value))</td></tr>\n" }
        page += "</table>\n"
        return page + "</body></html>\n"
    }

    private var settings: [(String, String)] {
        var settings = [
            ("photos", plan.photos), ("paintings", plan.paintings),
            ("held out", AblationTable.fixed(plan.heldOut * 100, 0) + " %"),
        ]
        settings += [
            ("seeds", String(plan.seeds)),
            ("iterations", plan.iterations.map { String($0) } ?? "from \(plan.minutes ?? 0) minutes"),
        ]
        return settings + plan.settings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }
}
