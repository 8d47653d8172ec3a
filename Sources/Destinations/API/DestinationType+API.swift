public import Collector

extension DestinationType {
    /// Sends events to a web service.
    public static let api = DestinationType(
        name: "api",
        packages: ["@walkeros/server-destination-api"],
        summary: "Sends each event, or what mapping made of it, to a web service as JSON.",
        settings: [
            SettingDescription(
                "url",
                .string,
                isRequired: true,
                "Where events are sent: an http or https URL; {{path}} in path and query is filled from the event."
            ),
            SettingDescription("method", .string, default: "POST", "The request's method."),
            SettingDescription("headers", .dictionary, "Header fields: name → text, with {{path}} as in url."),
            SettingDescription(
                "timeout",
                .integer(APISettings.timeouts),
                default: "5000",
                "Milliseconds for a request and its whole answer."
            ),
            SettingDescription(
                "body",
                .choice(["data", "event"]),
                default: "data",
                "What is sent: the mapped data (the event if there is none), or the event."
            ),
            SettingDescription("bodyTemplate", .string, "JSON text with {{path}}, sent instead of body."),
            SettingDescription(
                "batchBody",
                .oneOf([
                    .choice(["array", "ndjson"]),
                    .object([SettingDescription("member", .string, isRequired: true, "The member with the array.")]),
                ]),
                default: "array",
                "How gathered events are sent: \"array\", \"ndjson\", or {\"member\": \"events\"} for an object."
            ),
            SettingDescription(
                "idempotencyKey",
                .boolean,
                default: "true",
                "Whether the header Idempotency-Key tells events that are sent again."
            ),
            SettingDescription(
                "tls",
                .object([
                    SettingDescription("ca", .string, "Whom to trust: PEM, or a file's absolute path."),
                    SettingDescription("cert", .string, "The client's certificate: PEM, or a file's absolute path."),
                    SettingDescription("key", .string, "Its key, without a passphrase; write $secret.NAME."),
                    SettingDescription("servername", .string, "The name to look for in the service's certificate."),
                ]),
                "TLS of an https URL; certificates are always verified."
            ),
            SettingDescription(
                "network",
                .choice(AddressGuard.Network.allCases.map(\.rawValue)),
                default: "any",
                "Where the service may be: public refuses private and other special addresses."
            ),
            SettingDescription(
                "dangerouslyAllowMetadata",
                .boolean,
                default: "false",
                "Allow addresses at which clouds tell machines their credentials."
            ),
            SettingDescription(
                "maxConnections",
                .integer(APISettings.counts),
                default: "8",
                "Connections over HTTP/1.1 at most."
            ),
            SettingDescription(
                "concurrency",
                .integer(APISettings.counts),
                default: "1",
                "Requests under way at once; with more than one, the order is not kept."
            ),
        ]
    ) { settings, path, problems in
        APIDestination(APISettings(settings, path: path, problems: &problems))
    }
}
