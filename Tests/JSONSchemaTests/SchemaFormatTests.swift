import Testing

@testable import JSONSchema

@Suite("Formats")
struct SchemaFormatTests {
    @Test(
        "texts are of a format or not",
        arguments: [
            Judged(
                "date",
                ["2024-02-29", "2000-02-29"],
                ["2023-02-29", "1900-02-29", "2024-13-01", "2024-1-1", "2024-01-00"]
            ),
            Judged(
                "time",
                ["12:00:00Z", "12:00:00.123+05:30", "23:59:60Z", "01:29:60+01:30"],
                ["12:00:00", "24:00:00Z", "12:60:00Z", "22:59:60Z", "12:00:00.Z", "12:00:00+5:30"]
            ),
            Judged(
                "date-time",
                ["2024-02-29T12:00:00Z", "2024-02-29t12:00:00.5z"],
                ["2024-02-29 12:00:00Z", "2024-02-29", "2024-02-29T12:00:00", "2024-02-30T12:00:00Z"]
            ),
            Judged(
                "duration",
                ["P1Y2M3DT4H5M6S", "PT1H", "P2W", "P1M", "PT1M1S", "P3D"],
                ["P", "PT", "P1YT", "1Y", "P1D2Y", "P1Y2D", "P1W1D", "PT1D", "P1", "PT1H1S"]
            ),
            Judged(
                "email",
                ["a@b.example", "a.b+c@x", "\"a b\"@x.example", "a@[127.0.0.1]", "a@[IPv6:::1]"],
                ["a", "a@", "@b", ".a@b", "a.@b", "a..b@c", "a b@c", "a@b c", "a@[1.2.3]", "a@-b"]
            ),
            Judged(
                "hostname",
                ["localhost", "a-b.example", "xn--bcher-kva.example", "1.2"],
                ["", ".", "a..b", "-a", "a-", "a_b", "ab--cd", "a.example."]
            ),
            Judged(
                "ipv4",
                ["1.2.3.4", "255.255.255.255"],
                ["1.2.3", "256.1.1.1", "01.2.3.4", "1.2.3.4.5", "1.2.3.a", ""]
            ),
            Judged(
                "ipv6",
                [
                    "::", "::1", "1::", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4", "::ffff:1.2.3.4", "1::8",
                    "1:2:3:4:5:6:7::",
                ],
                [
                    ":", ":::", "1:2", "1:2:3:4:5:6:7:8:9", "1::2::3", "g::", "12345::", "1:2:3:4:5:6:7:", ":1::",
                    "::1.2.3", "1:2:3:4::5:6:7:8",
                ]
            ),
            Judged(
                "uri",
                ["http://a.example/b?c#d", "urn:x:y", "http://u:p@[::1]:80/", "mailto:a@b", "a:", "http://[v1.x]/"],
                ["/a", "http://a b", "http://[::1", "http://a/%g0", "1a:b", "http://a:b/", "//a", "a:\u{e9}"]
            ),
            Judged(
                "uri-reference",
                ["", "/a", "a/b:c", "//h/p", "?q", "#f", "http://a"],
                ["a b", "\\a", "%zz", "#a#b"]
            ),
            Judged(
                "uuid",
                ["2eb8aa08-aa98-11ea-b4aa-73b441d16380", "2EB8AA08-AA98-11EA-B4AA-73B441D16380"],
                ["2eb8aa08aa9811eab4aa73b441d16380", "2eb8aa08-aa98-11ea-b4aa-73b441d1638g", "2eb8aa08-aa98"]
            ),
            Judged("json-pointer", ["", "/a", "/a~0~1/", "//"], ["a", "/~", "/~2"]),
            Judged("relative-json-pointer", ["0", "1/a", "0#", "12"], ["", "/a", "01", "1a", "0##", "-1"]),
        ] as [Judged]
    )
    func formats(_ judged: Judged) throws {
        let format = try #require(SchemaFormat(rawValue: judged.text))
        for text in judged.valid { #expect(format.matches(text), "\(text)") }
        for text in judged.invalid { #expect(!format.matches(text), "\(text)") }
    }

    @Test("every format has cases")
    func complete() {
        #expect(SchemaFormat.allCases.count == 13)
    }
}
