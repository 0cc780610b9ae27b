import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("Control records read back exactly or not at all")
struct ControlCodingTests {
    static let hash = ContentHash(bytes: noise(32, seed: 9))

    /// The shortest and the longest of each field.
    static let audit: [AuditRecord] = {
        let text = String(repeating: "ü", count: 512)
        let origins = [
            Origin.system,
            Origin(
                user: String(repeating: "u", count: 128), client: String(repeating: "c", count: 128),
                address: String(repeating: "a", count: 128)),
        ]
        return Act.Command.allCases.enumerated().map { index, command in
            let act =
                index % 3 == 0
                ? Act(command)
                : Act(
                    command, object: "june", before: index % 2 == 0 ? text : "a=1",
                    after: index % 2 == 0 ? "b" : text)
            return AuditRecord(
                number: index == 0 ? .max : UInt64(index), at: Timestamp(milliseconds: UInt64(index) << 40),
                origin: origins[index % 2], act: act, previous: hash)
        }
    }()

    static let entries: [ControlEntry] = {
        let list = ListID(rawValue: 3)
        let upload = UploadID(rawValue: .max)
        let campaign = CampaignID(rawValue: 1 << 20)
        let late = Timestamp(milliseconds: Timestamp.maximumMilliseconds)
        let name = String(repeating: "n", count: Limits.nameBytes)
        var lines = LinesLeftOut()
        lines.blank = .max
        lines[.invalidUTF8] = 1
        lines[.inOtherList] = 300
        let report = UploadReport(
            origin: Origin(user: "default", client: "", address: String(repeating: "a", count: 128)), lines: lines)
        var changes: [ControlRecord.Change] = [
            .listCreated(id: list, name: "l", kind: .unique, expiresAt: nil, warnAt: nil),
            .listCreated(id: list, name: name, kind: .unique, expiresAt: late, warnAt: UInt64(UInt32.max)),
            .listCreated(
                id: list, name: "ü", kind: .fixed(code: noise(255, seed: 1), limit: 1_000_000_000),
                expiresAt: .zero, warnAt: 0),
            .fixedCodeSet(list: list, upload: upload),
            .fixedCodeChanged(
                list: list, upload: upload, code: noise(255, seed: 2), limit: 1_000_000_000,
                count: 1_000_000_000),
            .fixedCodeChanged(list: list, upload: upload, code: [0x41], limit: 1, count: 0),
            .uploadCommitted(
                CommittedUpload(
                    id: upload, list: list, count: 1 << 27, blob: hash, fileHash: hash,
                    fileName: String(repeating: "f", count: 255), report: report)),
            .uploadCommitted(
                CommittedUpload(
                    id: upload, list: list, count: 1, blob: hash, fileHash: hash, fileName: "", report: nil)),
            .uploadCommitted(
                CommittedUpload(
                    id: upload, list: list, count: 1, blob: hash, fileHash: hash, fileName: "g", report: report,
                    isImport: true)),
            .listExpirySet(list: list, expiresAt: nil), .listExpirySet(list: list, expiresAt: late),
            .listWarningSet(list: list, warnAt: nil), .listWarningSet(list: list, warnAt: 0),
            .listArchived(list), .listReturned(list),
            .listDeleted(ListID(rawValue: 77), ledger: Ledger(uploaded: .max, free: 0, given: 3)),
            .uploadWithdrawn(id: upload), .codesBurned(upload: upload, below: 4_097),
            .campaignSettingsSet(id: campaign, settings: CampaignSettings()),
            .campaignSettingsSet(
                id: campaign,
                settings: CampaignSettings(
                    sample: noise(255, seed: 3), quota: .max - 1, quotaPerDay: 1, ratePerSecond: 2,
                    opensAt: .zero, closesAt: Timestamp(milliseconds: Timestamp.maximumMilliseconds),
                    validityDays: .max, overflow: (0..<16).map { ListID(rawValue: $0) })),
            .listSettingsSet(list: list, settings: ListSettings()),
            .listSettingsSet(list: list, settings: ListSettings(refusesCodesOfOthers: true)),
            .listSettingsSet(list: list, settings: ListSettings(codesPerUser: .max, daysKeptBeforeExpiry: 0)),
            .listWarningsSet(list: list, warnings: ListWarnings()),
            .listWarningsSet(
                list: list, warnings: ListWarnings(percent: .max, hoursLeft: 0, expiryDays: [3_650, 7, 1])),
            .listWarningsSet(list: list, warnings: ListWarnings(expiryDays: [])),
            .recipientRemoved(list: list, address: "ops@example.org"),
            .accountDeleted(name: name),
            .listRenamed(list: list, name: name), .listRenamed(list: list, name: "ü"),
            .campaignResumed(id: campaign),
        ]
        if let parameters = PasswordHash.Parameters(costExponent: 15, blockSize: 8, parallelism: 3) {
            let password = PasswordHash(parameters: parameters, salt: noise(16, seed: 5), digest: noise(32, seed: 6))
            let patterns = Array(repeating: name + "*", count: Limits.reachPatterns)
            for (roles, reach) in [(Roles(), Reach.everything), (.all, Reach(lists: patterns, campaigns: patterns))] {
                changes.append(.accountSet(Account(name: name, password: password, roles: roles, reach: reach)))
            }
        }
        let rules: [RetriggerRule] = [
            .standard, .window(milliseconds: 0), .window(milliseconds: .max), .once, .always, .untilExpiry,
        ]
        for rule in rules {
            changes.append(.campaignCreated(id: campaign, name: name, list: list, rule: rule))
            changes.append(.campaignRuleSet(id: campaign, rule: rule))
        }
        for recipient in [
            Recipient.email("ops@example.org"), .webhook("https://example.org/hook", secret: noise(64, seed: 4)),
        ].compactMap({ $0 }) {
            changes.append(.recipientAdded(list: list, recipient: recipient))
        }
        for reason in FinishReason.allCases {
            changes.append(.campaignFinished(id: campaign, reason: reason))
        }
        for rule in ReturnRule.allCases { changes.append(.campaignReturnsSet(id: campaign, rule: rule)) }
        let records = changes.enumerated().map { index, change in
            ControlEntry.change(
                ControlRecord(change, at: Timestamp(milliseconds: UInt64(index) << 30)),
                revision: index == 0 ? .max : UInt64(index))
        }
        let lanes = [
            LifeStart.Lane(lane: .control, segment: SegmentNumber(rawValue: .max), nextFrame: .first),
            LifeStart.Lane(lane: .data, segment: nil, nextFrame: FrameNumber(rawValue: .max)),
        ]
        return records + audit.map(ControlEntry.audit) + [
            .lifeStarted(LifeStart(at: late, lanes: lanes)), .lifeStarted(LifeStart(at: .zero, lanes: [])),
        ]
    }()

