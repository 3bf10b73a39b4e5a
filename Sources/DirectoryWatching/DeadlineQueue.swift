import LinuxFiles

/// Paths ordered by the time when they are due: a binary heap. A path that was put off is simply entered again; whoever
/// takes an entry out compares its time with the one it has on record.
struct DeadlineQueue {
    struct Entry {
        let due: Int64
        let path: BytePath
    }

    private var heap: [Entry] = []

    var first: Entry? { heap.first }
    var count: Int { heap.count }

    mutating func insert(_ path: BytePath, due: Int64) {
        heap.append(Entry(due: due, path: path))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(child, parent) else { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> Entry {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && precedes(child, least) {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }

    mutating func removeAll() {
        heap.removeAll()
    }

    private func precedes(_ left: Int, _ right: Int) -> Bool {
        heap[left].due < heap[right].due
    }
}
