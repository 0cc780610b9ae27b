import Testing

@testable import TearoffCore

@Suite("Accounts: what they reach, what they see, and that somebody is left to change them")
struct AccountTests {
    static let hash: PasswordHash = {
        guard let parameters = PasswordHash.Parameters(costExponent: 1, blockSize: 1, parallelism: 1) else {
            preconditionFailure("parameters of a test")
        }
        return PasswordHash(
            parameters: parameters, salt: Array(repeating: 1, count: Limits.passwordSaltBytes),
            digest: Array(repeating: 2, count: Limits.passwordDigestBytes))
    }()

    private static func account(_ name: String, _ roles: Roles = .allocate, _ reach: Reach = .everything) -> Account {
        Account(name: name, password: hash, roles: roles, reach: reach)
    }

    /// Goal: a name is reached by itself or by the beginning that a pattern says, and by nothing else.
    @Test func namesAreReachedByPatterns() {
        let reach = Reach(lists: ["june", "crm-*"], campaigns: ["summer*"])
        for name in ["june", "crm-", "crm-1", "crm-*"] { #expect(reach.reaches(list: name), "\(name)") }
        for name in ["junex", "jun", "crm", "xcrm-1", "", "*"] { #expect(!reach.reaches(list: name), "\(name)") }
        #expect(reach.reaches(campaign: "summer-1", of: "june"))
        #expect(!reach.reaches(campaign: "summer-1", of: "july"), "its list is not")
        #expect(!reach.reaches(campaign: "winter", of: "june"))
        #expect(reach.reaches(campaign: "summer", of: nil) && !reach.reaches(campaign: "winter", of: nil))
        #expect(Reach.everything.reaches(list: "any") && Reach.everything.reaches(campaign: "any", of: "any"))
    }

    /// Goal: an administrator is granted everything, others what they have.
    @Test func anAdministratorMayDoEverything() {
        #expect(Roles.admin.granted == .all && Roles([.audit, .reveal]).granted == [.audit, .reveal])
        #expect(Roles.all.text == "allocate,operate,audit,reveal,export,admin" && Roles().text == "")
    }

    /// Goal: nothing of a short code is seen, and of a longer one four characters. Method: each length around the bound,
    /// and characters of several bytes.
    @Test func codesAreMasked() {
        func masked(_ code: String) -> String {
            String(decoding: MaskedCode.bytes(Array(code.utf8).span), as: UTF8.self)
        }
        #expect(masked("") == "" && masked("A") == "*" && masked("ABCDEFG") == "*******")
        #expect(masked("ABCDEFGH") == "AB****GH" && masked("K7QP-2M4X") == "K7*****4X")
        #expect(masked("ÄÖÜÄÖÜÄÖ") == "ÄÖ****ÄÖ" && masked("äöü") == "***")
        #expect(masked(String(repeating: "x", count: 255)) == "xx" + String(repeating: "*", count: 251) + "xx")
    }

    /// Goal: there is always somebody who may change accounts. Method: on a server without a password, the first account,
    /// the last administrator's roles, its deletion; with a password none of it is refused.
    @Test func somebodyIsLeftToChangeAccounts() throws {
        var catalog = Catalog()
        func refusal(_ decide: (Catalog) throws(CatalogError) -> [ControlRecord]) -> CatalogError? {
            do throws(CatalogError) {
                _ = try decide(catalog)
                return nil
            } catch {
                return error
            }
        }
        let now = Timestamp.zero
        #expect(
            refusal { c throws(CatalogError) in
                try c.decideCreate(account: Self.account("shop"), hasPassword: false, now: now)
            } == .noAdministrator("shop"))
        #expect(
            refusal { c throws(CatalogError) in
                try c.decideCreate(account: Self.account("shop"), hasPassword: true, now: now)
            } == nil)
        for account in [Self.account("ada", .admin), Self.account("shop")] {
            for record in try catalog.decideCreate(account: account, hasPassword: false, now: now) {
                catalog.apply(record)
            }
        }
        for hasPassword in [false, true] {
            let expected: CatalogError? = hasPassword ? nil : .noAdministrator("ada")
            #expect(
                refusal { c throws(CatalogError) in
                    try c.decideSet(account: "ada", edits: [.roles(.audit)], hasPassword: hasPassword, now: now)
                } == expected)
            #expect(
                refusal { c throws(CatalogError) in
                    try c.decideDelete(account: "ada", hasPassword: hasPassword, now: now)
                } == expected)
        }
        for name in ["shop", "ada"] {
            for record in try catalog.decideDelete(account: name, hasPassword: false, now: now) {
                catalog.apply(record)
            }
        }
        #expect(catalog.accounts.isEmpty, "the last one may go: then all is as before the first")
    }

    /// Goal: names that stand for the server itself cannot be taken, nor one twice; what is not there is not changed; and
    /// there are no more than the maximum.
    @Test func namesAreUniqueAndNotTheServers() throws {
        var catalog = Catalog()
        let now = Timestamp.zero
        for name in ["default", "administrator", "system"] {
            #expect(throws: CatalogError.accountReserved(name)) {
                try catalog.decideCreate(account: Self.account(name, .admin), hasPassword: true, now: now)
            }
        }
        for number in 0..<Limits.accounts {
            let account = Self.account("a\(number)", .admin)
            for record in try catalog.decideCreate(account: account, hasPassword: true, now: now) {
                catalog.apply(record)
            }
        }
        #expect(throws: CatalogError.accountExists("a0")) {
            try catalog.decideCreate(account: Self.account("a0"), hasPassword: true, now: now)
        }
        #expect(throws: CatalogError.tooMany(what: "accounts", maximum: Limits.accounts)) {
            try catalog.decideCreate(account: Self.account("one-more"), hasPassword: true, now: now)
        }
        #expect(!catalog.accepts(ControlRecord(.accountSet(Self.account("one-more")), at: now)))
        #expect(catalog.accepts(ControlRecord(.accountSet(Self.account("a0")), at: now)))
        #expect(!catalog.accepts(ControlRecord(.accountDeleted(name: "nobody"), at: now)))
        #expect(throws: CatalogError.noAccount("nobody")) {
            try catalog.decideSet(account: "nobody", edits: [], hasPassword: true, now: now)
        }
        #expect(throws: CatalogError.noAccount("nobody")) {
            try catalog.decideDelete(account: "nobody", hasPassword: true, now: now)
        }
    }
}
