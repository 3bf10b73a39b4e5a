/// Places, one after another, for matrices that belong to an element of a phase's tiles.
struct ElementPlaces: Sendable {
    /// At phase * 36 + element; nil where none is needed.
    private let places: [Int?]
    let count: Int

    /// - Parameter elements: phase and element, in the order of the places; any number of times.
    init(_ elements: [(phase: Int, xi: Int)]) {
        var places = [Int?](repeating: nil, count: 36 * (1 + elements.reduce(0) { max($0, $1.phase) }))
        var count = 0
        for element in elements where places[element.phase * 36 + element.xi] == nil {
            places[element.phase * 36 + element.xi] = count
            count += 1
        }
        (self.places, self.count) = (places, count)
    }

    /// The matrix of an element that has a place, among matrices `distance` apart.
    func matrix(_ phase: Int, _ xi: Int, in base: UnsafeMutablePointer<Float>, distance: Int) -> UnsafeMutablePointer<
        Float
    > {
        base + places[phase * 36 + xi]! * distance
    }

    /// A phase's 36 as the kernels take them: null where there is none.
    func matrices(_ phase: Int, in base: UnsafeMutablePointer<Float>, distance: Int) -> [UnsafeMutablePointer<Float>?] {
        places[phase * 36..<phase * 36 + 36].map { $0.map { base + $0 * distance } }
    }
}
