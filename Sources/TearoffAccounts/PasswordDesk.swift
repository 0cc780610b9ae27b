import Crypto
import Foundation
import Synchronization
package import TearoffCore

/// Where passwords are hashed: aside from the event loops, a bounded number at a time, and of those that wait too.
///
/// A password that was right is recognised again without hashing, by a code under a key that only this process has:
/// else a service that connects anew with fifty connections would wait for seconds. What has it is the memory of a
/// process that has the passwords themselves pass through it.
package final class PasswordDesk: Sendable {
    /// Passwords that are hashed or wait for it; one more is `BUSY`. A guess: a minute's work of two threads.
    package static let waitingMaximum = 256
    /// That many threads hash: each takes 32 MiB meanwhile.
    package static let threadCount = 2

    package enum Verdict: Equatable, Sendable {
        case right, wrong
        /// Too many wait, or there is no memory: nothing was found out.
        case busy
    }

    private struct Remembered {
        let hash: PasswordHash
        let code: HashedAuthenticationCode<SHA256>
    }

    private let hasher: PasswordHasher
    private let run: @Sendable (@escaping @Sendable () -> Void) -> Void
    private let waiting = Atomic(0)
    private let key = SymmetricKey(size: .bits256)
    private let remembered = Mutex<[String: Remembered]>([:])

    /// - Parameter run: runs a piece of work on one of ``threadCount`` threads, later.
    package init(
        hasher: PasswordHasher = .standard, run: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
    ) {
        self.hasher = hasher
        self.run = run
    }

    /// Whether it is the password that was right for the account before. Fast: may be called on an event loop.
    package func remembers(_ password: [UInt8], of account: Account) -> Bool {
        guard let known = remembered.withLock({ $0[account.name] }), known.hash == account.password,
            PasswordHasher.isPossible(password)
        else { return false }
        return HMAC<SHA256>.isValidAuthenticationCode(known.code, authenticating: password, using: key)
    }

    /// Finds out whether it is an account's password.
    ///
    /// - Parameters:
    ///   - account: nil: there is none of the name that was said; it takes as long as for one.
    ///   - done: called on some thread, or at once for ``Verdict/busy``.
    package func verify(
        _ password: [UInt8], of account: Account?, done: @escaping @Sendable (Verdict) -> Void
    ) {
        submit(
            { [self] in
                // Others of the same account may have come first.
                if let account, remembers(password, of: account) { return done(.right) }
                switch hasher.matches(password, account?.password) {
                case nil: done(.busy)
                case false?: done(.wrong)
                case true?:
                    if let account { remember(password, of: account) }
                    done(.right)
                }
            }, orElse: { done(.busy) })
    }

    /// Hashes a password that is set.
    ///
    /// - Parameter done: as above; nil for ``Verdict/busy``.
    package func hash(_ password: [UInt8], done: @escaping @Sendable (PasswordHash?) -> Void) {
        submit({ [hasher] in done(hasher.hash(password)) }, orElse: { done(nil) })
    }

    private func submit(_ body: @escaping @Sendable () -> Void, orElse busy: () -> Void) {
        // Relaxed: the count alone is what matters.
        guard waiting.add(1, ordering: .relaxed).newValue <= Self.waitingMaximum else {
            waiting.subtract(1, ordering: .relaxed)
            return busy()
        }
        run { [self] in
            body()
            waiting.subtract(1, ordering: .relaxed)
        }
    }

    private func remember(_ password: [UInt8], of account: Account) {
        let code = HMAC<SHA256>.authenticationCode(for: password, using: key)
        remembered.withLock { known in
            // Those of accounts that are gone would stay for ever.
            if known.count >= Limits.accounts { known.removeAll() }
            known[account.name] = Remembered(hash: account.password, code: code)
        }
    }
}
