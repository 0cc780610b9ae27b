import Crypto
import CryptoExtras
import Foundation
package import TearoffCore

/// Hashes passwords with scrypt, and compares. Slow on purpose: never to be called on an event loop.
package struct PasswordHasher: Sendable {
    /// What OWASP asks for at least ("Password Storage Cheat Sheet", scrypt with 32 MiB), some 0.25 s of one core.
    package static let standard = PasswordHasher(costExponent: 15, blockSize: 8, parallelism: 3)

    private let parameters: PasswordHash.Parameters

    package init(costExponent: UInt8, blockSize: UInt32, parallelism: UInt32) {
        guard
            let parameters = PasswordHash.Parameters(
                costExponent: costExponent, blockSize: blockSize, parallelism: parallelism)
        else { preconditionFailure("parameters that nobody may choose") }
        self.parameters = parameters
    }

    /// - Parameter password: one that ``isPossible(_:)``.
    /// - Returns: nil when there is no memory for it.
    package func hash(_ password: [UInt8]) -> PasswordHash? {
        var random = SystemRandomNumberGenerator()
        let salt = (0..<Limits.passwordSaltBytes).map { _ in UInt8.random(in: 0...UInt8.max, using: &random) }
        return Self.digest(of: password, salt, parameters).map {
            PasswordHash(parameters: parameters, salt: salt, digest: $0)
        }
    }

    /// Whether it is the password of that account, found out in the same time whether there is such an account or not.
    ///
    /// - Parameter hash: nil: there is no such account.
    /// - Returns: nil when there is no memory for it.
    package func matches(_ password: [UInt8], _ hash: PasswordHash?) -> Bool? {
        let isPossible = Self.isPossible(password)
        let candidate = isPossible ? password : [1]
        let salt = hash?.salt ?? Array(repeating: 0, count: Limits.passwordSaltBytes)
        guard let digest = Self.digest(of: candidate, salt, hash?.parameters ?? parameters) else { return nil }
        let isSame = ConstantTime.isSame(digest, hash?.digest ?? Array(repeating: 0, count: digest.count))
        return isSame && hash != nil && isPossible
    }

    /// Whether an account may have it. scrypt takes no empty password; and to the HMAC inside it, one with a zero at its end
    /// is the same as without.
    static func isPossible(_ password: [UInt8]) -> Bool { !password.isEmpty && !password.contains(0) }

    static func digest(
        of password: [UInt8], _ salt: [UInt8], _ parameters: PasswordHash.Parameters
    ) -> [UInt8]? {
        do {
            let key = try KDF.Scrypt.deriveKey(
                from: password, salt: salt, outputByteCount: Limits.passwordDigestBytes,
                rounds: 1 << Int(parameters.costExponent), blockSize: Int(parameters.blockSize),
                parallelism: Int(parameters.parallelism))
            return unsafe key.withUnsafeBytes { unsafe Array($0) }
        } catch {
            // The parameters are in bounds, so only memory can be missing.
            return nil
        }
    }
}

package enum ConstantTime {
    /// Takes as long for any two texts of these lengths, so that the time tells nothing of the expected one.
    package static func isSame(_ given: [UInt8], _ expected: [UInt8]) -> Bool {
        var difference = given.count ^ expected.count
        for index in given.indices {
            difference |= Int(given[index] ^ (expected.isEmpty ? 0 : expected[index % expected.count]))
        }
        return difference == 0
    }
}
