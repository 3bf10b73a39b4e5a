import Digests
import Foundation
import GRDB
import LinuxFiles
import Networks
import Weights
import XCTest

@testable import ModelLedger

final class ModelArchiveTests: XCTestCase {
    private var root = BytePath.empty
    private var database: DatabaseQueue!
    private var archive: ModelArchive!

    override func setUpWithError() throws {
        let name = "archive-\(UUID().uuidString)"
        root = BytePath(FileManager.default.temporaryDirectory.appendingPathComponent(name).path)
        try Files.makeDirectory(root)
        database = try DatabaseQueue(path: root.appending("ledger.sqlite").description)
        var migrator = DatabaseMigrator()
        ModelArchive.migrate(&migrator)
        try migrator.migrate(database)
        archive = try ModelArchive(database: database, directory: root.appending("models"))
    }

    override func tearDown() { try? FileManager.default.removeItem(atPath: root.description) }

    /// A generator's file; another number, other weights.
    private func model(_ number: Int) throws -> BytePath {
        let path = root.appending("model-\(number).safetensors")
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 0, activation: .relu, upsampling: .resize)
        let tensors = description.tensorShapes.map { key, shape in
            (name: key, shape: shape, values: [Float](repeating: Float(number), count: shape.reduce(1, *)))
        }
        let metadata = description.metadata.merging(["style": "vangogh"]) { $1 }
        try Safetensors.write(path.description, tensors: tensors, metadata: metadata)
        return path
    }

    private func add(
        _ number: Int, _ decision: ModelRecord.Decision = .promote, style: String = "vangogh"
    ) throws -> SHA256Digest {
        var facts = ModelArchive.Facts(style: style, origin: .trained)
        (facts.decision, facts.reasons) = (decision, ["reason \(number)"])
        return try archive.add(model(number), facts)
    }

    private func assertFails(_ words: String, line: UInt = #line, _ body: () throws -> Void) {
        XCTAssertThrowsError(try body(), line: line) { XCTAssertTrue("\($0)".contains(words), "\($0)", line: line) }
    }

    private var files: Set<String> {
        get throws { Set(try Files.names(in: archive.directory).map { String(decoding: $0, as: UTF8.self) }) }
    }

    // MARK: What a run has made

    func testAdmit_changesAllOrNothing() throws {
        let before = try add(0)
        try archive.promote(before, why: "test")
        let file = try model(1), state = root.appending("state")
        try Data("state".utf8).write(to: URL(fileURLWithPath: state.description))
        let hash = SHA256.hash(try Files.read(file))
        struct Crash: Error {}
        let facts = ModelArchive.Facts(style: "vangogh", origin: .trained)
        XCTAssertThrowsError(
            try archive.admit(file, facts, trainingState: state, promoting: "test") { database, model in
                XCTAssertEqual(model, hash)
                try database.execute(sql: "CREATE TABLE own (value INTEGER)")
                XCTAssertNotNil(try Files.statusIfPresent(of: archive.path(of: model)), "the files are there first")
                throw Crash()
            })
        XCTAssertEqual(try archive.current("vangogh"), before)
        XCTAssertNil(try archive.record(hash))
        XCTAssertFalse(try database.read { try $0.tableExists("own") })
        let result = try archive.admit(file, facts, trainingState: state, promoting: "test")
        XCTAssertEqual(result.hash, hash)
        XCTAssertEqual(result.before, before)
        XCTAssertEqual(try archive.current("vangogh"), hash)
        XCTAssertEqual(try Files.read(archive.trainingState(of: hash)), Array("state".utf8))
        // Said again, after a crash behind the transaction, nothing changes.
        try archive.admit(file, facts, promoting: "test")
        XCTAssertEqual(try archive.history("vangogh").map(\.hash), [hash, before])
        // One that is not put to use.
        let other = try archive.admit(model(2), facts).hash
        XCTAssertEqual(try archive.current("vangogh"), hash)
        XCTAssertEqual(try archive.record(other)?.isPresent, true)
    }

    func testTrainingState_goesWithItsModel() throws {
        let state = root.appending("state")
        try Data("state".utf8).write(to: URL(fileURLWithPath: state.description))
        let facts = ModelArchive.Facts(style: "vangogh", origin: .trained)
        let hash = try archive.admit(model(1), facts, trainingState: state).hash
        // One whose model never came.
        let orphan = archive.directory.appending("\(SHA256.hash([9])).training.safetensors")
        try Data("state".utf8).write(to: URL(fileURLWithPath: orphan.description))
        _ = try archive.recover()
        XCTAssertEqual(try files, ["\(hash).safetensors", "\(hash).training.safetensors"])
        try archive.forget(hash)
        XCTAssertEqual(try files, [])
    }

    // MARK: Taking in

    func testAdd_keepsTheFileUnderItsContentAndEveryFact() throws {
        let parent = try add(0), file = try model(1)
        var facts = ModelArchive.Facts(style: "vangogh", origin: .trained)
        (facts.parent, facts.data, facts.figures) = (parent, "{\"paintings\":3}", "{\"decision\":\"keep\"}")
        (facts.decision, facts.reasons) = (.keep, ["not surely better", "so it is"])
        let hash = try archive.add(file, facts), record = try XCTUnwrap(archive.record(hash))
        XCTAssertEqual(hash, SHA256.hash(try Files.read(file)))
        XCTAssertEqual(try Files.read(archive.path(of: hash)), try Files.read(file))
        XCTAssertEqual(record.parent, parent)
        XCTAssertEqual([record.data, record.figures], ["{\"paintings\":3}", "{\"decision\":\"keep\"}"])
        XCTAssertEqual(record.decision, .keep)
        XCTAssertEqual(record.reasons, ["not surely better", "so it is"])
        XCTAssertEqual(record.origin, .trained)
        XCTAssertTrue(record.isPresent && !record.isInUse && !record.isPinned)
    }

    func testAdd_whenItIsThereAlready_keepsOneFileAndTakesTheExamination() throws {
        let first = try archive.add(model(1), .init(style: "vangogh", origin: .imported)), second = try add(1, .promote)
        XCTAssertEqual(first, second)
        XCTAssertEqual(try archive.records().map(\.decision), [.promote])
        _ = try archive.add(model(1), .init(style: "vangogh", origin: .imported))
        XCTAssertEqual(try archive.records().map(\.decision), [.promote], "nothing new is known of it")
        XCTAssertEqual(try files.count, 1)
        assertFails("style 'vangogh' already") { _ = try add(1, style: "monet") }
    }

    func testAdd_whenTheFileIsNoGenerator_takesNothing() throws {
        let path = root.appending("other.safetensors")
        try Safetensors.write(path.description, tensors: [("a", [1], [1])], metadata: [:])
        assertFails("not a generator") { try archive.add(path, .init(style: "vangogh", origin: .imported)) }
        XCTAssertEqual(try files, [])
        XCTAssertEqual(try archive.records(), [])
    }

    // MARK: Switching

    func testPromoteAndRollback_walkAlongTheHistory() throws {
        let (a, b, c) = (try add(1), try add(2), try add(3))
        XCTAssertNil(try archive.current("vangogh"))
        XCTAssertNil(try archive.promote(a, why: "first"))
        XCTAssertEqual(try archive.promote(b, why: "better"), a)
        XCTAssertEqual(try archive.promote(c, why: "better still"), b)
        XCTAssertEqual(try archive.records().filter(\.isInUse).map(\.hash), [c])
        XCTAssertEqual(try archive.records().filter(\.isPredecessor).map(\.hash), [b])
        XCTAssertEqual(try archive.history("vangogh").map(\.why), ["better still", "better", "first"])
        for (from, to) in [(c, b), (b, a), (a, nil)] as [(SHA256Digest, SHA256Digest?)] {
            let step = try archive.rollback("vangogh")
            XCTAssertEqual(step.from, from)
            XCTAssertEqual(step.to, to)
            XCTAssertEqual(try archive.current("vangogh"), to)
        }
        assertFails("no promoted model") { try archive.rollback("vangogh") }
    }

    func testStyles_haveTheirOwnModels() throws {
        let a = try add(1), b = try add(2, style: "monet")
        try archive.promote(a, why: "")
        try archive.promote(b, why: "")
        XCTAssertEqual(try archive.current("vangogh"), a)
        XCTAssertEqual(try archive.current("monet"), b)
        XCTAssertEqual(try archive.records(style: "monet").map(\.hash), [b])
    }

    func testPromote_whenTheGateSaidNo_needsForce() throws {
        for (number, decision) in [(1, ModelRecord.Decision.keep), (2, .refuse)] {
            let hash = try add(number, decision)
            assertFails("reason \(number); --force") { try archive.promote(hash, why: "") }
            try archive.promote(hash, why: "I like it", isForced: true)
            XCTAssertEqual(try archive.current("vangogh"), hash)
            assertFails("in use already") { try archive.promote(hash, why: "", isForced: true) }
        }
    }

    func testPromote_whenTheFileIsDamagedOrGone_keepsTheModelInUse() throws {
        let (a, b, c) = (try add(1), try add(2), try add(3))
        try archive.promote(a, why: "")
        var bytes = try Files.read(archive.path(of: b))
        bytes[bytes.count - 1] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: archive.path(of: b).description))
        try Files.unlink(archive.path(of: c))
        assertFails("damaged") { try archive.promote(b, why: "") }
        assertFails("not there any more") { try archive.promote(c, why: "") }
        XCTAssertEqual(try archive.current("vangogh"), a)
    }

    // MARK: Keeping and forgetting

    func testForget_removesTheFileButNotWhatIsInUse() throws {
        let (a, b, c, d) = (try add(1), try add(2), try add(3), try add(4))
        try archive.promote(a, why: "")
        try archive.promote(b, why: "")
        try archive.pin(c, true)
        assertFails("in use") { try archive.forget(b) }
        assertFails("a rollback leads to") { try archive.forget(a) }
        assertFails("pinned") { try archive.forget(c) }
        try archive.forget(d)
        XCTAssertNil(try Files.statusIfPresent(of: archive.path(of: d)))
        XCTAssertEqual(try archive.record(d)?.isPresent, false)
        XCTAssertEqual(try archive.record(d)?.reasons, ["reason 4"], "pictures name it still")
        assertFails("not there any more") { try archive.promote(d, why: "") }
        try archive.pin(c, false)
        try archive.forget(c)
        XCTAssertEqual(try files.count, 2)
    }

    func testPrune_keepsTheLatest_andWhatMustStay() throws {
        let hashes = try (1...8).map { number in
            let hash = try add(number)
            try database.write { database in
                try database.execute(
                    sql: "UPDATE model SET added = ? WHERE sha256 = ?", arguments: [number, Data(hash.bytes)])
            }
            return hash
        }
        for i in [0, 2, 3] { try archive.promote(hashes[i], why: "") }
        try archive.pin(hashes[1], true)
        // In use 3, its predecessor 2, pinned 1, and the two latest.
        XCTAssertEqual(Set(try archive.prune("vangogh", keep: 5)), [hashes[0], hashes[4], hashes[5]])
        let left = try archive.records().filter(\.isPresent).map(\.hash)
        XCTAssertEqual(Set(left), Set([1, 2, 3, 6, 7].map { hashes[$0] }))
        XCTAssertEqual(try files.count, 5)
        XCTAssertEqual(Set(try archive.prune("vangogh", keep: 0)), [hashes[6], hashes[7]])
        XCTAssertEqual(try archive.rollback("vangogh").to, hashes[2])
        XCTAssertNil(try archive.rollback("vangogh").to, "the first model was forgotten: rollbacks lead past it")
    }

    func testRecordNamed_findsByTheFirstDigits() throws {
        let hash = try add(1)
        XCTAssertEqual(try archive.record(named: hash.short).hash, hash)
        XCTAssertEqual(try archive.record(named: hash.description.uppercased()).hash, hash)
        assertFails("four or more") { _ = try archive.record(named: "abc") }
        assertFails("no model's SHA-256") { _ = try archive.record(named: hash.short.first == "0" ? "1111" : "0000") }
    }

    // MARK: After a crash

    func testRecover_whenTheLedgerIsNew_takesUpTheModels_andRemovesWhatWasHalfWritten() throws {
        let hash = try add(1), damaged = archive.path(of: SHA256.hash([1]))
        let others = [
            damaged, archive.directory.appending("README"), archive.directory.appending(".writing-1-abc.tmp"),
        ]
        for path in others { try Data([2]).write(to: URL(fileURLWithPath: path.description)) }
        XCTAssertEqual(try archive.recover(), .init())
        try database.write { try $0.execute(sql: "DELETE FROM model") }
        XCTAssertEqual(try archive.recover().adopted, [hash])
        XCTAssertEqual(try archive.records().map(\.style), ["vangogh"])
        XCTAssertEqual(try archive.records().map(\.decision), [.unexamined])
        XCTAssertEqual(try files, ["\(hash).safetensors", "README", damaged.lastComponent.description])
        // The run that it came from goes on and tells the rest.
        _ = try add(1)
        XCTAssertEqual(try archive.records().map(\.origin), [.trained])
        XCTAssertEqual(try archive.records().map(\.decision), [.promote])
    }

    func testRecover_whenTheModelInUseIsGone_goesBackToTheOneBefore() throws {
        let (a, b) = (try add(1), try add(2))
        try archive.promote(a, why: "")
        try archive.promote(b, why: "")
        try Files.unlink(archive.path(of: b))
        XCTAssertEqual(try archive.recover().losses, [.init(style: "vangogh", lost: b, now: a)])
        XCTAssertEqual(try archive.current("vangogh"), a)
    }

    func testRecover_whenForgettingWasInterrupted_endsIt() throws {
        let hash = try add(1)
        try database.write { try $0.execute(sql: "UPDATE model SET present = 0") }
        XCTAssertEqual(try archive.recover(), .init())
        XCTAssertNil(try Files.statusIfPresent(of: archive.path(of: hash)))
    }
}
