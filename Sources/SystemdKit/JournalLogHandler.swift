import Glibc
import Logging
import Synchronization

/// A swift-log handler for a systemd service: one journal entry a log line, metadata as fields of its own, readable
/// lines on standard error where there is no journal.
///
/// Fields: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER, CODE_FILE, CODE_LINE, CODE_FUNC, and one for each metadata key
/// (`JournalField.name`). A metadata value may be `JournalBytes` to pass bytes that are no text. Of equal warnings
/// within a minute the first is written, and at the end how many there were.
package struct JournalLogHandler: LogHandler {
    /// What all handlers of a program share: a reloaded configuration changes the level of every logger at once.
    package final class Configuration: Sendable {
        package let identifier: String
        package let fieldPrefix: String
        let destination: LogDestination
        let lines: LineOutput
        let repeated: RepeatedEntries
        private let sharedLevel: Mutex<Logger.Level>

        /// - Parameters:
        ///   - identifier: the program's name, as `journalctl -t` wants it.
        ///   - fieldPrefix: put before the fields that are this program's own.
        package convenience init(
            identifier: String, fieldPrefix: String = "CYCLEGAN_", level: Logger.Level = .info,
            destination: LogDestination = .automatic
        ) {
            self.init(
                identifier: identifier, fieldPrefix: fieldPrefix, level: level, destination: destination,
                lines: LineOutput(descriptor: STDERR_FILENO))
        }

        init(
            identifier: String, fieldPrefix: String, level: Logger.Level, destination: LogDestination,
            lines: LineOutput,
            repeatWindow: Duration = .seconds(60)
        ) {
            self.identifier = identifier
            self.fieldPrefix = fieldPrefix
            self.destination = destination.resolved
            self.lines = lines
            repeated = RepeatedEntries(window: repeatWindow)
            sharedLevel = Mutex(level)
        }

        package var level: Logger.Level {
            get { sharedLevel.withLock { $0 } }
            set { sharedLevel.withLock { $0 = newValue } }
        }

        /// Writes what is still to be said of repeated warnings: to be called before the program ends.
        package func flush() { repeated.flush() }
    }

    private let configuration: Configuration
    private let label: String
    private var ownLevel: Logger.Level?
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?

    package init(label: String, configuration: Configuration) {
        self.label = label
        self.configuration = configuration
    }

    /// The configuration's level until one is set for this logger alone.
    package var logLevel: Logger.Level {
        get { ownLevel ?? configuration.level }
        set { ownLevel = newValue }
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        var all = metadata
        if let provided = metadataProvider?.get() { all.merge(provided) { _, new in new } }
        if let own = event.metadata { all.merge(own) { _, new in new } }
        if let error = event.error { all["error"] = .string("\(error)") }
        let message = event.message.description
        if event.level >= .warning {
            let entry = RepeatedEntries.Entry(
                level: event.level, message: message,
                metadata: all.sorted { $0.key < $1.key }.map { Array("\($0.key)=".utf8) + $0.value.journalBytes })
            let isNew = configuration.repeated.admits(entry) { [self, all] text in write(event, text, all) }
            if !isNew { return }
        }
        write(event, message, all)
    }

    private func write(_ event: LogEvent, _ message: String, _ all: Logger.Metadata) {
        switch configuration.destination {
        case .plainLines:
            configuration.lines.writePlain(level: event.level, label: label, message: message, metadata: all)
        case .prefixedLines:
            configuration.lines.writePrefixed(level: event.level, message: message, metadata: all)
        case .journal, .automatic:
            let fields = self.fields(event, message, all)
            if !Journal.send(fields) {
                configuration.lines.writePrefixed(level: event.level, message: message, metadata: all)
            }
        }
    }

    private func fields(_ event: LogEvent, _ message: String, _ metadata: Logger.Metadata) -> [(
        name: String, value: [UInt8]
    )] {
        var fields: [(name: String, value: [UInt8])] = [
            ("MESSAGE", Array(message.utf8)),
            ("PRIORITY", Array(String(event.level.syslogPriority).utf8)),
            ("SYSLOG_IDENTIFIER", Array(configuration.identifier.utf8)),
            (configuration.fieldPrefix + "LOGGER", Array(label.utf8)),
            ("CODE_FILE", Array(event.file.utf8)),
            ("CODE_LINE", Array(String(event.line).utf8)),
            ("CODE_FUNC", Array(event.function.utf8)),
        ]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            fields.append((JournalField.name(for: key, prefix: configuration.fieldPrefix), value.journalBytes))
        }
        return fields
    }
}

extension Logger.Level {
    /// The syslog priority, 0 (emergency) to 7 (debug).
    var syslogPriority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

extension Logger.MetadataValue {
    var journalBytes: [UInt8] {
        if case .stringConvertible(let value) = self, let raw = value as? JournalBytes { return raw.bytes }
        return Array(description.utf8)
    }
}
