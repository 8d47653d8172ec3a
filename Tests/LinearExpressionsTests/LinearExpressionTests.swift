import LinearExpressions
import Testing

@Suite("Regular expressions")
struct LinearExpressionTests {
    @Test(
        "match as JavaScript's do",
        arguments: [
            ("abc", "xabcx", true), ("^abc$", "abc", true), ("^abc$", "xabc", false), ("a.c", "a\nc", false),
            ("a|b|", "zzz", true), ("^(a|b)+$", "abba", true), ("^(a|b)+$", "abca", false), ("^a{2,3}$", "aaaa", false),
            ("^a{2,}$", "aaaa", true), ("^a{2}$", "aa", true), ("[a-c]", "b", true), ("[^a-c]", "abc", false),
            ("^[\\w-]+$", "a-b_1", true), ("\\bbot\\b", "a bot here", true), ("\\bbot\\b", "robots", false),
            ("\\Bot", "robot", true), ("^\\d{3}-\\d{2}$", "123-45", true), ("\\u0041\\x42", "AB", true),
            ("^(?:ab)*$", "ababab", true), ("^(?<year>\\d+)$", "2026", true), ("a+?b", "aaab", true), ("", "", true),
            ("\\.", "a.b", true), ("a{", "a{", true), ("😀", "x😀y", true), ("^.$", "😀", true), ("[\\]]", "]", true),
            ("^/api", "/api/x", true), ("[\\s\\S]+", "a\nb", true),
            ("^\\cI$", "\t", true), ("^\\ci$", "\t", true), ("^\\cI$", "cI", false),
        ]
    )
    func matches(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try LinearExpression(pattern).matches(text) == expected)
    }

    @Test(
        "are refused where they cannot be honoured, with the place",
        arguments: [
            "(", ")", "[a", "*a", "a**", "a{3,2}", "(?=a)", "(?<!a)", "(a)\\1", "\\p{L}", "[z-a]", "a{2000}",
            "((a{100}){100}){100}", "\\", "\\c1",
        ]
    )
    func refused(_ pattern: String) {
        #expect(throws: LinearExpression.SyntaxError.self) { try LinearExpression(pattern) }
    }

    @Test("take linear time where backtracking would take for ever")
    func linear() throws {
        let text = String(repeating: "a", count: 5000)
        #expect(try !LinearExpression("^(a+)+b").matches(text))
        #expect(try !LinearExpression("(a*)*(a*)*(a*)*b$").matches(text))
    }
}
