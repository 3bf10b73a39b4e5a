import Glibc

/// The kernel's clocks, in nanoseconds.
package enum KernelClock {
    /// Since some moment in the past: unmoved by a change of the time of day.
    package static var monotonic: Int64 { now(CLOCK_MONOTONIC) }

    /// Since 1970.
    package static var timeOfDay: Int64 { now(CLOCK_REALTIME) }

    private static func now(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Duration {
    /// As a number of seconds.
    package var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }

    /// In nanoseconds; no more than a quarter of what the type holds, so that sums of a few do not overflow.
    package var inNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds.multipliedReportingOverflow(by: 1_000_000_000).overflow
            ? Int64.max / 4 : min(seconds * 1_000_000_000 + attoseconds / 1_000_000_000, Int64.max / 4)
    }
}
