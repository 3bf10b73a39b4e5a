import DirectoryWatching
import Glibc
import LinuxFiles

/// Directories inside the inbox, and things that are no files (T16 to T22, T45).
let treeSituations: [Situation] = [
    Situation(
        "T17 pipes, sockets and links",
        .fifo("pipe"), .socket("socket"), .symbolicLink(to: "nowhere", at: "dangling"),
        .symbolicLink(to: "cycle", at: "cycle"),
        .write("../outside.jpg", Sample.photo), .symbolicLink(to: "../outside.jpg", at: "file.jpg"),
        .makeDirectory("../outside"), .write("../outside/b.jpg", Sample.photo),
        .symbolicLink(to: "../outside", at: "directory"),
        .tells(
            .refused("pipe", .fifo), .refused("socket", .socket), .refused("dangling", .symbolicLink),
            .refused("cycle", .symbolicLink), .refused("file.jpg", .symbolicLink),
            .refused("directory", .symbolicLink)),
        .rescan, .silence,
        .remove("file.jpg"), .write("file.jpg", Sample.photo), .tells(.complete("file.jpg"))),
    Situation(
        "T17 a file that becomes a pipe while it is waited for",
        .write("a.jpg", Sample.photo), .sync, .fifo("../pipe"), .rename("../pipe", "a.jpg"),
        .tells(.refused("a.jpg", .fifo))),
    Situation(
        "T18 a directory moved in with files",
        .makeDirectory("../d/e"), .write("../d/a.jpg", Sample.photo), .write("../d/e/b.jpg", Sample.photo),
        .rename("../d", "d"),
        .tells(.complete("d/a.jpg"), .complete("d/e/b.jpg")),
        .write("d/e/c.jpg", Sample.photo), .tells(.complete("d/e/c.jpg"))),
    Situation(
        "T19 directories made and filled at once",
        .all(
            (0..<100).map { index in
                .all([.makeDirectory(BytePath("p\(index)/q/r")), .write(BytePath("p\(index)/q/r/x.jpg"), Sample.photo)])
            }),
        .tells(each: (0..<100).map { .complete(BytePath("p\($0)/q/r/x.jpg")) })),
    Situation(
        "T20 a directory renamed, then a file in it",
        .makeDirectory("s"), .sync, .rename("s", "t"), .write("t/a.jpg", Sample.photo), .tells(.complete("t/a.jpg"))),
    Situation(
        "T20 a directory with a file renamed twice",
        .makeDirectory("s"), .write("s/a.jpg", Sample.photo), .tells(.complete("s/a.jpg")),
        .rename("s", "t"), .tells(.vanished("s/a.jpg"), .complete("t/a.jpg")),
        .rename("t", "u"), .tells(.vanished("t/a.jpg"), .complete("u/a.jpg")),
        .write("u/b.jpg", Sample.photo), .tells(.complete("u/b.jpg"))),
    Situation(
        "T21 a directory moved out",
        .makeDirectory("s"), .sync, .rename("s", "../s"), .sync, .write("../s/a.jpg", Sample.photo),
        .write("b.jpg", Sample.photo), .tells(.complete("b.jpg"))),
    Situation(
        "T22 directories whose names begin alike",
        .makeDirectory("a"), .makeDirectory("ab"), .write("a/x.jpg", Sample.photo), .write("ab/x.jpg", Sample.photo),
        .tells(.complete("a/x.jpg"), .complete("ab/x.jpg")),
        .rename("a", "../a"), .tells(.vanished("a/x.jpg")),
        .write("ab/y.jpg", Sample.photo), .tells(.complete("ab/y.jpg"))),
    Situation(
        "a tree removed, and made again at once",
        .makeDirectory("a/b"), .write("a/b/x.jpg", Sample.photo), .tells(.complete("a/b/x.jpg")),
        .removeTree("a"), .tells(.vanished("a/b/x.jpg")),
        .makeDirectory("a/b"), .write("a/b/x.jpg", Sample.photo), .tells(.complete("a/b/x.jpg"))),
    Situation(
        "a file that becomes a directory, and back",
        .write("a", Sample.photo), .tells(.complete("a")), .remove("a"), .tells(.vanished("a")),
        .makeDirectory("a"), .write("a/b.jpg", Sample.photo), .tells(.complete("a/b.jpg")),
        .removeTree("a"), .tells(.vanished("a/b.jpg")), .write("a", Sample.photo), .tells(.complete("a"))),
    Situation(
        "T45 the outbox inside the inbox",
        .makeDirectory("out/deep"), .write("out/a.jpg", Sample.photo), .write("out/deep/b.jpg", Sample.photo),
        .makeDirectory("outside"), .write("outside/c.jpg", Sample.photo), .tells(.complete("outside/c.jpg")),
        .stands("out/a.jpg") { $0 == .excluded("out") }
    )
    .with { $0.excludedDirectories = ["out"] },
    Situation(
        "T45 network storage's own directories",
        .makeDirectory("@eaDir/x"), .write("@eaDir/x/a.jpg", Sample.photo), .makeDirectory(".stversions"),
        .write(".stversions/b.jpg", Sample.photo), .write("c.jpg", Sample.photo), .tells(.complete("c.jpg"))),
    Situation(
        "directories are left alone where that is wanted",
        .makeDirectory("d"), .write("d/a.jpg", Sample.photo), .write("b.jpg", Sample.photo), .tells(.complete("b.jpg")),
        .stands("d/a.jpg") { $0 == .nested }
    )
    .with { $0.recursive = false },
    Situation(
        "directories nested too deep",
        .makeDirectory("1/2/3"), .write("1/2/a.jpg", Sample.photo), .write("1/2/3/b.jpg", Sample.photo),
        .tells(.complete("1/2/a.jpg"), .refused("1/2/3", .tooDeep))
    )
    .with { $0.maximumDepth = 2 },
]

