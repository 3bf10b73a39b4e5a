import Foundation
import ServiceConfiguration
import XCTest

/// The floors of docs/architecture.md, held against the import lines and the package's manifest.
final class ArchitectureTests: XCTestCase {
    /// Floor by module.
    private func floors() throws -> [String: Int] {
        let text = try String(contentsOf: Built.project.appendingPathComponent("docs/architecture.md"), encoding: .utf8)
        var floors: [String: Int] = [:]
        for row in text.matches(of: /\n\| (\d+) \| ([^|]+) \|/) {
            for module in row.2.matches(of: /`([^`]+)`/) { floors[String(module.1)] = Int(row.1) }
        }
        return floors
    }

    private func modules() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Built.project.appendingPathComponent("Sources").path)
            .sorted()
    }

    /// The texts of a module's files, by path below Sources.
    private func sources(of module: String, endings: Set<String> = ["swift"]) throws -> [String: String] {
        let folder = Built.project.appendingPathComponent("Sources/\(module)")
        var texts: [String: String] = [:]
        for case let file as URL in FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)!
        where endings.contains(file.pathExtension) {
            let name = file.path.split(separator: "/Sources/", maxSplits: 1).last.map(String.init) ?? file.path
            texts[name] = try String(contentsOf: file, encoding: .utf8)
        }
        return texts
    }

    /// The modules that a module's files import.
    private func imports(of module: String) throws -> Set<String> {
        var found: Set<String> = []
        for text in try sources(of: module).values {
            found.formUnion(
                text.matches(of: /(?m)^(?:@\w+ )*(?:\w+ )?import (\w+)/).map { String($0.1).replacing("_", with: "-") })
        }
        return found
    }

    func testEveryModule_hasAFloor() throws {
        let floors = try floors()
        XCTAssertEqual(try modules().filter { floors[$0] == nil }, [])
        XCTAssertEqual(floors.keys.sorted(), try modules())
    }

    func testEveryImport_goesToALowerFloor() throws {
        let floors = try floors()
        var checked = 0
        for module in try modules() {
            for imported in try imports(of: module) {
                guard let below = floors[imported], let own = floors[module] else { continue }
                checked += 1
                XCTAssertLessThan(below, own, "\(module) imports \(imported)")
            }
        }
        XCTAssertGreaterThan(checked, 50)
    }

    /// What can be changed by everybody at any time is handed down instead.
    func testNothing_isSharedUnchecked_withoutAReason() throws {
        var checked = 0
        for module in try modules() {
            for (file, text) in try sources(of: module) {
                XCTAssertFalse(text.contains("nonisolated(unsafe)"), file)
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
                for (number, line) in lines.enumerated() where line.contains("@unchecked Sendable") {
                    checked += 1
                    let comment = lines[..<number].reversed().prefix {
                        $0.drop(while: { $0 == " " }).hasPrefix("///")
                    }
                    XCTAssertTrue(
                        comment.contains { $0.contains("Safe to share:") },
                        "\(file):\(number + 1): say why it is safe: /// Safe to share: ...")
                }
            }
        }
        XCTAssertGreaterThan(checked, 5)
    }

    /// What lies below knows no program: errors there carry what would help, and who prints them names it.
    func testLowFloors_nameNoCommandKeyOrDirectory() throws {
        let floors = try floors(), keys = Set(ServiceConfiguration.Configuration.keyNames)
        XCTAssertTrue(keys.contains("limits.max-pixels"))
        // A key that is one word may be a word like others.
        let foreign = keys.filter { $0.contains(".") } + ["`memory`", "cyclegan-style", "inbox", "outbox"]
        for (module, floor) in floors where floor <= 3 {
            for (file, text) in try sources(of: module, endings: ["swift", "c", "h"]) {
                for word in foreign { XCTAssertFalse(text.contains(word), "\(file) names \(word)") }
            }
        }
    }

    /// An import that only works because another dependency happens to bring the module breaks when that one goes.
    func testEveryImport_isDeclared_andNothingElseIs() throws {
        let manifest = try String(contentsOf: Built.project.appendingPathComponent("Package.swift"), encoding: .utf8)
        let floors = try floors()
        for target in manifest.split(separator: /\.(?:target|executableTarget)\(/).dropFirst() {
            let own = target.prefix(while: { $0 != "]" }).firstMatch(of: /name: "([^"]+)"/).map { String($0.1) } ?? ""
            // What a target in C depends on it includes, where the library is there at all.
            guard floors[own] != nil, try !imports(of: own).isEmpty else { continue }
            // The arguments of this target end where another kind of target begins.
            let arguments = target.split(separator: /\.(?:testTarget|systemLibrary)\(/)[0]
            let names = Set(arguments.matches(of: /"([^"]+)"/).map { String($0.1) }).subtracting([own])
            let declared = names.filter { floors[$0] != nil }
            let imported = try imports(of: own).filter { floors[$0] != nil }
            XCTAssertEqual(imported.sorted(), declared.sorted(), own)
        }
    }
}
