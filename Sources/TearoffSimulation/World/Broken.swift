/// A promise that was not kept, or a step of a test that could not be taken.
package struct Broken: Error, CustomStringConvertible {
    /// Which promise: two failures of one kind have the same.
    package enum Promise: String, Sendable {
        /// A code has one user.
        case twoUsers
        /// A user gets one code in a window.
        case window, twoCodes
        /// What was acknowledged is there.
        case lost
        /// Nobody is refused without a reason, and nobody what they have.
        case denial
        /// Nobody is given a code that was withdrawn.
        case withdrawn
        /// A repeat is told what it was told before.
        case reply
        case key, hold, preview, parking, ledger, feed
        /// Recovery twice gives the same state.
        case recovery
        /// An undamaged directory starts.
        case refusal
        /// A snapshot alone is a backup.
        case restore
        /// Damage is refused by name.
        case silence
        /// A refusal names what is damaged.
        case naming
        /// What has a second copy is repaired.
        case repair
        /// Whoever asks is answered, once.
        case answer
        /// The engine stops for a failed write of the log only.
        case engine
        /// Anything else.
        case order
    }

    package let promise: Promise
    package let description: String

    package init(_ promise: Promise, _ description: String) {
        self.promise = promise
        self.description = description
    }

    package init(_ description: String) { self.init(.order, description) }
}

/// The value, which must be there.
package func required<Value>(
    _ value: Value?, file: StaticString = #fileID, line: UInt = #line
) throws(Broken) -> Value {
    guard let value else { throw Broken("nothing is there at \(file):\(line)") }
    return value
}
