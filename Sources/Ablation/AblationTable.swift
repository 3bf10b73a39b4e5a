import CycleGAN
import Evaluation

/// The paper's table 1 with our figures beside it, as far as there are any.
package struct AblationTable: Sendable {
    /// FID on photo to Van Gogh, one run each.
    package static let paper: [Variant: Double] = [
        .original: 199.29, .leakyReLU: 201.94, .semantic: 192.47, .hybrid: 189.71,
    ]
    private static let names: [Variant: String] = [
        .original: "CycleGAN", .leakyReLU: "CycleGAN + Leaky ReLU", .semantic: "CycleGAN + semantic loss",
        .hybrid: "hybrid (both)",
    ]

    package struct Row: Sendable {
        package var variant: Variant
        package var name: String
        package var paper: Double
        package var seeds: Int
        package var frechet, kernel, content: SeedSummary?
        /// Of the Fréchet distance, from the original's, seed by seed; nil for the original itself.
        package var difference: SeedSummary?
        /// What that says.
        package var verdict: String
    }

    package let rows: [Row]
    /// The distance's name.
    package let distance: String
    package let results: [AblationResult]

    package init(_ results: [AblationResult]) {
        self.results = results
        distance = results.first?.distance ?? "FID"
        func of(_ variant: Variant) -> [AblationResult] {
            results.filter { $0.variant == variant.rawValue }.sorted { $0.seed < $1.seed }
        }
        func summary(_ values: [Double]) -> SeedSummary? { values.isEmpty ? nil : SeedSummary(values) }
        let original = Dictionary(uniqueKeysWithValues: of(.original).map { ($0.seed, $0.frechet) })
        rows = Variant.allCases.map { variant in
            let mine = of(variant)
            // The same seed has the same first weights and the same order of images: the seeds are pairs.
            let differences =
                variant == .original
                ? [] : mine.compactMap { result in original[result.seed].map { result.frechet - $0 } }
            let difference = summary(differences)
            return Row(
                variant: variant, name: Self.names[variant]!, paper: Self.paper[variant]!, seeds: mine.count,
                frechet: summary(mine.map(\.frechet)), kernel: summary(mine.map(\.kernel.value)),
                content: summary(mine.compactMap(\.content)),
                difference: difference, verdict: Self.verdict(difference, variant))
        }
    }

    private static func verdict(_ difference: SeedSummary?, _ variant: Variant) -> String {
        if variant == .original { return "" }
        guard let difference else { return "not trained yet" }
        guard let half = difference.half else { return "one seed: says nothing" }
        if abs(difference.mean) <= half { return "inside the interval: no difference shown" }
        return difference.mean < 0 ? "better than CycleGAN" : "worse than CycleGAN"
    }

    static func text(_ summary: SeedSummary?, digits: Int, factor: Double = 1) -> String {
        guard let summary else { return "" }
        func rounded(_ value: Double) -> String { Self.fixed(value * factor, digits) }
        return rounded(summary.mean) + (summary.half.map { " ± \(rounded($0))" } ?? "")
    }

    static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let scale = (0..<digits).reduce(1.0) { product, _ in product * 10 }, whole = Int((abs(value) * scale).rounded())
        let fraction = String(whole % Int(scale))
        let sign = value < 0 && whole > 0 ? "-" : ""
        return sign + String(whole / Int(scale))
            + (digits > 0 ? "." + String(repeating: "0", count: digits - fraction.count) + fraction : "")
    }

    static let heads = ["", "FID, the paper's", "ours", "KID x1000", "content", "from CycleGAN", "", "seeds"]

    /// A row's cells, as `heads`.
    func cells(_ row: Row) -> [String] {
        [
            row.name, Self.fixed(row.paper, 2), Self.text(row.frechet, digits: 2),
            Self.text(row.kernel, digits: 2, factor: 1000),
            Self.text(row.content, digits: 3), Self.text(row.difference, digits: 2), row.verdict, String(row.seeds),
        ]
    }

    var headings: [String] {
        var heads = Self.heads
        heads[2] = distance + ", ours"
        if distance != "FID" { heads[3] = "kernel distance x1000" }
        return heads
    }

    /// What a reader must know to read the table.
    package var notes: [String] {
        guard let first = results.first else { return ["No model has been trained to its end yet."] }
        var notes = [
            "Ours: \(distance) at \(first.dimensions) dimensions, pictures of \(first.photos) held-out photos against "
                + "\(first.paintings) held-out paintings, after \(first.iterations) iterations. "
                + "± is the 95 % interval of the mean over the seeds (Student's t).",
            "The paper's figures are single runs with other data, sizes and budget: only the order of the variants "
                + "can be compared, not the values.",
            "A difference from CycleGAN inside its interval is none that this budget can show.",
        ]
        if distance != "FID" {
            notes.append(
                "\(distance) is no FID, which needs Inception's weights ('cyclegan-style weights fetch inception').")
        }
        return notes
    }

    package var markdown: String {
        let head =
            "| " + headings.joined(separator: " | ") + " |\n|" + String(repeating: "---|", count: headings.count) + "\n"
        return head + rows.map { "| " + cells($0).joined(separator: " | ") + " |\n" }.joined() + "\n"
            + notes.map { $0 + "\n\n" }.joined()
    }

    /// A row for each model.
    package var csv: String {
        let head =
            "variant,seed,iterations,distance,dimensions,frechet,frechet-infinity,kernel,kernel-low,kernel-high,"
            + "content,reconstruction,photos,paintings\n"
        return head
            + results.map { r in
                let columns: [String] = [
                    r.variant, String(r.seed), String(r.iterations), r.distance, String(r.dimensions), "\(r.frechet)",
                    r.frechetAtInfinity.map { "\($0)" } ?? "",
                    "\(r.kernel.value)", "\(r.kernel.low)", "\(r.kernel.high)", r.content.map { "\($0)" } ?? "",
                    r.reconstruction.map { "\($0)" } ?? "",
                    String(r.photos), String(r.paintings),
                ]
                return columns.joined(separator: ",") + "\n"
            }.joined()
    }
}
