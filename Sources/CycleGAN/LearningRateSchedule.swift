/// Linear decay as in the original project: constant over the first units, then falling linearly towards 0, which it
/// would reach one unit after the last. A unit is an epoch, or an iteration where the run is counted in iterations.
package struct LearningRateSchedule: Sendable, Equatable {
    package var base: Double
    package var constantUnits, decayUnits: Int
    package var iterationsPerUnit: Int

    package init(base: Double, constantUnits: Int, decayUnits: Int, iterationsPerUnit: Int = 1) {
        (self.base, self.constantUnits, self.decayUnits) = (base, constantUnits, decayUnits)
        self.iterationsPerUnit = iterationsPerUnit
    }

    /// Half of the units constant, half decaying (100 and 100 epochs in the paper).
    package init(base: Double, units: Int, iterationsPerUnit: Int = 1) {
        self.init(
            base: base, constantUnits: units / 2, decayUnits: units - units / 2, iterationsPerUnit: iterationsPerUnit)
    }

    /// At an iteration counted from 0.
    package func rate(_ iteration: Int) -> Double {
        let unit = iteration / iterationsPerUnit
        return base * max(0, 1 - Double(max(0, unit + 1 - constantUnits)) / Double(decayUnits + 1))
    }
}
