import ArgumentParser
import Foundation
import MPIRanks
import Ranks

struct BenchRanks: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ranks", abstract: "Adding up gradients over the ranks that mpirun started.")

    @Option(name: .long, help: "Of gradients, in millions of bytes: by default those of a step at the paper's size.")
    var megabytes = 113
    @Option(name: .long, help: "Measured runs, after one to warm up.") var `repeat` = 5

    func validate() throws {
        if !(1...8000).contains(megabytes) { throw ValidationError("--megabytes is from 1 to 8000.") }
        if `repeat` < 1 { throw ValidationError("--repeat is at least 1.") }
    }

    func run() throws {
        let group: any RankGroup
        do { group = try MPILaunch.group() } catch {
            if MPILaunch.rank == 0 { standardError("cyclegan-style: \(errorText(error))") }
            throw ExitCode.failure
        }
        let count = megabytes * 250_000 / group.count * group.count
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        values.initialize(repeating: 1)
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for run in 0...`repeat` {
            _ = group.all(true)
            let time = clock.measure { group.startSum([values], batch: group.count).wait() }
            if run > 0 { seconds.append(Double(time.components.seconds) + Double(time.components.attoseconds) * 1e-18) }
        }
        seconds.sort()
        let sent = Double(2 * (group.count - 1)) / Double(group.count) * Double(count * 4)
        func rounded(_ value: Double) -> String { String(format: "%.4f", value) }
        if group.rank == 0 {
            print(
                "\(group.count) ranks, \(megabytes) MB: best \(rounded(seconds[0])) s, "
                    + "median \(rounded(seconds[seconds.count / 2])) s, "
                    + "\(rounded(sent / seconds[0] / 1e9)) GB/s out of each rank and into it")
        }
        values.deallocate()
        (group as? MPIRanks)?.end()
    }
}
