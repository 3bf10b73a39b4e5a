import Networks
import Tensors

/// The exponential moving average of a generator's weights (Yazıcı et al. 2019): steadier than the weights of any one
/// moment.
package struct MovingAverage {
    /// Of the average so far, in a step; smaller at the start, so that the first weights are soon forgotten.
    package let decay: Double
    /// By key, in the parameters' order of memory.
    var values: [String: [Float]]

    init(decay: Double, of network: any TrainableNetwork) {
        self.decay = decay
        values = Dictionary(uniqueKeysWithValues: network.parameters.map { ($0.name, $0.value.values) })
    }

    /// - Parameter step: steps made, this one counted.
    mutating func update(_ network: any TrainableNetwork, step: Int) {
        let kept = Float(min(decay, Double(1 + step) / Double(10 + step)))
        for parameter in network.parameters {
            let new = parameter.value.pointer
            values[parameter.name]!.withUnsafeMutableBufferPointer { average in
                for i in average.indices { average[i] = kept * average[i] + (1 - kept) * new[i] }
            }
        }
    }
}
