import DirectoryWatching
import LinuxFiles

/// One file and the ways in which it comes (T1 to T15, T34 to T38, T42, T44; T46 plays all of them when polling).
let fileSituations: [Situation] = [
    Situation(
        "T1 a new file",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")),
        .stands("a.jpg") { $0 == .reported(.present) }, .rescan),
    Situation(
        "T1 a new PNG and a file that is no photo",
        .write("a.png", Sample.png()), .write("b.txt", Sample.text),
        .tells(.complete("a.png"), .unknownFormat("b.txt"))),
    Situation(
        "T2 a slow writer",
        .writeSlowly("a.jpg", Sample.photo, pieces: 4, reopening: false), .tells(.complete("a.jpg"))),
    Situation(
        "T3 a writer that closes and reopens",
        .writeSlowly("a.jpg", Sample.photo, pieces: 4, reopening: true), .tells(.complete("a.jpg"))),
    Situation(
        "T4 written, never closed",
        .writeUnclosed("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T5 renamed in",
        .write("../a.jpg", Sample.photo), .rename("../a.jpg", "b.jpg"), .tells(.complete("b.jpg"))),
    Situation(
        "T6 renamed in over a file that is being worked on",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")),
        .write("../a.jpg", Sample.otherPhoto), .rename("../a.jpg", "a.jpg"),
        .tells(.changed("a.jpg"), .complete("a.jpg"))),
    Situation(
        "T6 two files exchanged",
        .write("a.jpg", Sample.photo), .write("b.jpg", Sample.otherPhoto),
        .tells(.complete("a.jpg"), .complete("b.jpg")),
        .exchange("a.jpg", "b.jpg"),
        .tells(.changed("a.jpg"), .changed("b.jpg"), .complete("a.jpg"), .complete("b.jpg"))),
    Situation(
        "T7 hard link in",
        .write("../a.jpg", Sample.photo), .link("../a.jpg", "b.jpg"), .tells(.complete("b.jpg"))),
    Situation(
        "T8 an unnamed file that gets its name when it is whole",
        .writeUnnamed("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T9 written through a mapping",
        .writeMapped("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T10 rsync",
        .write(".a.jpg.Xb3dQ1", Sample.halfPhoto), .pause(settleTimes: 1.5),
        .append(".a.jpg.Xb3dQ1", Sample.secondHalf),
        .rename(".a.jpg.Xb3dQ1", "a.jpg"), .tells(.complete("a.jpg"))),
    Situation(
        "T10 rsync --inplace",
        .writeSlowly("a.jpg", Sample.otherPhoto, pieces: 3, reopening: false), .tells(.complete("a.jpg")),
        .writeSlowly("a.jpg", Sample.otherPhoto, pieces: 1, reopening: false),
        .tells(.changed("a.jpg"), .complete("a.jpg"))),
    Situation(
        "T10 rsync --partial-dir",
        .makeDirectory(".rsync-partial"), .write(".rsync-partial/a.jpg", Sample.halfPhoto), .pause(settleTimes: 1.5),
        .append(".rsync-partial/a.jpg", Sample.secondHalf), .rename(".rsync-partial/a.jpg", "a.jpg"),
        .tells(.complete("a.jpg"))),
    Situation(
        "T10 rsync --delay-updates",
        .makeDirectory(".~tmp~"), .write(".~tmp~/a.jpg", Sample.photo), .write(".~tmp~/b.jpg", Sample.photo),
        .pause(settleTimes: 1.5), .rename(".~tmp~/a.jpg", "a.jpg"), .rename(".~tmp~/b.jpg", "b.jpg"),
        .tells(.complete("a.jpg"), .complete("b.jpg"))),
    Situation(
        "T11 temporary names",
        .all(temporaryNames.map { .write($0, Sample.photo) }), .pause(settleTimes: 2),
        .all(temporaryNames.map { name in .stands(name) { if case .ignored = $0 { true } else { false } } }),
        .all(temporaryNames.indices.map { .rename(temporaryNames[$0], BytePath("\($0).jpg")) }),
        .tells(each: temporaryNames.indices.map { .complete(BytePath("\($0).jpg")) })),
    Situation(
        "T11 a download with its control file beside it",
        .write("a.jpg.aria2", Sample.text), .write("a.jpg", Sample.photo), .pause(settleTimes: 2),
        .stands("a.jpg") { if case .companion("a.jpg.aria2", _) = $0 { true } else { false } },
        .remove("a.jpg.aria2"), .tells(.complete("a.jpg"))),
    Situation(
        "T12 empty, filled later",
        .write("a.jpg", []), .tells(.empty("a.jpg")), .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T13 empty for ever",
        .write("a.jpg", []), .tells(.empty("a.jpg")), .rescan, .touch("a.jpg"), .rescan,
        .silence, .stands("a.jpg") { $0 == .empty }),
    Situation(
        "T14 touched",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .touch("a.jpg"),
        .tells(.changed("a.jpg"), .complete("a.jpg"))),
    Situation(
        "an end that never comes",
        .write("a.jpg", Sample.halfPhoto), .pause(settleTimes: 2),
        .stands("a.jpg") { if case .incomplete = $0 { true } else { false } }, .tells(.incomplete("a.jpg"))
    )
    .with { $0.incompleteAfter = .milliseconds(900) },
    Situation(
        "space that was reserved and is filled late",
        .write("a.png", [UInt8](repeating: 0, count: 4096)), .pause(settleTimes: 2),
        .write("a.png", Sample.png()), .tells(.complete("a.png"))),
    Situation(
        "T34 one inode under two names",
        .write("a.jpg", Sample.photo), .link("a.jpg", "b.jpg"), .tells(.complete("a.jpg"), .complete("b.jpg"))),
    Situation(
        "T35 deleted before it is complete",
        .write("a.jpg", Sample.photo), .sync, .remove("a.jpg"), .tells(.vanished("a.jpg"))),
    Situation(
        "T35 deleted after it was complete",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .remove("a.jpg"), .tells(.vanished("a.jpg"))),
    Situation(
        "T35 taken away by its owner",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .forget("a.jpg"), .remove("a.jpg"), .silence,
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))),
    Situation(
        "T36 changed after it was complete",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .write("a.jpg", Sample.otherPhoto),
        .tells(.changed("a.jpg"), .complete("a.jpg"))),
    Situation(
        "done before, as its owner knows, until it changes",
        .write("a.jpg", Sample.halfPhoto), .write("b.jpg", Sample.photo), .tells(.complete("b.jpg")),
        .stands("a.jpg") { $0 == .reported(.present) }, .rescan, .chmod("a.jpg", 0o600), .tells(.changed("a.jpg")),
        .silence,
        .write("a.jpg", Sample.photo), .tells(.changed("a.jpg"), .complete("a.jpg"))
    )
    .with { $0.isDone = { path, identity in path == "a.jpg" && identity.size == Int64(Sample.halfPhoto.count) } },
    Situation(
        "asked for again",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .reexamine("a.jpg"), .tells(.complete("a.jpg"))),
    Situation(
        "T38 an upload in progress at the start",
        .makeDirectory(""), .write("a.jpg", Sample.halfPhoto), .write("b.jpg", Sample.photo), .start,
        .tells(.complete("b.jpg")), .pause(settleTimes: 1.5), .write("a.jpg", Sample.photo), .tells(.complete("a.jpg"))
    )
    .startingLater(),
    Situation(
        "T42 dates in 1970, in the future and before it all",
        .write("../a.jpg", Sample.photo), .touch("../a.jpg", seconds: 0), .rename("../a.jpg", "a.jpg"),
        .write("../b.jpg", Sample.photo), .touch("../b.jpg", seconds: 4_000_000_000), .rename("../b.jpg", "b.jpg"),
        .write("../c.jpg", Sample.photo), .touch("../c.jpg", seconds: -1_000_000_000), .rename("../c.jpg", "c.jpg"),
        .write("../d.jpg", Sample.photo), .touch("../d.jpg", seconds: 15_000_000_000), .rename("../d.jpg", "d.jpg"),
        .tells(.complete("a.jpg"), .complete("b.jpg"), .complete("c.jpg"), .complete("d.jpg"))),
    Situation(
        "a change of which the kernel tells nothing",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .truncate("a.jpg", to: Sample.photo.count + 10),
        .tells(.changed("a.jpg"), .complete("a.jpg"))
    )
    .with { $0.rescanInterval = .milliseconds(600) },
    Situation(
        "T44 renamed to capitals",
        .write("a.jpg", Sample.photo), .tells(.complete("a.jpg")), .rename("a.jpg", "A.JPG"),
        .tells(.vanished("a.jpg"), .complete("A.JPG"))),
    Situation(
        "a file that never rests",
        .write("a.jpg", Sample.photo),
        // Told restless, then complete in spite of it.
        Step { stage in
            try await stage.expect([.restless("a.jpg"), .complete("a.jpg")]) {
                try await stage.letTimeStampsMove()
                try await Step.touch("a.jpg").run(stage)
            }
        },
        .touch("a.jpg"), .tells(.changed("a.jpg"), .complete("a.jpg"))
    )
    .with { $0.restlessAfter = .milliseconds(1100) },
]

/// Names that programs use while they write (T11).
let temporaryNames: [BytePath] = [
    "a.jpg.part", "a.jpg.crdownload", "a.jpg.download", "a.jpg.tmp", "a.jpg.TMP", "a.jpg.temp", "a.jpg.partial",
    "a.jpg.filepart",
    "a.jpg.tacitpart", "a.jpg.!sync", "a.jpg.bts", "a.jpg.aria2", "a.jpg.ocTransferId123.part", ".syncthing.a.jpg.tmp",
    ".~lock.a.jpg#", ".in.a.jpg.", ".pureftpd-upload.5f3a", ".goutputstream-A1B2C3", ".nfs000012ab", ".DS_Store",
    "._a.jpg",
    "Thumbs.db", "desktop.ini", ".a.jpg.cgs-x1.tmp", ".cgs-x1.tmp",
]

/// Names are bytes (T28).
let nameSituations: [Situation] = [
    [0x66, 0xFF, 0xFE, 0x2E, 0x6A, 0x70, 0x67],
    Array("two\nlines.jpg".utf8),
    Array("-rf.jpg".utf8),
    Array("\u{1F33B} Van Gogh.jpg".utf8),
    Array("Gru\u{0308}n.jpg".utf8),
    [UInt8](repeating: UInt8(ascii: "n"), count: 251) + Array(".jpg".utf8),
    [0x01, 0x1B, 0x5B, 0x32, 0x4A],
].map { (name: [UInt8]) in
    let path = BytePath(bytes: name)
    return Situation(
        "T28 the name \(path)",
        .write(path, Sample.photo), .tells(.complete(path)), .remove(path), .tells(.vanished(path)),
        .makeDirectory(path), .write(path.appending("a.jpg"), Sample.photo), .tells(.complete(path.appending("a.jpg"))))
}
