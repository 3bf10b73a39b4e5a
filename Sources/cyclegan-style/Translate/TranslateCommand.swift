import ArgumentParser
import Foundation
import Glibc
import LinuxFiles
import Photos
import Stylizing
import Tensors

struct TranslateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "translate", abstract: "Translate photos, one after the other, without the service.",
        discussion: OutputRule.help)

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("Where the pictures go.", valueName: "file|dir|-"),
        completion: .file())
    var output: String

    @Flag(name: .long, help: "Overwrite the photo itself, where -o names it.") var force = false

    @OptionGroup(title: "The picture") var picture: PictureOptions
    @OptionGroup(title: "Which photos") var selection: SelectionOptions
    @OptionGroup(title: "What is told") var telling: TellingOptions
    @OptionGroup(title: "What it may cost") var cost: LimitOptions

    @Argument(help: ArgumentHelp("Photos; - for standard input.", valueName: "photo"), completion: .file())
    var photos: [String] = []

    func validate() throws {
        if photos.isEmpty, selection.list == nil { throw ValidationError("Name at least one photo, or a --list.") }
        if selection.list == "-", photos.contains("-") {
            throw ValidationError("Standard input is a list or a photo, not both.")
        }
        if telling.json, output == "-" {
            throw ValidationError("With -o - the picture is on standard output; take --report FILE for JSON.")
        }
    }

    func run() throws {
        // A reader that goes away is an error of that picture.
        signal(SIGPIPE, SIG_IGN)
        let run: TranslateRun
        do { run = try TranslateRun(self) } catch let misuse as OutputMisuse {
            throw ValidationError(misuse.description)
        } catch let error as any CustomStringConvertible & Error {
            standardError("cyclegan-style: \(errorText(error))")
            throw ExitCode.failure
        }
        if try run.perform() > 0 { throw ExitCode.failure }
    }
}

func standardError(_ line: String) { writeStandardError(line + "\n") }
