import Digests
import Foundation
import LinuxFiles
import Logging
import ModelLedger
import Networks
import ServiceControl
import StyleModels
import Weights
import XCTest

@testable import StyleService

/// Models are promoted and taken back, and the next photo is made with the right one.
final class ModelAnswersTests: DirectoryTestCase {
    private var archive: ModelArchive!
    private var answers: ModelAnswers!
    private var store: ModelStore!

    override func setUpWithError() throws {
        try super.setUpWithError()
        let ledger = try Ledger(directory.appending("ledger.sqlite"))
        let archive = try ModelArchive(database: ledger.database, directory: directory.appending("state/models/sha256"))
        (self.archive, answers) = (archive, ModelAnswers(archive: archive, logger: Logger(label: "test")))
        store = ModelStore(state: directory.appending("state"), base: directory)
        store.follow { style in try archive.current(style).map(archive.path) }
    }

    /// A generator's file; another number, other weights.
    @discardableResult
    private func model(_ number: Int, _ name: String) throws -> BytePath {
        let path = directory.appending(name)
        try Files.makeDirectory(path.parent)
        let description = GeneratorDescription(
            baseChannels: 1, residualBlocks: 0, activation: .relu, upsampling: .resize)
        let tensors = description.tensorShapes.map { key, shape in
            (name: key, shape: shape, values: [Float](repeating: Float(number), count: shape.reduce(1, *)))
        }
        try Safetensors.write(path.description, tensors: tensors, metadata: description.metadata)
        return path
    }

    private func add(_ number: Int, _ decision: ModelRecord.Decision = .promote) throws -> SHA256Digest {
        var facts = ModelArchive.Facts(style: "painter", origin: .trained)
        (facts.decision, facts.reasons) = (decision, ["reason \(number)"])
        return try archive.add(model(number, "model-\(number).safetensors"), facts)
    }

    func testPromotion_changesWhatTheStyleStandsFor_andRollbackChangesItBack() throws {
        let shipped = SHA256.hash(try Files.read(model(0, "state/models/painter.safetensors")))
        XCTAssertEqual(try store.identity(for: "painter").hash, shipped)
        let (a, b) = (try add(1), try add(2))
        for hash in [a, b] {
            let reply = try answers.answer(ModelsRequest(.promote, model: hash.description))
            XCTAssertEqual(reply.models?.first?.sha256, hash.description)
            XCTAssertEqual(reply.models?.first?.isInUse, true)
            XCTAssertEqual(try store.identity(for: "painter").hash, hash)
            XCTAssertEqual(try store.identity(for: "painter").name, "painter")
        }
        _ = try answers.answer(ModelsRequest(.rollback, style: "painter"))
        XCTAssertEqual(try store.identity(for: "painter").hash, a)
        let last = try answers.answer(ModelsRequest(.rollback, style: "painter"))
        XCTAssertTrue(try XCTUnwrap(last.message).contains("that ships"), "\(last)")
        XCTAssertEqual(try store.identity(for: "painter").hash, shipped)
    }

    func testList_tellsEverythingOfEachModel() throws {
        let (a, b) = (try add(1), try add(2, .refuse))
        _ = try answers.answer(ModelsRequest(.promote, model: String(a.description.prefix(8))))
        _ = try answers.answer(ModelsRequest(.pin, model: b.description))
        let models = try XCTUnwrap(answers.answer(ModelsRequest(.list)).models)
        XCTAssertEqual(Set(models.map(\.sha256)), [a.description, b.description])
        let refused = try XCTUnwrap(models.first { $0.sha256 == b.description })
        XCTAssertEqual(refused.decision, "refuse")
        XCTAssertEqual(refused.reasons, ["reason 2"])
        XCTAssertTrue(refused.isPinned && !refused.isInUse)
        XCTAssertEqual(refused.path, archive.path(of: b).description)
        XCTAssertEqual(try answers.answer(ModelsRequest(.list, style: "other")).models?.count, 0)
        XCTAssertTrue(refused.line.contains("pinned"), refused.line)
    }

    func testWhatMustNotBeDone_isRefusedWithTheReason() throws {
        let (a, b) = (try add(1), try add(2, .keep))
        _ = try answers.answer(ModelsRequest(.promote, model: a.description))
        for (request, words) in [
            (ModelsRequest(.promote, model: b.description), "reason 2; --force"),
            (ModelsRequest(.forget, model: a.description), "in use"),
            (ModelsRequest(.info, model: "xyz"), "four or more"),
            (ModelsRequest(.rollback, style: "other"), "no promoted model"),
        ] {
            XCTAssertThrowsError(try answers.answer(request)) { XCTAssertTrue("\($0)".contains(words), "\($0)") }
        }
        _ = try answers.answer(ModelsRequest(.promote, model: b.description, isForced: true))
        XCTAssertEqual(try store.identity(for: "painter").hash, b)
        XCTAssertFalse(try answers.answer(ModelsRequest(.rollback)).isDone, "a rollback needs a style")
    }
}
