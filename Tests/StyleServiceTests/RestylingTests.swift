import Digests
import LinuxFiles
import Logging
import ServiceConfiguration
import StyleModels
import XCTest

@testable import StyleService

/// Finished photos are made anew with a new model, where their inbox wants that.
final class RestylingTests: PipelineTestCase {
    func testFinishedPhotos_areMadeAnewOnce_whereTheirOriginalIsThere() throws {
        try open()
        for name in ["a", "b", "gone"] { try drop("content \(name)", as: "\(name).jpg") }
        try finish()
        try Files.unlink(directory.appending("spool/originals/gone.jpg"))
        let model = try write("another model", "state/models/vangogh.safetensors")
        let models = ModelStore(state: directory.appending("state"), base: directory)
        translator.modelHash = SHA256.hash(try Files.read(model))
        let restyling = Restyling(ledger: ledger, models: models, pipeline: pipeline, logger: Logger(label: "test"))
        let inbox = try configuration("restyle: on-new-model").inboxes[0]
        restyling.queue(inbox)
        try finish()
        let pictures = files("spool/outbox")
        XCTAssertEqual(pictures.count, 5, "\(pictures): the earlier pictures stay")
        XCTAssertEqual(try entries("a.jpg").first?.modelHash, translator.modelHash)
        XCTAssertEqual(files("spool/originals"), ["a.jpg", "b.jpg"])
        // They are by this model now.
        restyling.queue(inbox)
        try finish()
        XCTAssertEqual(files("spool/outbox"), pictures)
    }

    func testInboxThatDoesNotWantIt_isLeftAlone() throws {
        try open()
        try drop("content", as: "a.jpg")
        try finish()
        _ = try write("another model", "state/models/vangogh.safetensors")
        let models = ModelStore(state: directory.appending("state"), base: directory)
        let restyling = Restyling(ledger: ledger, models: models, pipeline: pipeline, logger: Logger(label: "test"))
        restyling.begin("vangogh", try configuration())
        restyling.begin("monet", try configuration("restyle: on-new-model"))
        usleep(300_000)
        try finish()
        XCTAssertEqual(files("spool/outbox").count, 1)
    }
}
