import LinuxFiles

extension Configuration {
    /// The styles that the service trains; where none is named, the one of the model that ships.
    static func readStyles(
        _ root: ConfigurationSection, inboxes: [InboxConfiguration], spool: BytePath, problems: ConfigurationProblems
    ) -> [StyleConfiguration] {
        func located(_ style: StyleConfiguration) -> StyleConfiguration {
            var style = style
            for path in [\StyleConfiguration.paintings, \.photos, \.failed] {
                style[keyPath: path] = spool.resolving(style[keyPath: path]).normalized
            }
            return style
        }
        guard let section = root.section("styles"), !section.allEntries.isEmpty else {
            return [located(.standard(PictureSettings().style))]
        }
        return section.allEntries.map { entry in
            var style = StyleConfiguration.standard(entry.key)
            if let message = keyProblem(entry.key, what: "a style's name") {
                problems.add(entry.position, "styles: \(message)")
            }
            let section = ConfigurationSection(entry.node, path: "styles.\(entry.key)", problems: problems)
            for key in StyleConfiguration.keys { key.read(section, &style) }
            for inbox in style.learnFrom where !inboxes.contains(where: { $0.key == inbox }) {
                let hint = didYouMean(inbox, among: inboxes.map(\.key))
                section.problem("learn-from", "there is no inbox '\(inbox)'\(hint)")
            }
            if let retrain = section.section("retrain") {
                for key in RetrainConfiguration.keys { key.read(retrain, &style.retrain) }
                retrain.finish()
            }
            section.finish()
            return located(style)
        }
    }
}
