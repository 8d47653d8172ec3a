import CJanssonPeer

/// A jansson value; whoever made it releases it.
typealias JanssonTree = UnsafeMutablePointer<json_t>

extension StaticString {
    /// The text as a C string, without a copy.
    var cString: UnsafePointer<CChar> {
        UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self)
    }
}

extension UnsafeMutablePointer<json_t> {
    /// The member of that name, borrowed; nil if there is none or the value is not an object.
    func member(_ name: StaticString) -> JanssonTree? {
        json_object_get(self, name.cString)
    }

    /// Sets a member and keeps the caller's reference to the value.
    func set(_ name: StaticString, _ value: JanssonTree?) {
        json_object_set(self, name.cString, value)
    }

    /// Sets a member and takes over the caller's reference to the value.
    func setNew(_ name: StaticString, _ value: JanssonTree?) {
        json_object_set_new(self, name.cString, value)
    }

    var isObject: Bool { pointee.type == JSON_OBJECT }
    var isNull: Bool { pointee.type == JSON_NULL }

    /// The bytes of a string, borrowed; nil if the value is not one.
    var stringBytes: UnsafeRawBufferPointer? {
        guard pointee.type == JSON_STRING, let start = json_string_value(self) else { return nil }
        return UnsafeRawBufferPointer(start: start, count: json_string_length(self))
    }

    /// Whether the value is a string with these bytes.
    func equals(_ text: StaticString) -> Bool {
        guard let bytes = stringBytes, bytes.count == text.utf8CodeUnitCount else { return false }
        return text.withUTF8Buffer { $0.elementsEqual(bytes) }
    }

    /// Calls the closure with each member of an object, in order.
    func forEachMember(_ body: (_ name: UnsafePointer<CChar>, _ value: JanssonTree) -> Void) {
        var position = json_object_iter(self)
        while let place = position {
            if let name = json_object_iter_key(place), let value = json_object_iter_value(place) { body(name, value) }
            position = json_object_iter_next(self, place)
        }
    }

    /// Whether JavaScript takes the value for true.
    var isTruthy: Bool {
        switch pointee.type {
        case JSON_FALSE, JSON_NULL: false
        case JSON_INTEGER, JSON_REAL: json_number_value(self) != 0
        case JSON_STRING: json_string_length(self) > 0
        default: true
        }
    }
}
