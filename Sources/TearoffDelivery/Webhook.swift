import Crypto
import Foundation
import TearoffCore
import TearoffEngine
import TearoffLog

/// A notice as Standard Webhooks sends one: a JSON body, and headers that say which it is, and sign it.
package enum Webhook {
    /// How a secret is written, before its base64.
    package static let secretPrefix = "whsec_"

    package static func text(ofSecret secret: [UInt8]) -> String { secretPrefix + Base64.encode(secret) }

    /// nil for what is no secret.
    package static func secret(ofText text: String) -> [UInt8]? {
        guard text.hasPrefix(secretPrefix), let secret = Base64.decode(text.dropFirst(secretPrefix.count)),
            Limits.webhookSecretBytes.contains(secret.count)
        else { return nil }
        return secret
    }

    /// - Parameter seconds: of this try, since 1970.
    static func headers(id: String, seconds: UInt64, body: [UInt8], secret: [UInt8]) -> [String] {
        let signed = Array("\(id).\(seconds).".utf8) + body
        let code = HMAC<SHA256>.authenticationCode(for: signed, using: SymmetricKey(data: secret))
        return [
            "Content-Type: application/json", "webhook-id: \(id)", "webhook-timestamp: \(seconds)",
            "webhook-signature: v1,\(Base64.encode(Array(code)))",
        ]
    }

    private struct Body: Encodable {
        struct Facts: Encodable {
            let list: String
            let remaining: UInt64
            let uploaded: UInt64
            let percent: UInt32?
            let hours: UInt32?
            let days: Int?
            let expiresAt: String?
            let message: String
        }

        let type: String
        let timestamp: String
        let data: Facts
    }

    static func body(_ notice: Notice) -> [UInt8] {
        var (percent, hours, days): (UInt32?, UInt32?, Int?)
        var word = "test"
        if case .warning(let warning) = notice.kind {
            word = warning.word
            switch warning {
            case .share(_, let value): percent = value
            case .forecast(_, let value): hours = value
            case .expiring(let value): days = value
            case .low, .empty, .expired: break
            }
        }
        let body = Body(
            type: "list." + word, timestamp: notice.at.iso8601,
            data: .init(
                list: notice.list, remaining: notice.free, uploaded: notice.uploaded, percent: percent, hours: hours,
                days: days, expiresAt: notice.expiresAt?.iso8601, message: NoticeText(notice).subject))
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(body))
        } catch {
            preconditionFailure("texts and numbers cannot be written as JSON: \(error)")
        }
    }
}
