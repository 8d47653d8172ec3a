public import NIOHTTP1

extension HTTPRequestHead {
    /// The path of the request's target, as the client sent it: `/collect` of `/collect?name=x`.
    ///
    /// Nothing is percent-decoded. Of the absolute form `http://host/collect` the path alone is taken.
    public var path: Substring { self.uri.requestPath }

    /// The text after the first `?` of the request's target, as the client sent it.
    ///
    /// Nil when there is no `?`.
    public var query: Substring? {
        guard let mark = self.uri.utf8.firstIndex(of: UInt8(ascii: "?")) else { return nil }
        return self.uri[self.uri.utf8.index(after: mark)...]
    }
}

extension String {
    /// The path of a request's target.
    var requestPath: Substring {
        let end = self.utf8.firstIndex { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") } ?? self.utf8.endIndex
        let target = self[..<end]
        guard let first = target.utf8.first, first != UInt8(ascii: "/"), first != UInt8(ascii: "*") else {
            return target
        }
        // The absolute form: the path begins at the slash behind `scheme://authority`.
        guard let colon = target.utf8.firstIndex(of: UInt8(ascii: ":")), target[colon...].hasPrefix("://") else {
            return target
        }
        let authority = target.utf8.index(colon, offsetBy: 3)
        guard let slash = target.utf8[authority...].firstIndex(of: UInt8(ascii: "/")) else { return "/" }
        return target[slash...]
    }
}
