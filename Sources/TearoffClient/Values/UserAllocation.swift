import TearoffProtocol

extension TearoffClient {
    /// What one of many users came to.
    public enum UserAllocation: Sendable, Hashable {
        /// The coupon code: a bearer value, so keep it out of logs. `isRepeat`: the user had it already.
        case given(code: String, isRepeat: Bool)
        /// The campaign is tried out: everybody gets that text, and nobody was given anything.
        case test(text: String)
        /// The user was given nothing: the word that `ALLOC` answers, or ``TearoffError/Code/busy`` when another
        /// connection was about this user's code at that very moment: ask again for this user.
        case refused(TearoffError.Code)

        fileprivate init(_ reply: Reply) throws(TearoffError) {
            guard case .array(let cells) = reply, cells.count == 2 else {
                throw .invalid("a user's result is no code and status")
            }
            let status = try cells[1].requiredText()
            switch status {
            case "new", "repeat":
                self = .given(code: try cells[0].requiredText(), isRepeat: status == "repeat")
            case "test": self = .test(text: try cells[0].requiredText())
            default: self = .refused(TearoffError.Code(status))
            }
        }
    }

    /// An ``allocateMany(campaign:users:)`` that is under way.
    public struct PendingAllocations: Sendable {
        let call: Call
        let userCount: Int

        /// Waits for the reply; to be called once.
        ///
        /// - Throws: as ``TearoffClient/allocateMany(campaign:users:)``.
        public func results() async throws(TearoffError) -> [UserAllocation] {
            guard case .array(let replies) = try await call.reply(), replies.count == userCount else {
                throw .invalid("not a result for each user")
            }
            var results: [UserAllocation] = []
            results.reserveCapacity(userCount)
            for reply in replies { results.append(try UserAllocation(reply)) }
            return results
        }
    }
}
