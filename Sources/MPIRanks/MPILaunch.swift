import Digests
import Glibc
import LinuxFiles
import Ranks

/// How this process was started, and with whom.
package enum MPILaunch {
    /// Whether mpirun, or another launcher that speaks PMIx, started this process. Only then is MPI loaded.
    package static var isUnderway: Bool { number("OMPI_COMM_WORLD_SIZE") != nil || number("PMIX_RANK") != nil }

    /// The number that the launcher gave this process; 0 where there was none.
    package static var rank: Int { number("OMPI_COMM_WORLD_RANK") ?? number("PMIX_RANK") ?? 0 }

    /// Of the environment.
    private static func number(_ name: String) -> Int? { getenv(name).flatMap { Int(String(cString: $0)) } }

    /// The processes that were started together; this one alone where no launcher did.
    /// - Throws: `MPIError` where Open MPI is not there.
    package static func group() throws -> any RankGroup { isUnderway ? try MPIRanks() : OneProcess() }

    /// Threads for this process's computing: the processors that it may use, shared with the ranks that may use the
    /// same ones. Where mpirun bound each rank to processors of its own nobody shares.
    package static func threads(_ group: any RankGroup) -> Int {
        guard group.count > 1 else { return Processors.usable }
        // Numbers up to 2^48 are whole in a double.
        let own = [place("/proc/sys/kernel/random/boot_id"), place("/proc/self/status")]
        let sharing = group.gathered(own).filter { $0 == own }.count
        return max(1, Processors.usable / sharing)
    }

    /// A number for the machine (its boot), or for the processors that this process may run on.
    private static func place(_ path: String) -> Double {
        let text = Files.kernelText(BytePath(path)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") } ?? text[...]
        return Double(FNV1a.hash(line.utf8) >> 16)
    }
}

/// Why there is no MPI, in one line with the remedy.
package struct MPIError: Error, CustomStringConvertible {
    package let description: String
}
