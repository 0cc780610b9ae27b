/// What is kept of a password: enough to recognise it, by a function that is slow and needs much memory on purpose.
///
/// The parameters stand with each hash, so that later ones may be harder without any password being set anew.
package struct PasswordHash: Hashable, Sendable {
    /// Those of scrypt (RFC 7914): its cost is 2 to the power of `costExponent`.
    package struct Parameters: Hashable, Sendable {
        package let costExponent: UInt8
        package let blockSize: UInt32
        package let parallelism: UInt32

        /// nil for what nobody would choose: what takes more than ``Limits/passwordHashBytes`` of memory, or no time.
        package init?(costExponent: UInt8, blockSize: UInt32, parallelism: UInt32) {
            guard (1...24).contains(costExponent), (1...32).contains(blockSize), (1...16).contains(parallelism),
                128 * Int(blockSize) << Int(costExponent) <= Limits.passwordHashBytes
            else { return nil }
            self.costExponent = costExponent
            self.blockSize = blockSize
            self.parallelism = parallelism
        }
    }

    package let parameters: Parameters
    /// ``Limits/passwordSaltBytes`` random ones, the account's own.
    package let salt: [UInt8]
    /// ``Limits/passwordDigestBytes``.
    package let digest: [UInt8]

    package init(parameters: Parameters, salt: [UInt8], digest: [UInt8]) {
        precondition(
            salt.count == Limits.passwordSaltBytes && digest.count == Limits.passwordDigestBytes,
            "a salt of \(salt.count) and a digest of \(digest.count) bytes")
        self.parameters = parameters
        self.salt = salt
        self.digest = digest
    }
}

/// Whoever prints it shows nothing that helps to guess.
extension PasswordHash: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    package var description: String { "(present)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
