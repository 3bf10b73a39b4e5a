import LinuxFiles
import Photos
import Publishing
import ServiceConfiguration
import StyleModels
import Stylizing

/// Translates photos one after the other, each to its place.
struct Translation {
    let translator: NetworkTranslator
    let model: ModelIdentity
    let settings: PictureSettings
    let limits: DecodingLimits
    let output: OutputRule
    let naming: PictureNaming
    /// Nothing is written where a picture of that name is.
    let skipsExisting: Bool

    /// A picture that is there already.
    static func existing(of photo: PhotoSource, _ output: OutputRule, _ naming: PictureNaming) -> BytePath? {
        switch output {
        case .directory(let directory): naming.existing(of: photo, in: directory)
        case .file(let file, _): file.existing == nil ? nil : file.path
        }
    }

    /// Never throws: what went wrong is in the record.
    func translate(_ photo: PhotoSource, progress: @escaping @Sendable (Double) -> Void) -> TranslationRecord {
        var record = TranslationRecord(photo: photo, result: .failed)
        let start = ContinuousClock.now
        do {
            let source = try translator.decode(photo.bytes(limits: limits), limits: limits)
            let picture = try translator.translate(source, model: model, settings: settings) { part in
                progress(part)
                return true
            }
            (record.width, record.height) = (picture.width, picture.height)
            record.warnings = picture.warnings.map(Advice.forCommandLine)
            record.picture = try put(picture, of: photo)
            record.result = .translated
            if record.picture == nil {
                record.result = .skipped
                record.reason = "its picture has been made meanwhile"
            }
        } catch {
            record.reason = Advice.forCommandLine(error, try? translator.stylizer(for: model))
        }
        record.seconds = (ContinuousClock.now - start).seconds
        return record
    }

    /// - Returns: where the picture is; nil where another one has its name now.
    private func put(_ picture: Photo, of photo: PhotoSource) throws -> BytePath? {
        func encoded(_ format: PhotoFormat) throws -> [UInt8] {
            try translator.encode(
                picture,
                options: EncodingOptions(
                    format: format, quality: settings.quality, subsampling: settings.subsampling,
                    metadata: settings.metadata))
        }
        let same = OutputFormat.same(as: picture.format, hasAlpha: picture.alpha != nil)
        switch output {
        case .file(let file, let format):
            try file.write(encoded(format ?? same))
            return file.name
        case .directory(let directory):
            let format = naming.format ?? same
            let name = naming.name(of: photo, as: format)
            let file = try TemporaryFile.write(encoded(format), in: directory.appending(photo.subdirectory))
            return skipsExisting ? try file.publishUnlessTaken(as: name) : try file.publish(as: name)
        }
    }
}

/// What errors advise, in the words of the command line: they name keys of the service's configuration.
enum Advice {
    static func forCommandLine(_ text: String) -> String {
        text.replacing("limits.", with: "--").replacing("`memory`", with: "--memory")
    }

    static func forCommandLine(_ error: any Error, _ stylizer: Stylizer?) -> String {
        guard case StylizingError.memoryBudgetTooSmall(let needed, let budget) = error else {
            return forCommandLine((error as? PhotoError)?.advice ?? "\(error)")
        }
        let usable = Processors.usable, threads = stylizer?.generator.context.threads.count ?? usable
        func megabytes(_ bytes: Int) -> String { "\((bytes + (1 << 20) - 1) >> 20) MiB" }
        var text = "--memory \(megabytes(budget)) is too small for this model: at least \(megabytes(needed)) are needed"
        // Each thread has scratch memory of its own, and more of them than processors only cost.
        if threads > usable, let stylizer {
            let less = needed - stylizer.generator.scratchBytes / threads * (threads - usable)
            text += " with \(threads) threads, \(megabytes(less)) with --threads \(usable)"
        }
        return text + "; raise --memory" + (threads > usable ? " or lower --threads" : "")
    }
}
