import Foundation
import Photos

extension Trainer {
    /// Loss charts, the sample sheet of this moment, and the report that shows all of it.
    func writeReports() {
        guard let log else { return }
        let charts = LossChart.all(log.rows)
        survive("losses.svg") { try write(Data(LossChart.sheet(charts).utf8), "losses.svg") }
        survive("losses.png") {
            try write(
                Data(PhotoEncoder.encode(ChartRaster.sheet(charts), options: EncodingOptions(format: .png))),
                "losses.png")
        }
        let number = String(iteration)
        let sheetName = "samples/\(String(repeating: "0", count: max(0, 8 - number.count)))\(number).png"
        let side = max(settings.loadSize, 2 * settings.cropSize, settings.generator.workingSize ?? 0) / 4 * 4
        let photos = data.samplePhotos(side: side)
        let generators = (originalModel.map { [$0] } ?? []) + [generator()]
        let sheet = ContactSheet.photo(ContactSheet.rows(photos, generators), side: side)
        survive(sheetName) {
            try write(Data(PhotoEncoder.encode(sheet, options: EncodingOptions(format: .png))), sheetName)
        }
        survive("report.html") {
            let picture = try PhotoEncoder.encode(
                sheet, options: EncodingOptions(format: .jpeg, quality: 88, subsampling: .yuv444))
            let report = TrainingReport(
                title: configuration.style ?? URL(fileURLWithPath: directory).lastPathComponent, iteration: iteration,
                total: total,
                configuration: configuration, charts: charts, sheet: picture,
                columns: ["photo"] + (originalModel == nil ? [] : ["original CycleGAN"]) + ["this model"],
                remarks: remarks, skipped: data.skippedFiles, secondsPerIteration: recentSeconds(log))
            try write(Data(report.html.utf8), "report.html")
        }
    }

    private func recentSeconds(_ log: LossLog) -> Double {
        let recent = log.rows.suffix(100).map { Double($0.last!) }
        return recent.reduce(0, +) / Double(max(1, recent.count))
    }

    private func write(_ data: Data, _ name: String) throws {
        try data.write(to: URL(fileURLWithPath: directory + "/" + name), options: .atomic)
    }
}
