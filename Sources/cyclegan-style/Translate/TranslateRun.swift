import ArgumentParser
import Foundation
import LinuxFiles
import Photos
import ServiceConfiguration
import StyleModels
import Tensors

/// A whole `translate`: what was asked for, checked; then photo after photo.
struct TranslateRun {
    private let command: TranslateCommand
    private let output: OutputRule
    private let naming: PictureNaming
    private let photos: [PhotoSource]
    private let model: ModelIdentity
    private let report: ReportFile?

    /// Everything that can be known to be wrong before the first pixel.
    /// - Throws: `OutputMisuse`, `OutputError` or `ModelError`.
    init(_ command: TranslateCommand) throws {
        self.command = command
        let (selection, isTried) = (command.selection, command.telling.dryRun)
        model = try Styles.store().identity(for: Styles.checked(command.picture.style))

        let outputPath = Self.path(command.output)
        let label = Self.label(of: command.picture.style)
        var gathering = PhotoGathering(
            isRecursive: selection.recursive,
            base: selection.relativeTo.map { Self.path($0).whole } ?? .currentDirectory,
            output: outputPath, label: label)
        try gathering.add(arguments: RawArguments.paths(command.photos))
        if let list = selection.list {
            try gathering.add(list: Self.path(list), isNullSeparated: selection.nullSeparated)
        }
        gathering.removeRepetitions()
        for notice in gathering.notices { standardError(notice) }

        let isOpen = selection.list != nil || gathering.photos.contains(where: \.isMirrored) || gathering.photos.isEmpty
        let format = command.picture.format
        output = try OutputRule(
            outputPath, photos: isOpen ? nil : gathering.photos.count, format: format, isTried: isTried)
        if !command.force { try output.check(against: gathering.photos.map(\.path)) }
        naming = PictureNaming(
            gathering.photos, label: label, format: format?.photoFormat, isFixed: selection.skipExisting)
        photos = gathering.photos.filter { selection.shard?.contains($0.name) ?? true }
        report =
            try isTried
            ? nil : command.telling.report.map { try Self.report($0, beside: gathering.photos.map(\.path), command) }
    }

    /// A report is appended to: another file in its place would be spoilt.
    private static func report(_ name: String, beside photos: [BytePath], _ command: TranslateCommand) throws
        -> ReportFile
    {
        let path = Self.path(name)
        let others = photos + RawArguments.paths([command.output, command.selection.list].compactMap(\.self))
        if let other = others.first(where: path.isSameFile) {
            throw OutputError("the report \(path) is \(other), which it would spoil")
        }
        return try ReportFile(path)
    }

    /// - Returns: how many photos failed.
    func perform() throws -> Int {
        if command.telling.dryRun { return photos.count { tell(planned($0)).result == .failed } }
        let translator = NetworkTranslator(
            models: Styles.store(), memoryBudget: try command.cost.memoryBudget(),
            in: .with(threads: command.cost.threads))
        var translation: Translation?
        let bar = ProgressBar(isQuiet: command.telling.quiet)
        var failures = 0
        for (number, photo) in photos.enumerated() {
            if let skipped = skipped(photo) {
                try add(tell(skipped))
                continue
            }
            if translation == nil {
                // Not before there is something to do: a task of an archive that is done loads nothing.
                do { _ = try translator.stylizer(for: model) } catch {
                    standardError("cyclegan-style: \(errorText(error))")
                    return photos.count
                }
                translation = Translation(
                    translator: translator, model: model, settings: command.picture.settings,
                    limits: try command.cost.limits(), output: output, naming: naming,
                    skipsExisting: command.selection.skipExisting)
            }
            let label = photos.count == 1 ? photo.label : "\(number + 1)/\(photos.count) \(photo.label)"
            var record = translation!.translate(photo) { bar.show(label, $0) }
            bar.clear()
            record.model = model.name
            try add(tell(record))
            if record.result == .failed { failures += 1 }
        }
        return failures
    }

    /// Prints what became of a photo, where it is to be told.
    @discardableResult
    private func tell(_ record: TranslationRecord) -> TranslationRecord {
        var record = record
        record.shard = command.selection.shard
        for warning in record.warnings where !command.telling.quiet {
            standardError("\(record.photo.label): \(warning)")
        }
        if record.result == .failed { standardError("\(record.photo.label): \(record.reason ?? "failed")") }
        if command.telling.json {
            print(record.json)
        } else if !command.telling.quiet, let line = record.line {
            // Where the picture itself is on standard output, nothing else may be.
            if case .file(let file, _) = output, file.isStream { standardError(line) } else { print(line) }
        }
        fflush(nil)
        return record
    }

    private func add(_ record: TranslationRecord) throws {
        do { try report?.add(record) } catch {
            standardError("cyclegan-style: \(errorText(error))")
            throw ExitCode.failure
        }
    }

    private func skipped(_ photo: PhotoSource) -> TranslationRecord? {
        guard command.selection.skipExisting, let picture = Translation.existing(of: photo, output, naming) else {
            return nil
        }
        return TranslationRecord(photo: photo, result: .skipped, picture: picture, reason: "\(picture) is there")
    }

    private func planned(_ photo: PhotoSource) -> TranslationRecord {
        if let skipped = skipped(photo) { return skipped }
        var record = TranslationRecord(photo: photo, result: .planned)
        let format = photo.format
        if !photo.isStandardInput, access(photo.path.description, R_OK) != 0 {
            record.result = .failed
            record.reason = "it cannot be read: \(String(cString: strerror(errno)))"
        }
        switch output {
        case .file(let file, _): record.picture = file.name
        case .directory(let directory):
            let name = naming.name(
                of: photo, as: naming.format ?? OutputFormat.same(as: format ?? .jpeg, hasAlpha: false))
            record.picture = directory.appending(photo.subdirectory).appending(name.candidate(0))
        }
        return record
    }

    /// What a style adds to pictures' names: a model's file without its directory and extension.
    static func label(of style: String) -> String {
        let name = BytePath(style).lastComponent.description
        let suffix = ".\(ModelStore.fileExtension)"
        return name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : name
    }

    private static func path(_ argument: String) -> BytePath { RawArguments.paths([argument])[0] }
}
