extension WeightsFile {
    /// The tensor's values. Weights are numbers: throws where one is NaN or infinite, and where the tensor is missing
    /// or has another shape than `shape` (nil: any).
    package func floats(_ name: String, shape: [Int]? = nil) throws -> [Float] {
        guard let tensor = tensors[name] else {
            throw WeightsError(path: path, "has no tensor \(quoted(name))")
        }
        if let shape, tensor.shape != shape {
            throw WeightsError(path: path, "\(quoted(name)) has the shape \(tensor.shape), expected \(shape)")
        }
        let values = try tensor.floats()
        if let fault = FiniteValues.fault(values) {
            throw WeightsError(
                path: path,
                "tensor \(quoted(name)) has \(fault) among its \(values.count) values, no finite numbers: "
                    + "the training that made it went wrong, or the file is damaged; take an earlier checkpoint, or "
                    + "copy it again"
            )
        }
        return values
    }
}

enum FiniteValues {
    /// `3 NaN and 1 infinite`; nil where every value is finite.
    static func fault(_ values: [Float]) -> String? {
        // The exponent's bits are all set in infinities and NaN; counted as whole numbers, several a cycle.
        let exponent: UInt32 = 0x7F80_0000
        let count = values.withUnsafeBufferPointer { values in
            var count = 0
            for i in 0..<values.count { count &+= values[i].bitPattern & exponent == exponent ? 1 : 0 }
            return count
        }
        guard count > 0 else { return nil }
        let nan = values.count { $0.isNaN }
        return [nan > 0 ? "\(nan) NaN" : nil, count > nan ? "\(count - nan) infinite" : nil].compactMap(\.self).joined(
            separator: " and ")
    }
}
