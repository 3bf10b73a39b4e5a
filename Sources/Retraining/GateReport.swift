import CycleGAN
import Foundation
import LinuxFiles
import Photos

/// A gate's decision as files in a run's directory: `sheet.jpg`, `report.html` and, last of all, `decision.json`.
/// Whoever finds the last one finds them all.
package struct GateReport {
    package static let decisionName = "decision.json", sheetName = "sheet.jpg", pageName = "report.html"
    /// Pixels of an image on the sheet.
    private static let cell = 256

    package var style: String
    package var examination: Gate.Examination
    /// Curves of the run, as SVG; nil where it has none.
    package var losses: String?

    package init(style: String, examination: Gate.Examination, losses: String? = nil) {
        (self.style, self.examination, self.losses) = (style, examination, losses)
    }

    /// - Throws: `SystemError`, `PhotoError`
    package func write(to directory: BytePath) throws {
        var sheet: [UInt8]?
        if !examination.rows.isEmpty {
            let photo = Figures.sheet(try examination.rows.map { try $0.map(Self.fitted) }, side: Self.cell)
            sheet = try PhotoEncoder.encode(photo, options: EncodingOptions(format: .jpeg))
            try Self.put(sheet!, directory.appending(Self.sheetName))
        }
        try Self.put(Array(html(sheet).utf8), directory.appending(Self.pageName))
        try Self.put(try Self.json(examination.figures), directory.appending(Self.decisionName))
    }

    /// The decision of a run; nil where none was made yet.
    /// - Throws: `SystemError`, `DecodingError`
    package static func decision(in directory: BytePath) throws -> GateFigures? {
        let path = directory.appending(decisionName)
        guard try Files.statusIfPresent(of: path) != nil else { return nil }
        return try JSONDecoder().decode(GateFigures.self, from: Data(try Files.read(path, limit: 1 << 20)))
    }

    /// As it is kept: the same figures give the same bytes.
    package static func json(_ figures: GateFigures) throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return Array(try encoder.encode(figures))
    }

    private static func put(_ bytes: [UInt8], _ path: BytePath) throws {
        try AtomicFile.write(path) { append in try bytes.withUnsafeBytes { try append($0) } }
    }

    private static func fitted(_ photo: Photo) throws -> Photo {
        let factor = Double(cell) / Double(max(photo.width, photo.height))
        func scaled(_ length: Int) -> Int { max(1, Int((Double(length) * factor).rounded())) }
        return try photo.resized(toWidth: scaled(photo.width), height: scaled(photo.height))
    }

    private static let css = """
        :root{color-scheme:light dark;--ink:#1f2328;--soft:#57606a;--paper:#fff;--edge:#d0d7de}
        @media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--paper:#0d1117;--edge:#30363d}}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper)}
        body{margin:0 auto;max-width:1100px;padding:1rem}
        h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.6rem 0 .6rem}.soft{color:var(--soft)}
        .figure{background:#fff;border:1px solid var(--edge);border-radius:6px}
        .figure svg,.figure img{display:block;width:100%;height:auto}
        .heads{display:flex;text-align:center;font-size:.9rem}.heads span{flex:1}
        """

    private func html(_ sheet: [UInt8]?) -> String {
        let figures = examination.figures
        func list(_ lines: [String]) -> String {
            "<ul>" + lines.map { "<li>\(Self.escaped($0))</li>" }.joined() + "</ul>\n"
        }
        let title = "\(style): \(figures.decision.title)"
        var page = """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8">
            <meta name="viewport" content="width=device-width,initial-scale=1">
            <title>\(Self.escaped(title))</title><style>\(Self.css)</style></head><body>
            <h1>\(Self.escaped(title))</h1>

            """
        page += list(figures.reasons) + "<h2>Figures</h2>\n" + list(figures.lines)
        if let sheet, let row = examination.rows.first {
            let heads = row.count == 3 ? ["photo", "model in use", "candidate"] : ["photo", "candidate"]
            page +=
                "<h2>Photos kept aside</h2>\n<div class=\"heads\">"
                + heads.map { "<span>\($0)</span>" }.joined() + "</div>\n"
            page +=
                "<div class=\"figure\"><img alt=\"\(heads.joined(separator: ", "))\" "
                + "src=\"data:image/jpeg;base64,\(Data(sheet).base64EncodedString())\"></div>\n"
        }
        if let losses { page += "<h2>Losses</h2>\n<div class=\"figure\">\(losses)</div>\n" }
        if !examination.unreadable.isEmpty {
            page += "<h2>Files that could not be read</h2>\n" + list(examination.unreadable)
        }
        return page + "</body></html>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacingOccurrences(of: "&", with: "&amp;").replacingOccurrences(of: "<", with: "&lt;")
            .replacingOccurrences(of: ">", with: "&gt;")
    }
}

extension GateFigures.Decision {
    var title: String {
        switch self {
        case .promote: "the new model is better"
        case .keep: "the model in use stays"
        case .refuse: "the new model is refused"
        }
    }
}
