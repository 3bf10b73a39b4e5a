import Photos

/// What the manual says of one key of the configuration.
package struct KeyReference: Sendable {
    /// As it stands in the file, with the sections around it: `limits.max-pixels`.
    package var name: String
    /// The values that it takes.
    package var type: String
    package var standard: String
    package var help: String
    package var effects: KeyEffects
    /// Lines of a configuration file.
    package var example: String
}

/// The keys that stand in one place of the file.
package struct KeyGroup: Sendable {
    package var title: String
    package var keys: [KeyReference]
}

extension Configuration {
    /// Every key, from the tables that read the file.
    package static var reference: [KeyGroup] {
        func group<Settings>(
            _ title: String, _ keys: [ConfigurationKey<Settings>], _ settings: Settings, prefix: String = ""
        ) -> KeyGroup {
            KeyGroup(
                title: title,
                keys: keys.map { key in
                    KeyReference(
                        name: prefix + key.name, type: key.type, standard: key.text(settings), help: key.help,
                        effects: key.effects,
                        example: KeyExamples.all[prefix + key.name] ?? "")
                })
        }
        let standard = InboxConfiguration.standard
        return [
            group("PLACES", placeKeys, Configuration()),
            group("INBOXES", InboxConfiguration.directoryKeys, standard, prefix: "inboxes.NAME."),
            group("PHOTOS AND PICTURES", InboxConfiguration.sharedKeys, standard),
            group("STYLES THAT ARE TRAINED", StyleConfiguration.keys, .standard("NAME"), prefix: "styles.NAME."),
            group(
                "WHEN AND HOW A STYLE IS TRAINED", RetrainConfiguration.keys, RetrainConfiguration(),
                prefix: "styles.NAME.retrain."),
            group("THE SERVICE", serviceKeys, Configuration()),
            group("LIMITS", DecodingLimits.keys, DecodingLimits(), prefix: "limits."),
        ]
    }
}

extension Configuration {
    /// The keys' names, as people type them: those of an inbox or a style without its name.
    package static var keyNames: [String] {
        reference.flatMap(\.keys).map {
            $0.name.replacing("inboxes.NAME.", with: "").replacing("styles.NAME.", with: "styles.")
        }
    }

    /// The values in effect of a key: a line for each inbox that has it, else one.
    package func lines(for key: String) -> [String] {
        func lines<Settings>(
            _ keys: [ConfigurationKey<Settings>], _ settings: Settings, prefix: String = "", name: String
        ) -> [String] {
            keys.filter { $0.name == name }.map { "\(prefix)\($0.name): \($0.text(settings))" }
        }
        let ofInboxes = inboxes.flatMap { inbox in
            lines(
                InboxConfiguration.directoryKeys + InboxConfiguration.sharedKeys, inbox,
                prefix: "inboxes.\(inbox.key).", name: key)
        }
        func suffix(_ prefix: String) -> String { key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : "" }
        let ofStyles = styles.flatMap { style in
            lines(StyleConfiguration.keys, style, prefix: "styles.\(style.key).", name: suffix("styles."))
                + lines(
                    RetrainConfiguration.keys, style.retrain, prefix: "styles.\(style.key).retrain.",
                    name: suffix("styles.retrain."))
        }
        return lines(Self.placeKeys + Self.serviceKeys, self, name: key) + ofInboxes + ofStyles
            + lines(DecodingLimits.keys, limits, prefix: "limits.", name: suffix("limits."))
    }
}