    private static func encoded(_ entries: [ControlEntry]) -> [UInt8] {
        var batch: [UInt8] = []
        for entry in entries { entry.encode(into: &batch) }
        return batch
    }

    @Test("Every change, rule and reason comes back, alone and in a row")
    func roundTrip() throws {
        // Goal: the catalog is what was decided. Method: each entry with extreme values.
        for entry in Self.entries {
            #expect(try ControlEntry.decodeAll(Self.encoded([entry]).span) == [entry])
        }
        #expect(try ControlEntry.decodeAll(Self.encoded(Self.entries).span) == Self.entries)
        #expect(try ControlEntry.decodeAll([UInt8]().span).isEmpty)
    }

    @Test("Truncated and flipped entries never crash the reader")
    func attacks() {
        // Goal: as for allocations. Method: every cut, seeded flips; a cut inside an entry throws.
        attack(Self.encoded(Self.entries), seed: 2) { _ = try ControlEntry.decodeAll($0.span) }
        for entry in Self.entries {
            let whole = Self.encoded([entry])
            for count in 1..<whole.count {
                #expect(throws: RecordError.self) { try ControlEntry.decodeAll(Array(whole[..<count]).span) }
            }
        }
    }

    @Test("Fields out of their range are refused")
    func badFields() {
        // Goal: no such value reaches the catalog. Method: one wrong field each.
        let late: [UInt8] = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
        let bad: [(name: String, bytes: [UInt8])] = [
            ("tag", [0x21]), ("change", [0x20, 1, 0, 9]), ("time", [0x20, 1] + late + [7, 0]),
            (
                "name over 64 bytes",
                [0x20, 1, 0, 1, 0, 65] + [UInt8](repeating: 0x41, count: 65) + [0, 0, 0]
            ),
            ("name that is no text", [0x20, 1, 0, 1, 0, 1, 0xFF, 0, 0, 0]),
            ("expiry", [0x20, 1, 0, 4, 0, 0x82] + late.dropFirst() + []), ("reason", [0x20, 1, 0, 6, 0, 5]),
            ("lists to overflow to", [0x20, 1, 0, 13, 0, 0, 0, 0, 0, 0, 0, 0, 17] + [UInt8](repeating: 0, count: 17)),
            ("rule", [0x20, 1, 0, 5, 0, 1, 0x41, 0, 5]), ("lane", [0x30, 0, 1, 0x80, 0x80, 4, 1]),
        ]
        for (name, payload) in bad {
            #expect(throws: RecordError.self, "\(name)") { try ControlEntry.decodeAll(payload.span) }
        }
    }
}
