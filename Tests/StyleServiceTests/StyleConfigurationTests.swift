import LinuxFiles
import StyleModels
import XCTest

@testable import ServiceConfiguration

/// The styles that the service trains, as the configuration has them.
final class StyleConfigurationTests: XCTestCase {
    private typealias Settings = ServiceConfiguration.Configuration

    private func problems(_ text: String) -> [String] {
        do {
            _ = try Settings.parse(text)
            return []
        } catch { return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"] }
    }

    func testStyle_isThereByDefault() throws {
        let style = try XCTUnwrap(Settings.parse("spool: /srv/x").styles.first)
        XCTAssertEqual(style.key, "vangogh")
        XCTAssertEqual(style.paintings, "/srv/x/domains/vangogh/paintings")
        XCTAssertEqual(style.photos, "/srv/x/domains/vangogh/photos")
        XCTAssertEqual(style.failed, "/srv/x/domains/vangogh/failed")
        XCTAssertEqual(style.learnFrom, [])
        XCTAssertEqual(style.retrain.when?.text, "weekly")
        XCTAssertEqual(style.retrain.budget, .seconds(4 * 3600))
        XCTAssertTrue(style.ships)
    }

    func testEveryKey_isRead() throws {
        let configuration = try Settings.parse(
            """
            spool: /srv/x
            inboxes: {a: {inbox: a/in, outbox: a/out}, b: {inbox: b/in, outbox: b/out, restyle: on-new-model}}
            styles:
              monet:
                paintings: /art/monet
                photos: shots
                learn-from: [a, b]
                retrain:
                  when: Mon..Fri 22:00
                  mode: retrain
                  min-new-images: 3
                  budget: 90min
                  iterations: 500
                  keep-models: 2
                  max-content-loss: 12.5%
                  pause-above: 7
                  memory: 2G
                  threads: 3
                  settings: [crop-size=64, "sizes=64,96"]
              cezanne:
            """)
        XCTAssertEqual(configuration.styles.map(\.key), ["monet", "cezanne"])
        let monet = configuration.styles[0], retrain = monet.retrain
        XCTAssertEqual(
            [monet.paintings, monet.photos, monet.failed],
            ["/art/monet", "/srv/x/shots", "/srv/x/domains/monet/failed"])
        XCTAssertEqual(monet.learnFrom, ["a", "b"])
        XCTAssertEqual(retrain.when?.text, "Mon..Fri 22:00")
        XCTAssertEqual(retrain.mode, .retrain)
        XCTAssertEqual(
            [retrain.minNewImages, retrain.iterations, retrain.keepModels, retrain.pauseAbove, retrain.threads],
            [3, 500, 2, 7, 3])
        XCTAssertEqual(retrain.budget, .seconds(5400))
        XCTAssertEqual(retrain.maxContentLoss, 0.125)
        XCTAssertEqual(retrain.memory, 2 << 30)
        XCTAssertEqual(retrain.settings.map { "\($0.key)=\($0.text)" }, ["crop-size=64", "sizes=64,96"])
        XCTAssertEqual(configuration.inboxes.map(\.restyle), [.never, .onNewModel])
        XCTAssertNil(try Settings.parse("styles: {a: {retrain: {when: never}}}").styles[0].retrain.when)
        // What is printed means the same.
        var again = try Settings.parse(configuration.yaml)
        (again.stylePositions, again.files) = (configuration.stylePositions, configuration.files)
        XCTAssertEqual(again, configuration)
    }

    func testWhatIsWrong_isSaidWithItsPlaceAndARemedy() {
        for (text, problem) in [
            (
                "styles:\n  a:\n    retrain: {when: Mun}",
                "config.yaml:3:21: styles.a.retrain.when: 'Mun' is no calendar event, nor 'never': at its character 1"
            ),
            ("styles:\n  a: {learn-from: [vangog]}", "there is no inbox 'vangog' (did you mean vangogh?)"),
            (
                "styles:\n  a: {learn-from: [{b: c}]}",
                "config.yaml:2:20: styles.a.learn-from: a list of plain words is expected here"
            ),
            ("styles:\n  a: {retrain: {max-content-loss: much}}", "'much' is not a percentage"),
            ("styles:\n  a: {retrain: {max-content-loss: 2000%}}", "'2000%' is not a percentage"),
            ("styles:\n  a: {retrain: {mode: finetun}}", "did you mean finetune?"),
            ("styles:\n  a: {retrain: {budgt: 4h}}", "unknown key 'styles.a.retrain.budgt' (did you mean budget?)"),
            ("styles:\n  a: {retrain: {settings: [crop-size]}}", "'crop-size' is not of the form KEY=VALUE"),
            (
                "styles:\n  a: {retrain: {settings: [crop-size=1]}}",
                "crop-size is \"1\", expected a whole number from 32"
            ),
            ("styles:\n  'a b': {}", "'a b' cannot be a style's name"),
            ("styles:\n  a: {paintings: inbox}", "is the same directory as inboxes.vangogh.inbox"),
        ] {
            let found = problems(text)
            XCTAssertEqual(found.count, 1, "\(text): \(found)")
            XCTAssertTrue(found.first?.contains(problem) == true, "\(text): \(found)")
        }
    }

    func testEveryStoredValue_hasAKey() {
        func count(_ structure: Any) -> Int { Mirror(reflecting: structure).children.count }
        // Its name, `retrain` and `failed` are no keys of their own.
        XCTAssertEqual(count(StyleConfiguration.standard("a")) - 3, StyleConfiguration.keys.count)
        XCTAssertEqual(count(RetrainConfiguration()), RetrainConfiguration.keys.count)
        for key in RetrainConfiguration.keys {
            XCTAssertTrue(Settings.help.contains("  retrain.\(key.name): "), key.name)
        }
    }

    func testStyleWithoutAModel_isNoMistake_whereItIsToBeTrained() throws {
        let models = ModelStore(state: nil, base: "/")
        XCTAssertNoThrow(try Settings.parse("style: none\nstyles: {none: {}}").checkModels(models))
        XCTAssertThrowsError(try Settings.parse("style: none").checkModels(models))
    }
}
