import DirectoryWatching

/// The inbox itself comes and goes (T23, T24, T27).
let rootSituations: [Situation] = [
    Situation(
        "T23 removed and made again",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .remove("a.jpg"), .tells(.vanished("a.jpg")),
        .removeTree(""), .tells(.waiting), .makeDirectory(""), Step { try await $0.expectAttached() },
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T23 removed and made again in one breath",
        .removeTree(""), .makeDirectory(""), .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T24 renamed away and back",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")),
        .rename("", "../away"), .tells(.waiting), .write("../away/b.jpg", Sample.photo), .silence,
        .rename("../away", "../in"), .tells(.complete("b.jpg")),
        .write("c.jpg", Sample.photo), .tells(.complete("c.jpg"))),
    Situation(
        "T24 another directory in its place",
        .makeDirectory("../other"), .write("../other/a.jpg", Sample.photo), .exchange("", "../other"),
        .tells(.complete("a.jpg")), .write("b.jpg", Sample.photo), .tells(.complete("b.jpg"))),
    Situation(
        "T27 absent at the start",
        .start, .tells(.waiting), .makeDirectory(""), .write("a.jpg", Sample.photo),
        Step { try await $0.expectAttached() }, .tells(.complete("a.jpg"))
    ).startingLater(inbox: "some/where/deep/in"),
    Situation(
        "T27 absent at the start, then moved into place with files",
        .makeDirectory("../../staged/in"), .write("../../staged/in/a.jpg", Sample.photo), .start, .tells(.waiting),
        .rename("../../staged", "../../place"), .tells(.complete("a.jpg"))
    ).startingLater(inbox: "place/in"),
    Situation(
        "a link in the inbox's place",
        .makeDirectory("../real"), .symbolicLink(to: "real", at: "../in"), .start,
        Step { try await $0.expectAttached() },
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))
    ).startingLater(),
    Situation(
        "a file in the inbox's place",
        .write("../in", Sample.text), .start, .tells(.waiting), .remove("../in"), .makeDirectory(""),
        Step { try await $0.expectAttached() }, .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))
    ).startingLater(),
]

/// File systems come and go (T25, T26).
let mountSituations: [Situation] = [
    Situation(
        "T25 unmounted, mounted again, unmounted lazily",
        .makeDirectory(""), .mount(""), .write("a.jpg", Sample.photo), .start, .tells(.complete("a.jpg")),
        .unmount(""), .silence, .write("b.jpg", Sample.photo), .tells(.complete("b.jpg")),
        .mount(""), .write("c.jpg", Sample.photo), .tells(.complete("c.jpg")),
        .unmount("", lazily: true), .write("d.jpg", Sample.photo), .tells(.complete("d.jpg"), .complete("b.jpg"))
    )
    .startingLater(),
    Situation(
        "T26 a file system mounted over the inbox",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .mount(""),
        .write("b.jpg", Sample.photo), .tells(.complete("b.jpg"))),
    Situation(
        "one directory mounted at two places",
        .makeDirectory("d"), .makeDirectory("e"), .mount("d"), .bind("d", "e"), .sync,
        .write("d/a.jpg", Sample.photo), .tells(.complete("d/a.jpg"), .complete("e/a.jpg")),
        .remove("e/a.jpg"), .tells(.vanished("d/a.jpg"), .vanished("e/a.jpg")),
        .unmount("e"), .write("d/b.jpg", Sample.photo), .tells(.complete("d/b.jpg"))),
    Situation(
        "T26 a file system mounted over a directory in the inbox",
        .makeDirectory("d"), .write("d/a.jpg", Sample.photo), .tells(.complete("d/a.jpg")), .mount("d"),
        .tells(.vanished("d/a.jpg")),
        .write("d/b.jpg", Sample.photo), .tells(.complete("d/b.jpg")),
        .unmount("d"), .tells(.vanished("d/b.jpg"), .complete("d/a.jpg"))),
]

/// A file system of a kind that does not tell of all changes, in an inbox on one that does.
let nestedRemoteSituations: [Situation] = [
    Situation(
        "a remote file system mounted on a directory in the inbox",
        .makeDirectory("d"), .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .mount("d"), .sync,
        .write("d/b.jpg", Sample.photo), .tells(.complete("d/b.jpg")),
        Step { stage in
            let snapshot = stage.watcher.snapshot
            guard snapshot.state == .watching, snapshot.directories == 2, snapshot.watches == 1 else {
                throw StageFailure("\(snapshot.state), \(snapshot.watches) of \(snapshot.directories) watched")
            }
        },
        .write("c.jpg", Sample.photo), .tells(.complete("c.jpg")))
]

extension Stage {
    /// Waits for the directory to be watched, or polled.
    func expectAttached() async throws {
        for _ in 0..<200 {
            try await catchUp()
            switch watcher.snapshot.state {
            case .watching, .polling: return
            default: try await pass(options.settle / 4)
            }
        }
        throw StageFailure("neither watched nor polled: \(watcher.snapshot.state)")
    }
}
