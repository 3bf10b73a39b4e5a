import Glibc
import LinuxFiles
import XCTest

@testable import DirectoryWatching

/// Hundreds of random operations on a small tree, in which names are reused, directories moved about and the inbox
/// itself replaced. Without any rescan the watcher must end up knowing exactly what is there. (No hard links: of a
/// change through another link the kernel tells nothing, and the rescan finds it.)
final class RandomOperationTests: XCTestCase {
    func testRandomOperations_endInTheTruth() async throws {
        try await withThrowingTaskGroup(of: String?.self) { group in
            for seed in 1...12 { group.addTask { try await play(seed: UInt64(seed)) } }
            for try await failure in group { if let failure { XCTFail(failure) } }
        }
    }
}

private func play(seed: UInt64) async throws -> String? {
    var options = WatchOptions()
    options.settle = .milliseconds(100)
    options.rescanInterval = .seconds(3600)
    let stage = try Stage(options: options, inMemory: true)
    defer { stage.strike() }
    try Shell.makeDirectories(stage.inbox)
    let clock = TestClock()
    let watcher = DirectoryWatcher(root: stage.inbox, options: options, surroundings: Surroundings(now: { clock.now }))
    let events = watcher.events()
    let told = Task {
        var latest: [BytePath: FileIdentity] = [:]
        for await event in events {
            if case .complete(let file) = event { latest[file.relative] = file.identity }
        }
        return latest
    }
    try watcher.start()
    var generator = SplitMix(state: seed)
    for _ in 0..<600 {
        operate(stage, &generator)
        if Int.random(in: 0..<20, using: &generator) == 0 {
            clock.advance(.milliseconds(15))
            try await Task.sleep(for: .milliseconds(15))
        }
    }
    try? Shell.makeDirectories(stage.inbox)
    // Less than until the inbox's path is looked at anew without any event.
    for _ in 0..<20 {
        try await watcher.catchUp()
        clock.advance(options.settle / 4)
    }
    try await watcher.catchUp()
    let scans = watcher.snapshot.scans
    let waiting = watcher.snapshot.waiting.map { "\($0.relative): \($0.standing)" }
    let reported = watcher.snapshot.reported
    watcher.stop()
    let latest = await told.value
    let present = files(in: stage.inbox, .empty)
    let wrong = present.filter { latest[$0.key] != $0.value }.keys.map(\.description).sorted()
    if !wrong.isEmpty || reported != present.count || !waiting.isEmpty {
        return
            "seed \(seed): \(present.count) files, \(reported) reported, not or wrongly told: \(wrong), waiting: "
            + "\(waiting), \(scans) scans"
    }
    return nil
}

private func operate(_ stage: Stage, _ generator: inout SplitMix) {
    let directories: [BytePath] = ["", "a", "b", "ab", "a/c", "b/c", "a/c/d", "../out"]
    let directory = directories.randomElement(using: &generator)!
    let other = directories.randomElement(using: &generator)!
    let names: [BytePath] = ["x.jpg", "y.jpg", "z.jpg"]
    let file = stage.path(directory.appending(names.randomElement(using: &generator)!))
    let otherFile = stage.path(other.appending(names.randomElement(using: &generator)!))
    switch Int.random(in: 0..<100, using: &generator) {
    case 0..<35: try? Shell.write(file, Sample.jpeg(scan: Int.random(in: 1...200, using: &generator)))
    case 35..<45: try? Files.rename(file, to: otherFile)
    case 45..<50: try? Shell.exchange(file, otherFile)
    case 50..<62: _ = file.withCString { unlink($0) }
    case 62..<77: try? Shell.makeDirectories(stage.path(directory))
    case 77..<89 where !directory.isEmpty && !other.isEmpty:
        try? Files.rename(stage.path(directory), to: stage.path(other))
    case 89..<94 where !directory.isEmpty: Shell.removeTree(stage.path(directory))
    case 94..<97 where !directory.isEmpty && !other.isEmpty:
        try? Shell.exchange(stage.path(directory), stage.path(other))
    case 97: Shell.removeTree(stage.inbox)
    case 98: try? Files.renameWithoutReplacing(stage.inbox, to: stage.path("../away"))
    case 99: try? Files.renameWithoutReplacing(stage.path("../away"), to: stage.inbox)
    default: break
    }
}

private func files(in root: BytePath, _ relative: BytePath) -> [BytePath: FileIdentity] {
    var found: [BytePath: FileIdentity] = [:]
    guard let directory = try? Descriptor.directory(root.appending(relative)) else { return found }
    for name in (try? directory.names()) ?? [] {
        guard let status = try? directory.status(of: name) else { continue }
        let path = relative.appending(name)
        if status.st_mode & S_IFMT == S_IFDIR {
            found.merge(files(in: root, path)) { $1 }
        } else {
            found[path] = FileIdentity(status)
        }
    }
    return found
}

/// The same numbers for the same seed. Source: Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators".
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }
}