/// Files and directories that may not be read (T15, T16).
let privilegeSituations: [Situation] = [
    Situation(
        "T15 a file that may be read later",
        .write("../a.jpg", Sample.photo), .chmod("../a.jpg", 0), .rename("../a.jpg", "a.jpg"),
        .tells(.unreadable("a.jpg", EACCES)),
        .stands("a.jpg") { $0 == .unreadable(errno: EACCES) },
        .chmod("a.jpg", 0o644), .tells(.complete("a.jpg"))
    ).unprivileged(),
    Situation(
        "T16 a directory that may be read later",
        .makeDirectory("../d"), .write("../d/a.jpg", Sample.photo), .chmod("../d", 0), .rename("../d", "d"),
        .tells(.unreadable("d", EACCES)), .rescan, .silence,
        .chmod("d", 0o755), .tells(.complete("d/a.jpg")),
        .write("d/b.jpg", Sample.photo), .tells(.complete("d/b.jpg"))
    ).unprivileged(),
    Situation(
        "T16 a directory that may be listed and not entered",
        .makeDirectory("../d"), .write("../d/a.jpg", Sample.photo), .chmod("../d", 0o744), .rename("../d", "d"),
        .tells(.unreadable("d/a.jpg", EACCES)), .rescan, .silence,
        .chmod("d", 0o755), .rescan, .tells(.complete("d/a.jpg"))
    ).unprivileged(),
    Situation(
        "an inbox that may be read later",
        .makeDirectory(""), .write("a.jpg", Sample.photo), .chmod("", 0), .start, .tells(.waiting),
        .chmod("", 0o755), .tells(.watching, .complete("a.jpg"))
    ).unprivileged().startingLater(),
]

let deviceSituations: [Situation] = [
    Situation("T17 a device", .device("null"), .tells(.refused("null", .characterDevice)), .rescan)
]
