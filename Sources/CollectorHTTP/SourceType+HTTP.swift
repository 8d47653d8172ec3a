public import Collector

extension SourceType {
    /// HTTP as walkerOS's express source speaks it.
    public static let express = SourceType(
        name: "http",
        packages: ["@walkeros/server-source-express"],
        summary: "Takes events by POST (JSON, text/plain) and GET (pixel) on one or more paths.",
        settings: common,
        options: options
    ) { config, path, problems in
        _ = HTTPSource(id: "", style: .express, config: config, path: path, problems: &problems)
    }

    /// HTTP as walkerOS's fetch source speaks it.
    public static let fetch = SourceType(
        name: "fetch",
        packages: ["@walkeros/server-source-fetch"],
        summary: "Takes events by POST and GET on exact paths, whatever the content type, and answers with their ids.",
        settings: common + [
            SettingDescription(
                "maxRequestSize",
                .integer(1...(1 << 30)),
                default: "102400",
                "The largest body, in bytes."
            )
        ],
        options: options
    ) { config, path, problems in
        _ = HTTPSource(id: "", style: .fetch, config: config, path: path, problems: &problems)
    }

    private static let common = [
        SettingDescription(
            "paths",
            .any,
            default: "[\"/collect\"]",
            "Paths that take events: texts, or objects of \"path\" and \"methods\" (GET, POST)."
        ),
        SettingDescription("port", .integer(0...65_535), default: "the daemon's", "A port of the source's own."),
        SettingDescription("host", .string, default: "the daemon's", "The address of that port."),
        SettingDescription("socket", .string, "The path of a unix socket of the source's own, in the place of a port."),
        SettingDescription(
            "tls",
            .object([
                SettingDescription("certificate", .string, isRequired: true, "The certificate chain, a PEM file."),
                SettingDescription("key", .string, isRequired: true, "Its key, a PEM file without a passphrase."),
                SettingDescription(
                    "clientAuthorities",
                    .string,
                    "Let in only clients with a certificate of these authorities, a PEM file."
                ),
            ]),
            default: "the daemon's",
            "How TLS is spoken on that port."
        ),
        SettingDescription("path", .string, "One path; \"paths\" is the newer form."),
        SettingDescription("maxBatchSize", .integer(1...100_000), default: "100", "Events in one request."),
        SettingDescription(
            "cors",
            .any,
            default: "true",
            "Which browsers may send: true, false, or {origin, methods, headers, credentials, maxAge, enforce}."
        ),
        SettingDescription(
            "addressRate",
            .integer(1...1_000_000_000),
            "Events per second that one client address may send."
        ),
        SettingDescription(
            "trustedProxies",
            .any,
            "Proxies that are believed in X-Forwarded-For: addresses, networks, \"unix\"."
        ),
        SettingDescription(
            "keys",
            .list(
                .object([
                    SettingDescription("id", .string, isRequired: true, "What logs call the key; not secret."),
                    SettingDescription(
                        "key",
                        .string,
                        "What its bearers send, at least \(WriteKey.minimumLength) characters; write $secret.NAME."
                    ),
                    SettingDescription(
                        "secret",
                        .string,
                        "In the place of \"key\": what signs bodies (X-Collectord-Signature) and is never sent."
                    ),
                    SettingDescription(
                        "rate",
                        .integer(1...1_000_000_000),
                        "Events per second that its bearers may send together."
                    ),
                    SettingDescription(
                        "tags",
                        .dictionary,
                        "Members of the events' source, whatever the sender writes there."
                    ),
                ])
            ),
            default: "everybody may send",
            "Who may send, as \"Authorization: Bearer <key>\"; several at a time, so that keys can be renewed."
        ),
    ]

    private static let options = [
        SettingDescription(
            "async",
            .any,
            default: "false",
            "Whether to answer before destinations have the event: true, false, or {GET, POST}."
        ),
        SettingDescription(
            "ingest",
            .any,
            "What steps may know of a request: a value on {method, url, path, query, headers}."
        ),
    ]
}
