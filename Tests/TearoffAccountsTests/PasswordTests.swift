import Synchronization
import TearoffCore
import Testing

@testable import TearoffAccounts

/// A hasher that is quick, since a test is about what is done with the hashes.
private let quick = PasswordHasher(costExponent: 4, blockSize: 1, parallelism: 1)

private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

@Suite("Passwords: hashed with a salt of their own, by a function that is slow and needs memory")
struct PasswordHasherTests {
    /// Goal: it is scrypt. Method: a vector of RFC 7914, section 12.
    @Test func itIsTheScryptOfTheStandard() throws {
        let parameters = try #require(
            PasswordHash.Parameters(costExponent: 10, blockSize: 8, parallelism: 16))
        // The vector has 64 bytes and another salt's length; its first 32 bytes are those of a shorter key.
        let salt = bytes("NaCl")
        let expected: [UInt8] = [
            0xfd, 0xba, 0xbe, 0x1c, 0x9d, 0x34, 0x72, 0x00, 0x78, 0x56, 0xe7, 0x19, 0x0d, 0x01, 0xe9, 0xfe, 0x7c, 0x6a,
            0xd7, 0xcb, 0xc8, 0x23, 0x78, 0x30, 0xe7, 0x73, 0x76, 0x63, 0x4b, 0x37, 0x31, 0x62,
        ]
        #expect(PasswordHasher.digest(of: bytes("password"), salt, parameters) == expected)
    }

    /// Goal: what is kept is as hard to guess as is promised. Method: the standard's parameters, in bytes of memory.
    @Test func theStandardNeedsMemory() throws {
        let hash = try #require(PasswordHasher.standard.hash(bytes("correct-horse")))
        let memory = 128 * Int(hash.parameters.blockSize) << Int(hash.parameters.costExponent)
        #expect(memory == 32 << 20 && hash.parameters.parallelism == 3)
        #expect(PasswordHasher.standard.matches(bytes("correct-horse"), hash) == true)
    }

    /// Goal: two accounts with one password are not seen to have it. Method: hash twice.
    @Test func eachHashHasItsSalt() throws {
        let hashes = try (0..<8).map { _ in try #require(quick.hash(bytes("same-password"))) }
        #expect(Set(hashes.map(\.salt)).count == 8 && Set(hashes.map(\.digest)).count == 8)
        #expect(hashes.allSatisfy { quick.matches(bytes("same-password"), $0) == true })
    }

    /// Goal: only the password itself is right. Method: others that are near, the empty one, which scrypt does not take, and
    /// one with a zero at its end, which is the same to scrypt; against an account and against none.
    @Test func onlyThePasswordIsRight() throws {
        let hash = try #require(quick.hash(bytes("opensesame")))
        for wrong in ["opensesam", "opensesame ", "Opensesame", "", "\0", "opensesame\0"] {
            #expect(quick.matches(bytes(wrong), hash) == false, "\(wrong)")
        }
        for password in ["opensesame", "", "\0"] { #expect(quick.matches(bytes(password), nil) == false) }
    }

    /// Goal: hashes of earlier parameters are recognised by theirs.
    @Test func theParametersOfTheHashCount() throws {
        let other = PasswordHasher(costExponent: 5, blockSize: 2, parallelism: 2)
        let hash = try #require(other.hash(bytes("opensesame")))
        #expect(quick.matches(bytes("opensesame"), hash) == true)
    }

    @Test(
        arguments: [
            (0, 8, 1), (25, 1, 1), (15, 0, 1), (15, 33, 1), (15, 8, 0), (15, 8, 17), (24, 32, 1), (22, 1, 1),
        ] as [(UInt8, UInt32, UInt32)])
    func parametersOutOfBoundsAreNone(cost: UInt8, blockSize: UInt32, parallelism: UInt32) {
        #expect(PasswordHash.Parameters(costExponent: cost, blockSize: blockSize, parallelism: parallelism) == nil)
    }

    /// Goal: no crash report and no log line shows a hash. Method: print it in every way, and what has it in it.
    @Test func aHashIsNotPrinted() throws {
        let hash = try #require(quick.hash(bytes("opensesame")))
        let account = Account(name: "ada", password: hash, roles: .admin, reach: .everything)
        var dumped = ""
        dump(account, to: &dumped)
        for text in ["\(hash)", String(reflecting: hash), "\(account)", dumped] {
            #expect(!text.contains("\(hash.digest[0]), \(hash.digest[1])") && !text.contains("salt: ["), "\(text)")
        }
    }

    /// Goal: the comparison knows equal from unequal, whatever the lengths.
    @Test func theComparisonIsRight() {
        for (left, right) in [("", ""), ("a", "a"), ("abc", "abc")] {
            #expect(ConstantTime.isSame(bytes(left), bytes(right)))
        }
        for (left, right) in [("", "a"), ("a", ""), ("ab", "abab"), ("abab", "ab"), ("abc", "abd"), ("xbc", "abc")] {
            #expect(!ConstantTime.isSame(bytes(left), bytes(right)), "\(left) \(right)")
        }
    }
}

@Suite("The desk of passwords: bounded, and quick for a password that was right")
struct PasswordDeskTests {
    /// Work that is run when the test says so.
    private final class Threads: Sendable {
        private let work = Mutex<[@Sendable () -> Void]>([])
        var count: Int { work.withLock { $0.count } }
        func add(_ body: @escaping @Sendable () -> Void) { work.withLock { $0.append(body) } }
        func runAll() {
            let all = work.withLock { work in
                defer { work = [] }
                return work
            }
            for body in all { body() }
        }
    }

    private final class Box<Value: Sendable>: Sendable {
        private let kept = Mutex<[Value]>([])
        var values: [Value] { kept.withLock { $0 } }
        func add(_ value: Value) { kept.withLock { $0.append(value) } }
    }

    private static func account(_ password: String, name: String = "ada") throws -> Account {
        Account(name: name, password: try #require(quick.hash(bytes(password))), roles: .all, reach: .everything)
    }

    /// Goal: nothing is hashed by who asks, and no more waits than the maximum: one more is told at once. Method: threads
    /// that stand still.
    @Test func onlySoManyWait() throws {
        let threads = Threads()
        let desk = PasswordDesk(hasher: quick) { threads.add($0) }
        let account = try Self.account("opensesame")
        let verdicts = Box<PasswordDesk.Verdict>()
        for _ in 0..<PasswordDesk.waitingMaximum { desk.verify(bytes("wrong-one"), of: account) { verdicts.add($0) } }
        #expect(verdicts.values.isEmpty && threads.count == PasswordDesk.waitingMaximum)
        desk.verify(bytes("opensesame"), of: account) { verdicts.add($0) }
        let hashes = Box<Bool>()
        desk.hash(bytes("new-password")) { hashes.add($0 == nil) }
        #expect(verdicts.values == [.busy] && hashes.values == [true] && threads.count == PasswordDesk.waitingMaximum)
        threads.runAll()
        #expect(verdicts.values.count { $0 == .wrong } == PasswordDesk.waitingMaximum)
        // There is room again.
        desk.verify(bytes("opensesame"), of: account) { verdicts.add($0) }
        threads.runAll()
        #expect(verdicts.values.last == .right)
    }

    /// Goal: a right password is remembered for that account as it is, and for nothing else. Method: ask before and behind,
    /// with others, for others, and once it has another password.
    @Test func aRightPasswordIsRemembered() throws {
        let threads = Threads()
        let desk = PasswordDesk(hasher: quick) { threads.add($0) }
        let ada = try Self.account("opensesame")
        #expect(!desk.remembers(bytes("opensesame"), of: ada))
        desk.verify(bytes("opensesame"), of: ada) { #expect($0 == .right) }
        threads.runAll()
        #expect(desk.remembers(bytes("opensesame"), of: ada))
        for wrong in ["opensesam", "opensesame\0", ""] { #expect(!desk.remembers(bytes(wrong), of: ada), "\(wrong)") }
        #expect(!desk.remembers(bytes("opensesame"), of: try Self.account("opensesame", name: "bob")))
        #expect(!desk.remembers(bytes("opensesame"), of: try Self.account("another-one")))
    }

    /// Goal: a wrong password is never remembered, nor one of nobody.
    @Test func aWrongPasswordIsNotRemembered() throws {
        let threads = Threads()
        let desk = PasswordDesk(hasher: quick) { threads.add($0) }
        let ada = try Self.account("opensesame")
        desk.verify(bytes("wrong-one"), of: ada) { #expect($0 == .wrong) }
        desk.verify(bytes("opensesame"), of: nil) { #expect($0 == .wrong) }
        threads.runAll()
        #expect(!desk.remembers(bytes("wrong-one"), of: ada) && !desk.remembers(bytes("opensesame"), of: ada))
    }
}
