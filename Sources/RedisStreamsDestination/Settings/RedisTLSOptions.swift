import EventJSON

/// Reads the options of TLS, named as in node's `tls.connect`.
enum RedisTLSOptions {
    private static let names = ["ca", "cert", "key", "servername"]
    /// What node knows as well; true is how it is anyway.
    private static let verifying = "rejectUnauthorized"

    /// Reads `true` or an object; nil when the member is missing, null or false.
    ///
    /// What is wrong is noted in the reader.
    static func read(_ name: String, _ reader: inout RedisSettingsReader) -> RedisTLS? {
        let value = reader.members[name]
        if value.bool == true { return RedisTLS() }
        if value.bool == false { return nil }
        guard let members = reader.object(name) else { return nil }
        var tls: RedisTLS? = RedisTLS()
        reader.read(name, members) { reader in
            for option in names {
                guard let text = reader.text(option), !text.isEmpty else { continue }
                reader.check(option) { () throws(RedisError) in try set(option, to: text, field: "it", in: &tls) }
            }
            if let verifies = reader.flag(verifying), !verifies {
                reader.refuse(verifying, "cannot be false: name the server's certificate, or its authority, in ca")
            }
            reader.refuseUnknown(names + [verifying])
        }
        return tls
    }

    /// Sets one option.
    ///
    /// - Throws: a sentence that names `field` and the remedy.
    static func set(
        _ name: String,
        to text: String,
        field: String,
        in tls: inout RedisTLS?
    ) throws(RedisError) {
        if name == "servername" {
            guard RedisOptions.isHost(text) else {
                throw RedisError(.invalidConfiguration, "\(field) must be a host name or an address")
            }
            tls?.serverName = text
            return
        }
        let pem = RedisTLS.PEM(text)
        if case .file(let path) = pem, !path.hasPrefix("/") || path.utf8.contains(0) {
            // Not repeated: it may be a damaged key.
            throw RedisError(
                .invalidConfiguration,
                "\(field) must be PEM, beginning with -----BEGIN, or the absolute path of a file with it"
            )
        }
        switch name {
        case "ca": tls?.authorities = pem
        case "cert": tls?.certificate = pem
        default: tls?.key = pem
        }
    }
}
