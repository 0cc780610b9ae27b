/// Why a TLS handshake failed, out of the library's description of its error, which also has numbers, and places in its
/// source, that mean nothing to who reads a log.
package enum HandshakeReason {
    /// - Returns: the library's word for it, such as `CERTIFICATE_VERIFY_FAILED`; the whole description when it has none.
    package static func word(in description: String) -> String {
        if description.contains("EOF during handshake") { return "the other side closed the connection" }
        let mark = "OPENSSL_internal:"
        guard let start = description.ranges(of: mark).first?.upperBound else { return description }
        let word = description[start...].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        return word.isEmpty ? description : String(word)
    }
}
