/// What the core holds at most. Each bound has a reply when it is hit (`docs/PROTOCOL.md`, "Limits").
package enum Limits {
    /// Bytes of a code, as others allow them (SAP Emarsys: 255); also what a length byte can tell.
    package static let codeBytes = 255
    /// Bytes of an external user id or a marketing user id; what a length byte can tell.
    package static let userBytes = 255
    /// Bytes of an idempotency key; what a length byte can tell.
    package static let keyBytes = 255
    /// How long an idempotency key is kept from its first use on: 24 hours.
    package static let keyMilliseconds: UInt64 = 24 * 3_600_000
    /// Idempotency keys that are kept at a time: 115 new ones in each second of a day. Some 180 bytes of memory each, for
    /// one of 36 bytes: 1.8 GB.
    package static let keys = 10_000_000
    /// Bytes of the name of a list or campaign; it is repeated in replies and logs.
    package static let nameBytes = 64
    /// Codes of one upload. An index slot keeps 5 bits of hash beside a 27-bit ordinal (`CodeIndex`).
    package static let uploadCodes = 1 << 27
    /// How often a fixed code can be given: one strip object per 4,096 is made beforehand, 27 MB at this
    /// bound.
    package static let fixedLimit: UInt32 = 1_000_000_000
    /// Bad lines that one upload remembers with number and reason, 16 bytes each; one more ends the upload.
    package static let badLines = 1_000_000
    /// Rows of one import, each some 100 bytes of memory until it is done: 1 GB. More go in several files.
    package static let importRows = 10_000_000
    /// Lists, and campaigns, of one directory: each list and campaign is scanned by `USER HISTORY` and
    /// `INFO`.
    package static let lists = 65_536
    package static let campaigns = 65_536
    /// Changes of one campaign's validity: each is kept, since it holds for what was given in its time. One a day for
    /// nearly three years.
    package static let validityChanges = 1_024
    /// Campaigns that finish in one change of the catalog; the rest follow. Their records, and those of the audit trail,
    /// take up to 195 bytes each, and must fit one frame of the smallest segment: 52 KiB.
    package static let finishesPerChange = 256
    /// Uploads that one change of the catalog takes out of a list, whose records must fit one frame.
    package static let withdrawalsPerChange = 1_024
    /// Further lists that one campaign draws from: each is tried for every code once those before are empty.
    package static let overflowLists = 16
    /// Recipients of one list's warnings: more people than that read a mailing list.
    package static let recipients = 16
    /// Bytes of an e-mail address: what RFC 5321 allows in a path, less its brackets.
    package static let emailBytes = 254
    /// Bytes of a webhook's URL; twice the longest that was met.
    package static let webhookBytes = 1_024
    /// Bytes of a webhook's secret, as Standard Webhooks has them.
    package static let webhookSecretBytes = 24...64
    /// Days before an expiry on which a list's recipients are told.
    package static let expiryWarnings = 8
    /// Uploads of one directory; each is probed by `CODE FIND` (about 0.1 µs).
    package static let uploads = 1_048_576
    /// Rows of a user that are looked at to count how many codes of a list he has: those of all campaigns that draw from it,
    /// also those that he let go; some 50 µs. Who has more of them gets no new code of it.
    package static let countedRows = 4_096
    /// Allocations in one answer of `USER HISTORY`: the latest ones.
    package static let historyRows = 1_000
    /// Bytes of the object of an act, and of how it was before and is after: a file name, two hashes and some settings.
    package static let auditTextBytes = 1_024
    /// Bytes of an act's user, client and address. Names have at most 64, an IPv6 address with zone and port some 70.
    package static let auditOriginBytes = 128
    /// Accounts of one directory: people and programs that log in, each with a password of its own.
    package static let accounts = 1_024
    /// Names or beginnings of names that an account's lists, or campaigns, are limited to: each is compared with every
    /// name that such an account asks for.
    package static let reachPatterns = 16
    /// Bytes of a password: as short as may be guessed by nobody who must wait, as long as a key of 4,096 bits in hex.
    package static let passwordBytes = 8...1_024
    package static let passwordSaltBytes = 16
    package static let passwordDigestBytes = 32
    /// Memory that hashing one password may take; a record that asks for more is damaged.
    package static let passwordHashBytes = 256 << 20
    /// Shards of a directory: a power of two, so that an owner's number holds (row, shard) in 32 bits.
    package static let shards: UInt16 = 256
}
