import ServiceConfiguration

/// The reference part of cyclegan-styled.yaml(5).
package enum ConfigurationManual {
    package static var text: String {
        Configuration.reference.flatMap { group in
            [".SH \(Roff.text(group.title))"] + group.keys.flatMap(item)
        }.joined(separator: "\n") + "\n"
    }

    private static func item(_ key: KeyReference) -> [String] {
        var lines = [Roff.text(sentence(key.help))]
        if key.effects.contains(.changesThePicture) {
            lines.append(
                "Another value makes another picture: one that was made before is not used again for the same photo.")
        }
        lines += [
            ".br", Roff.text("Type: \(key.type). Default: \(key.standard). \(reload(key.effects))"), ".br",
            "Example: \(Roff.bold(key.example))",
        ]
        return Roff.item(Roff.bold(key.name), lines)
    }

    private static func reload(_ effects: KeyEffects) -> String {
        if effects.contains(.needsRestart) { return "A reload does not change it: it takes a restart." }
        if effects.contains(.changesTheWatcher) { return "A reload changes it, and the inbox is looked through anew." }
        return "A reload changes it, for photos taken from then on."
    }

    private static func sentence(_ text: String) -> String {
        (text.first?.uppercased() ?? "") + text.dropFirst() + (text.hasSuffix(".") ? "" : ".")
    }
}
