public import Foundation

extension TearoffClient {
    /// Somebody who may log in, and what it may do.
    public struct Account: Sendable, Hashable {
        /// What it logs in with.
        public let name: String
        /// Of `allocate`, `operate`, `audit`, `reveal`, `export` and `admin`.
        public let roles: [String]
        /// Names, each perhaps with a `*` at its end, that it is limited to; none: all.
        public let lists: [String]
        /// As ``lists``, of campaigns.
        public let campaigns: [String]
        /// Since when it is as it is.
        public let changedAt: Date

        init(_ fields: Fields) throws(TearoffError) {
            name = try fields.text("name")
            roles = try Self.words(fields.text("roles"))
            lists = try Self.words(fields.text("lists")).filter { $0 != "*" }
            campaigns = try Self.words(fields.text("campaigns")).filter { $0 != "*" }
            changedAt = try fields.time("changed-at")
        }

        private static func words(_ text: String) -> [String] { text.split(separator: ",").map(String.init) }
    }
}
