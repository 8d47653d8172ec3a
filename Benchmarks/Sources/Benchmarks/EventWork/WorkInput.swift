/// An event as a sender wrote it.
struct WorkInput: Sendable {
    let name: String
    let text: [UInt8]

    private init(_ name: String, _ text: String) {
        self.name = name
        self.text = Array(text.utf8)
    }

    /// What browsers send: a product event with user, consent and two nested entities.
    static let product = WorkInput("product", productText)

    /// All inputs. Each brings its id, so that every implementation makes the same of it.
    static let all = [
        product,
        WorkInput(
            "small",
            #"{"name":"product view","data":{"id":"ers","price":420.5},"consent":{"marketing":true},"id":"0123456789abcdef"}"#
        ),
        WorkInput("large, nested", largeText),
        WorkInput("product, with spaces", spaced(productText)),
    ]

    private static let productText =
        #"{"name":"product view","data":{"id":"ers","name":"Everyday Ruck Snack","color":"black","size":"l","#
        + #""price":420.5,"currency":"EUR"},"context":{"shopping":["detail",0]},"globals":{"pagegroup":"shop"},"#
        + #""user":{"id":"us3r","device":"c00k13","session":"s3ss10n","email":" Jane.Doe@Example.COM "},"#
        + #""nested":[{"entity":"variant","data":{"sku":"ers-l","stock":12}},"#
        + #"{"entity":"variant","data":{"sku":"ers-m","stock":0}}],"consent":{"functional":true,"marketing":true},"#
        + #""id":"0123456789abcdef","trigger":"load","timestamp":1700000000000,"timing":3.14,"#
        + #""source":{"type":"browser","platform":"web","url":"https://shop.example/products/ers"}}"#

    private static let largeText: String = {
        let variants = (1...15).map { number in
            #"{"entity":"variant","data":{"sku":"ers-\#(number)","name":"Snack, size \#(number)","stock":\#(number)},"#
                + #""context":{"shelf":["left",\#(number)]}}"#
        }
        return
            #"{"name":"product view","data":{"id":"ers","name":"Everyday Ruck Snack","price":420.5},"#
            + #""user":{"id":"us3r","email":"Jane.Doe@Example.COM"},"nested":[\#(variants.joined(separator: ","))],"#
            + #""consent":{"marketing":true},"id":"0123456789abcdef","source":{"type":"browser","platform":"web"}}"#
    }()

    /// The text as Python's `json.dumps` would write it.
    private static func spaced(_ text: String) -> String {
        var result = ""
        var isInString = false
        for character in text {
            if character == "\"" { isInString.toggle() }
            result.append(character)
            if !isInString, character == "," || character == ":" { result.append(" ") }
        }
        return result.replacing("Everyday", with: #"\u00c9veryday"#)
    }
}
