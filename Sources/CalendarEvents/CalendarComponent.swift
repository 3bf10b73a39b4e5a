/// The values that one part of a date or time may have: a list of numbers, ranges and repetitions.
struct CalendarComponent: Sendable, Hashable {
    struct Item: Sendable, Hashable {
        var start: Int
        /// Nil where there is no range: up to the part's largest value if there is a repetition, else `start` alone.
        var stop: Int?
        /// 0 where there is none.
        var step: Int
    }

    var items: [Item]

    init(_ items: [Item]) { self.items = items }

    init(_ values: Int...) { items = values.map { Item(start: $0, stop: nil, step: 0) } }

    /// Every value up to `maximum`, ascending.
    func values(to maximum: Int) -> [Int] {
        Set(
            items.flatMap { item -> [Int] in
                guard item.step > 0 else { return [item.start] }
                return Array(stride(from: item.start, through: min(item.stop ?? maximum, maximum), by: item.step))
            }
        ).sorted()
    }

    func contains(_ value: Int) -> Bool {
        items.contains { item in
            guard item.step > 0 else { return value == item.start }
            return value >= item.start && value <= item.stop ?? .max && (value - item.start) % item.step == 0
        }
    }

    /// The same in a month of `length` days for days that are counted from its end. A range ends with its smaller
    /// number; a repetition goes on towards the end of the month.
    func counted(fromEndOf length: Int) -> CalendarComponent {
        CalendarComponent(
            items.map { item in
                let last = length + 1 - item.start
                guard let stop = item.stop else { return Item(start: last, stop: nil, step: item.step) }
                return Item(start: length + 1 - stop, stop: last, step: item.step)
            })
    }
}
