import LinuxFiles

/// How a training run stands, as the process that trains tells the service, for `status`.
package struct TrainingReport: Codable, Sendable, Equatable {
    /// The run's directory.
    package var run: FileName
    /// Iterations made, and those of the whole run where they are known.
    package var iteration: Int
    package var total: Int?
    package var losses: [String: Double]
    package var imagesPerSecond: Double
    package var secondsLeft: Double?
    /// Once the training has ended: images that the gate has looked at, and all.
    package var examined: Int?
    package var toExamine: Int?

    package init(
        run: BytePath, iteration: Int, total: Int?, losses: [String: Double], imagesPerSecond: Double,
        secondsLeft: Double?
    ) {
        self.run = FileName(run)
        self.iteration = iteration
        self.total = total
        self.losses = losses
        self.imagesPerSecond = imagesPerSecond
        self.secondsLeft = secondsLeft
    }

    /// The gate's part of a run.
    package init(run: BytePath, examined: Int, of total: Int) {
        self.init(run: run, iteration: 0, total: nil, losses: [:], imagesPerSecond: 0, secondsLeft: nil)
        (self.examined, toExamine) = (examined, total)
    }
}
