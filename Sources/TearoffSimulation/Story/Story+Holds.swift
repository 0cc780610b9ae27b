import TearoffCore
import TearoffEngine
import TearoffLog

/// What a user was told last of a campaign whose codes are held, or may have been.
struct Booking: Equatable {
    enum State: Equatable {
        case held(until: UInt64)
        case given, released
    }

    let key: String
    let code: CodeID
    let state: State
    let loop: Int
    let frame: FrameNumber

    /// Whether the row that a look-up finds is this one's. Behind its deadline somebody may have ended a hold.
    func fits(_ entry: HistoryEntry, at now: UInt64) -> Bool {
        guard entry.code == code else { return false }
        switch state {
        case .given: return entry.standing.status == .given
        case .released: return entry.standing.status == .released
        case .held(let until):
            guard entry.standing.holdUntil?.milliseconds == until else { return false }
            return entry.standing.status == .held || entry.standing.status == .lapsed && until < now
        }
    }

    func isSame(as other: Booking) -> Bool { code == other.code && state == other.state }
}

/// Codes that are held. All campaigns that hold them have the rule `once`.
extension Story {
    mutating func hold() throws -> String {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let (key, loop, wait) = (campaign + "/" + user, rollLoop(), UInt64(roll(20)) * hour)
        guard makeRoom(loop) else { return "no room" }
        let preview = try life.preview(user, in: campaign, loop: loop)
        let outcome = try life.decideHold(user, for: wait, in: campaign, loop: loop)
        guard preview.promises(outcome) else {
            throw Broken(.preview, "\(key): \(preview) and then \(outcome)")
        }
        let known = booking(of: key, loop: loop)
        switch outcome {
        case .given(let given):
            let told = Booking(
                key: key, code: given.code,
                state: given.times.holdUntil.map { .held(until: $0.milliseconds) } ?? .given, loop: loop,
                frame: given.frame)
            let until = life.loops[loop].now.milliseconds + wait
            guard given.isRepeat ? known?.isSame(as: told) == true : known == nil && told.state == .held(until: until)
            else {
                throw Broken(.hold, "\(key) has \(String(describing: known)), and is told \(given)")
            }
            if !given.isRepeat { try checkNew(given.code) }
            pendingBookings.append(told)
        case .refused(let refusal): try check(refusal, in: campaign, hasCode: known != nil, loop: loop)
        case .parked(let frame): try checkWait(for: frame)
        }
        return "\(key) \(Self.words(outcome))"
    }

    mutating func endHold() throws -> String {
        let (campaign, user) = (bookings[roll(2)], "u\(roll(12))")
        let (key, loop) = (campaign + "/" + user, rollLoop())
        guard makeRoom(loop) else { return "no room" }
        let reason: HoldEnd.Reason = roll(2) == 0 ? .confirmed : .released
        let outcome = try life.decideEnd(reason, user, in: campaign, loop: loop)
        let known = booking(of: key, loop: loop)
        let isRight: Bool
        switch (outcome, known?.state) {
        case (.ended(let frame), .held):
            let code = try required(known).code
            pendingBookings.append(
                Booking(
                    key: key, code: code, state: reason == .confirmed ? .given : .released, loop: loop, frame: frame))
            isRight = true
        case (.given, .given), (.nothing, nil): isRight = true
        case (.listExpired, _):
            try check(.listExpired, in: campaign, hasCode: known != nil, loop: loop)
            isRight = reason == .confirmed
        case (.parked(let frame), _):
            try checkWait(for: frame)
            isRight = true
        case (.ended, _), (.given, _), (.nothing, _): isRight = false
        }
        guard isRight else {
            throw Broken(.hold, "\(key) has \(String(describing: known)), and is told \(reason), \(outcome)")
        }
        return "\(key) \(reason): \(outcome)"
    }

    /// What the user has now; nil when that is nothing, or over.
    private func booking(of key: String, loop: Int) -> Booking? {
        guard let last = pendingBookings.last(where: { $0.key == key }) ?? booked[key]?.last else { return nil }
        switch last.state {
        case .given: return last
        case .released: return nil
        case .held(let until): return life.loops[loop].now.milliseconds <= until ? last : nil
        }
    }

    mutating func collectBookings() throws {
        for told in takeDurable(&pendingBookings, \.loop, \.frame) { try acknowledge(told) }
    }

    private mutating func acknowledge(_ told: Booking) throws {
        booked[told.key, default: []].append(told)
        if told.state == .given { try own(told.code, by: told.key) }
    }

    /// After a recovery: each user has what they were told last, or what they would have been told next, which is
    /// known from then on; and each code that was ever held for them is in their history.
    mutating func checkBookings() throws {
        let now = life.engine.now().milliseconds
        let doubts = Dictionary(grouping: inDoubt.bookings, by: \.key)
        for key in Set(booked.keys).union(doubts.keys).sorted() {
            let parts = key.split(separator: "/").map(String.init)
            let campaign = try required(life.engine.latestCatalog.campaign(named: parts[0])).id
            let history = life.history(parts[1]).found.filter { $0.campaign == campaign }
            let told = booked[key, default: []]
            if let lost = told.first(where: { booking in !history.contains { $0.code == booking.code } }) {
                throw Broken(.lost, "\(lost.code), which was held, is not in the history of \(key)")
            }
            let isThere = { (booking: Booking) in history.contains { booking.fits($0, at: now) } }
            if let next = doubts[key]?.last(where: isThere) {
                try acknowledge(next)
            } else if let last = told.last, !isThere(last) {
                throw Broken(.lost, "\(last) became \(history)")
            }
        }
        inDoubt.bookings = []
    }
}
