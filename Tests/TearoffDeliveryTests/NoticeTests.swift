import TearoffCore
import TearoffEngine
import TearoffLog
import Testing

@testable import TearoffDelivery

@Suite("Notices are signed, encoded and escaped")
struct NoticeTests {
    private static func notice(_ kind: Notice.Kind, list: String = "june") -> Notice {
        Notice(
            id: "d1-7-aa", kind: kind, at: Timestamp(milliseconds: 1_780_302_600_125), list: list, free: 42,
            uploaded: 100, expiresAt: nil)
    }

    /// Goal: the signature is that of the specification. Method: its published example.
    @Test func theSpecificationsExample() throws {
        let secret = try #require(Webhook.secret(ofText: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
        let headers = Webhook.headers(
            id: "msg_p5jXN8AQM9LWM0D4loKWxJek", seconds: 1_614_265_330, body: Array(#"{"test": 2432232314}"#.utf8),
            secret: secret)
        #expect(headers.last == "webhook-signature: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
    }

    /// Goal: what is no secret is none. Method: each fault.
    @Test(arguments: ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_%%%"])
    func whatIsNoSecret(text: String) { #expect(Webhook.secret(ofText: text) == nil) }

    /// Goal: each kind has its type and figures. Method: the whole body of one.
    @Test func theBody() {
        let body = Webhook.body(Self.notice(.warning(.forecast(remaining: 42, hours: 24))))
        #expect(
            String(decoding: body, as: UTF8.self)
                == #"{"data":{"hours":24,"list":"june","message":"List june will be empty within 24 h: "#
                + #"42 codes of 100 left","remaining":42,"uploaded":100},"#
                + #""timestamp":"2026-06-01T08:30:00.125Z","type":"list.forecast"}"#)
        #expect(String(decoding: Webhook.body(Self.notice(.test)), as: UTF8.self).contains(#""type":"list.test""#))
    }

    /// Goal: nothing in a name begins a header, and other letters arrive. Method: a line break, and an umlaut.
    @Test func headersAreEncoded() {
        let lines = MailHeaders.lines(
            Self.notice(.warning(.empty), list: "a\r\nBcc: x@y"), from: "t@example.org", to: "o@example.org")
        #expect(!lines.contains { $0.contains("Bcc") })
        #expect(MailHeaders.encoded("Grüße") == "=?UTF-8?B?R3LDvMOfZQ==?=")
        let long = MailHeaders.encoded(String(repeating: "ü", count: 100))
        #expect(long.split(separator: "\r\n").allSatisfy { $0.utf8.count <= 76 })
        #expect(lines.contains("Date: Mon, 01 Jun 2026 08:30:00 +0000"))
        #expect(lines.contains("Message-ID: <d1-7-aa@example.org>"))
    }

    /// Goal: a name is text in HTML, too. Method: one with markup.
    @Test func htmlIsEscaped() {
        let notice = Self.notice(.warning(.low(remaining: 42)), list: "<b>&\"")
        let html = NoticeText(notice).html(notice)
        #expect(html.contains("&lt;b&gt;&amp;&quot;") && !html.contains("<b>"))
    }
}
