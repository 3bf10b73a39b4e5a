import CLinux

/// Names that desktops, storage devices and synchronising programs give to what is theirs: thumbnails, waste baskets,
/// snapshots. Nothing in such a folder is a photo that somebody put there; whoever looks for photos in folders passes
/// them over. (Hidden names, which begin with a dot, are passed over everywhere without being listed.)
package enum FurnitureNames {
    /// Glob patterns; letter case does not matter.
    package static let patterns = [
        // Windows.
        "Thumbs.db", "ehthumbs*.db", "desktop.ini", "$RECYCLE.BIN", "RECYCLER", "RECYCLED", "System Volume Information",
        "FOUND.[0-9][0-9][0-9]",
        // macOS, also over the network.
        "__MACOSX", "Network Trash Folder", "Temporary Items", "TheVolumeSettingsFolder", "Desktop DB", "Desktop DF",
        "Icon\r",
        // Synology, QNAP, NetApp and other network storage.
        "@eaDir", "@Recycle", "@Recently-Snapshot", "@__thumb", "@tmp", "@sharebin", "@SynoEAStream", "@SynoResource",
        "#recycle", "#snapshot",
        "~snapshot", "Network Recycle Bin *",
        // Linux file systems.
        "lost+found",
        // Programs that synchronise or keep older versions.
        "sync.ffs_db", "*.ffs_tmp", "*.ffs_lock", "_gsdata_", "*.lrdata",
    ]

    /// The pattern that a name matches; nil where it is somebody's own.
    package static func pattern(matching name: [UInt8]) -> String? {
        BytePath(bytes: name).withCString { name in patterns.first { CLinux_nameMatches($0, name) != 0 } }
    }
}
