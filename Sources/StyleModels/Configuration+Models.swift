import ServiceConfiguration

extension Configuration {
    /// Whether every inbox's style stands for a model, or is one that the service trains: photos wait for its first
    /// model.
    /// - Throws: `ConfigurationError` naming each that does not.
    package func checkModels(_ models: ModelStore) throws {
        let own = Set(styles.filter { !$0.ships }.map(\.key))
        let problems = inboxes.filter { !own.contains($0.picture.style) }.compactMap { inbox -> ConfigurationProblem? in
            do {
                _ = try models.file(for: inbox.picture.style)
                return nil
            } catch {
                return ConfigurationProblem(
                    position: stylePositions[inbox.key], message: "inboxes.\(inbox.key).style: \(error)")
            }
        }
        if !problems.isEmpty { throw ConfigurationError(problems: problems) }
    }
}
