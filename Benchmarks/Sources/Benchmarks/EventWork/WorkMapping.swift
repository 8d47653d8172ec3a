import Collector
import EventJSON

/// The mapping that is measured: consent, a policy, five values with a loop among them, a new name, settings.
///
/// `JanssonMapping` does the same, written out by hand.
enum WorkMapping {
    static let configuration: JSONObject = [
        "consent": ["marketing": true],
        "mapping": ["product": ["view": .object(rule)]],
    ]

    private static let rule: JSONObject = [
        "name": "view_item",
        "policy": [
            "user.email": ["key": "user.email", "fn": ["trim", "lowercase", "sha256"]],
            "custom.channel": ["value": "web"],
        ],
        "settings": ["streamKey": "events:product"],
        "data": [
            "map": [
                "item": "data.id",
                "currency": ["key": "data.currency", "value": "EUR"],
                "value": "data.price",
                "buyer": "user.email",
                "items": ["loop": ["nested", ["map": ["sku": "data.sku", "stock": "data.stock"]]]],
            ]
        ],
    ]
}
