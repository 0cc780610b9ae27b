import TearoffProtocol
import Testing

@Suite("A failed handshake is told in a word")
struct HandshakeReasonTests {
    /// Goal: the library's word, without its numbers and source files. Method: descriptions as they come, and such as
    /// have no word.
    @Test(arguments: [
        (
            "handshakeFailed(NIOSSL.BoringSSLError.sslError([Error: 268435612 error:1000009c:SSL routines:"
                + "OPENSSL_internal:HTTP_REQUEST at /a/b/tls_record.cc:127]))",
            "HTTP_REQUEST"
        ),
        ("handshakeFailed(sslError([Error:  EOF during handshake]))", "the other side closed the connection"),
        ("it was not done within 10 s", "it was not done within 10 s"),
        ("error:OPENSSL_internal:", "error:OPENSSL_internal:"), ("", ""),
    ])
    func theWordIsTold(description: String, word: String) {
        #expect(HandshakeReason.word(in: description) == word)
    }
}
