import XCTest

@testable import DirectoryWatching

/// Plays the situations against the real kernel, many at a time: each has a watcher and a directory of its own.
final class SituationTests: XCTestCase {
    func testFileSituations() async {
        await play(fileSituations)
    }

    /// T46: T1 to T15, and the rest.
    func testFileSituations_whenPolling() async {
        await play(fileSituations) { $0.polling = .always }
    }

    func testFileSituations_whenTheFileSystemIsRemote() async {
        let remote = Surroundings(remoteName: { _ in "NFS" })
        await play(fileSituations, surroundings: remote) { options in
            options.networkSettle = options.settle
        }
    }

    func testNameSituations() async {
        await play(nameSituations)
    }

    func testTreeSituations() async {
        await play(treeSituations)
    }

    func testTreeSituations_whenPolling() async {
        await play(treeSituations) { $0.polling = .always }
    }

    func testRootSituations() async {
        await play(rootSituations)
    }

    func testRootSituations_whenPolling() async {
        await play(rootSituations) { $0.polling = .always }
    }

    func testPrivilegeSituations() async throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to drop its right to read everything")
        await play(privilegeSituations)
    }

    func testDeviceSituations() async throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to make device nodes")
        await play(deviceSituations)
    }

    func testMountSituations() async throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount file systems")
        await play(mountSituations)
    }

    func testNestedRemoteSituations() async throws {
        try XCTSkipUnless(geteuid() == 0, "needs root, to mount file systems")
        let tmpfs: UInt64 = 0x0102_1994
        let surroundings = Surroundings(remoteName: { $0 == tmpfs ? "NFS" : nil })
        await play(nestedRemoteSituations, surroundings: surroundings) { $0.networkSettle = $0.settle }
    }

    private func play(
        _ situations: [Situation], surroundings: Surroundings = Surroundings(),
        _ adapt: @escaping @Sendable (inout WatchOptions) -> Void = { _ in }
    ) async {
        let failures = await withTaskGroup(of: String?.self) { group in
            var failures: [String] = []
            for (index, situation) in situations.enumerated() {
                // Each has two threads and its descriptors.
                if index >= 12, let failure = await group.next() ?? nil { failures.append(failure) }
                group.addTask { await playOne(situation, surroundings, adapt) }
            }
            for await failure in group { failures += failure.map { [$0] } ?? [] }
            return failures
        }
        for failure in failures { XCTFail(failure) }
    }
}

/// Returns what went wrong.
private func playOne(
    _ situation: Situation, _ surroundings: Surroundings, _ adapt: @Sendable (inout WatchOptions) -> Void
) async -> String? {
    var options = WatchOptions()
    options.settle = .milliseconds(200)
    options.incompleteAfter = .seconds(3)
    options.pollInterval = .milliseconds(100)
    adapt(&options)
    situation.options(&options)
    do {
        let stage = try Stage(
            inbox: situation.inbox, options: options, surroundings: surroundings,
            isUnprivileged: situation.isUnprivileged)
        defer { stage.strike() }
        if situation.startsAtOnce {
            try Shell.makeDirectories(stage.inbox)
            try stage.start()
            try await stage.watcher.sync()
        }
        for (index, step) in situation.steps.enumerated() {
            do {
                try await stage.letTimeStampsMove()
                try await step.run(stage)
            } catch { return "\(situation.name), step \(index + 1): \(error)" }
        }
        do { try await Step.silence.run(stage) } catch { return "\(situation.name), afterwards: \(error)" }
        return nil
    } catch {
        return "\(situation.name): \(error)"
    }
}
