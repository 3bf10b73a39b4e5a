import Foundation
import Glibc
import LinuxFiles
import ServiceConfiguration
import ServiceControl
import XCTest

@testable import StyleService

/// What people are told who ask for training.
final class RetrainAnswersTests: TrainingTestCase {
    private var answers: RetrainAnswers { RetrainAnswers(training: training) }

    private func refusal(_ request: RetrainRequest) throws -> String {
        let reply = try answers.answer(request)
        XCTAssertFalse(reply.isDone)
        return reply.message ?? ""
    }

    func testWhatIsMissing_isSaidWithTheRemedy() throws {
        let configuration = try painter()
        try begin(configuration, Self.decides)
        let nothing = try refusal(.init(.start, style: "painter"))
        XCTAssertTrue(nothing.contains("there are 0 paintings and 0 photos, and a run needs 10 of each"), nothing)
        XCTAssertTrue(nothing.contains("\(directory)/spool/domains/painter/paintings"), nothing)
        XCTAssertTrue(nothing.contains("styles.painter.learn-from"), nothing)
        try fill(configuration, 0..<9)
        XCTAssertTrue(try refusal(.init(.start, style: "painter", isForced: true)).contains("9 paintings and 9 photos"))
        XCTAssertTrue(
            try refusal(.init(.start, style: "paintr")).contains("no style 'paintr' to train (did you mean painter?)"))
        XCTAssertTrue(try refusal(.init(.start)).contains("needs a style"))
        XCTAssertTrue(try refusal(.init(.status, style: "paintr")).contains("its styles are painter"))
        XCTAssertTrue(try refusal(.init(.stop, style: "painter")).contains("is not being trained"))
        try fill(configuration, 9..<10)
        XCTAssertTrue(try refusal(.init(.start, style: "painter", budgetSeconds: 0)).contains("budget"))
        XCTAssertTrue(try refusal(.init(.start, style: "painter", iterations: 0)).contains("iterations"))
    }

    func testNow_doesNotWaitForNewImages_andTheOrderIsFollowed() throws {
        let configuration = try painter("min-new-images: 50", "iterations: 7")
        try fill(configuration, 0..<10)
        _ = try candidate(1, .promote)
        try begin(configuration, "while [ ! -e \"$ROOT/go\" ]; do sleep 0.02; done\n" + Self.decides)
        let few = try refusal(.init(.start, style: "painter"))
        XCTAssertTrue(few.contains("20 of the 50 new images") && few.contains("--now does not wait"), few)
        XCTAssertTrue(
            try answers.answer(.init(.start, style: "painter", isForced: true, mode: .retrain, budgetSeconds: 90))
                .isDone)
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        XCTAssertTrue(try refusal(.init(.start, style: "painter", isForced: true)).contains("is being trained already"))
        let plan = try String(
            decoding: Files.read(XCTUnwrap(run(.running)).directory.appending("plan.json")), as: UTF8.self)
        XCTAssertTrue(
            plan.contains("\"minutes\" : 1.5"), "the order's budget goes before the configuration's iterations: \(plan)"
        )
        XCTAssertFalse(plan.contains("\"iterations\""), plan)
        _ = try write("", "go")
        _ = try waitForRun(.decided)
    }

    func testStatus_tellsHowEachStyleStands() throws {
        let configuration = try configuration("styles: {painter: {}, other: {retrain: {when: never}}}")
        _ = try candidate(1, .promote)
        try fill(configuration, 0..<12)
        try begin(configuration, "while [ ! -e \"$ROOT/go\" ]; do sleep 0.02; done\n" + Self.decides)
        func report(_ style: String) throws -> StyleReport {
            try XCTUnwrap(answers.answer(.init(.status)).styles?.first { $0.style == style })
        }
        var painter = try report("painter")
        XCTAssertEqual([painter.paintings, painter.photos, painter.new], [12, 12, 24])
        XCTAssertEqual(painter.activity, .idle)
        XCTAssertEqual(painter.sentence, "waits for its time")
        XCTAssertGreaterThan(try XCTUnwrap(painter.next), Date())
        XCTAssertNil(painter.run)
        let other = try report("other")
        XCTAssertEqual(other.sentence, "is trained on request only")
        XCTAssertNil(other.next)
        XCTAssertNil(training.headline)
        try letTimePass()
        try waitUntil("it is at work") { training.state.read { $0.active != nil } }
        let run = try XCTUnwrap(run(.running)).directory
        reports.tell(
            TrainingReport(
                run: run, iteration: 30, total: 120, losses: ["generators": 2], imagesPerSecond: 1, secondsLeft: 90),
            from: getpid())
        painter = try report("painter")
        XCTAssertEqual(painter.activity, .training)
        XCTAssertEqual(painter.sentence, "training, iteration 30 of 120, 1 min 30 s left")
        XCTAssertEqual(painter.progress?.losses, ["generators": 2])
        XCTAssertEqual(training.headline, "training painter (iteration 30 of 120, 1 min 30 s left)")
        reports.tell(TrainingReport(run: run, examined: 3, of: 14), from: getpid())
        painter = try report("painter")
        XCTAssertEqual(painter.activity, .examining)
        XCTAssertTrue(painter.sentence.contains("3 of 14 images"), painter.sentence)
        _ = try write("", "go")
        _ = try waitForRun(.decided)
        painter = try report("painter")
        XCTAssertEqual(painter.run?.state, "decided")
        XCTAssertTrue(painter.lines().contains { $0.contains("decided: reason 1") }, "\(painter.lines())")
    }

    /// What the command line sends and gets is JSON.
    func testMessages_goThroughJSONUnchanged() throws {
        let request = ControlRequest(
            .retrain,
            retrain: .init(.start, style: "a", isForced: true, mode: .finetune, budgetSeconds: 3, iterations: 4))
        let bytes = try ControlJSON.encoder().encode(request)
        XCTAssertTrue(String(decoding: bytes, as: UTF8.self).contains("\"budget-seconds\":3"))
        let again = try ControlJSON.decoder().decode(ControlRequest.self, from: bytes)
        XCTAssertEqual(again.retrain?.iterations, 4)
        XCTAssertEqual(again.retrain?.mode, .finetune)
    }
}
