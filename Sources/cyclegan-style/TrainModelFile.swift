/// The file of a model by its name or path, as `models` knows them.
func modelFile(_ name: String) throws -> String { try ModelsCommand.store().file(for: name).description }
