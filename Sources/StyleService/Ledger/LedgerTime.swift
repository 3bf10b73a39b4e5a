import Foundation
import GRDB
import LinuxFiles
import Publishing

/// A moment as the ledger keeps it: whole milliseconds since 1970.
package struct LedgerTime: Hashable, Comparable, Sendable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    package init(_ date: Date) { milliseconds = Int64(date.timeIntervalSince1970 * 1000) }

    package static var now: LedgerTime { LedgerTime(milliseconds: KernelClock.timeOfDay / 1_000_000) }

    package var date: Date { Date(timeIntervalSince1970: Double(milliseconds) / 1000) }

    package static func + (time: LedgerTime, wait: Duration) -> LedgerTime {
        LedgerTime(milliseconds: time.milliseconds + wait.inNanoseconds / 1_000_000)
    }

    package static func - (time: LedgerTime, wait: Duration) -> LedgerTime {
        LedgerTime(milliseconds: time.milliseconds - wait.inNanoseconds / 1_000_000)
    }

    /// How much later this is than another moment.
    package static func - (later: LedgerTime, earlier: LedgerTime) -> Duration {
        .milliseconds(later.milliseconds - earlier.milliseconds)
    }

    package static func < (left: LedgerTime, right: LedgerTime) -> Bool { left.milliseconds < right.milliseconds }
}

extension LedgerTime: DatabaseValueConvertible {
    package var databaseValue: DatabaseValue { milliseconds.databaseValue }

    package static func fromDatabaseValue(_ value: DatabaseValue) -> LedgerTime? {
        Int64.fromDatabaseValue(value).map { LedgerTime(milliseconds: $0) }
    }
}
