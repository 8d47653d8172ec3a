/// First in, first out, in one array: removing from the front moves an index, not the elements.
struct RedisQueue<Element> {
    private var elements: [Element?] = []
    private var head = 0

    /// How many elements wait.
    var count: Int { elements.count - head }

    /// True when none waits.
    var isEmpty: Bool { head == elements.count }

    /// The element that came first.
    var first: Element? { isEmpty ? nil : elements[head] }

    /// The element that would be the first after so many were removed; nil beyond the end.
    func element(at offset: Int) -> Element? {
        head + offset < elements.count ? elements[head + offset] : nil
    }

    /// Adds an element at the end.
    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Removes the element that came first; nil when there is none.
    mutating func popFirst() -> Element? {
        guard head < elements.count else { return nil }
        let element = elements[head]
        elements[head] = nil
        head += 1
        compact()
        return element
    }

    private mutating func compact() {
        if head == elements.count {
            elements.removeAll(keepingCapacity: elements.capacity <= 1 << 16)
            head = 0
        } else if head >= 1024, head * 2 >= elements.count {
            elements.removeSubrange(..<head)
            head = 0
        }
    }
}
