/// What recovery does where a segment's readable frames end.
///
/// At most one frame of a lane is ever in flight, and each frame says that everything before it was
/// durable. So a frame that is missing although something later exists was acknowledged: starting
/// would give its codes again.
///
///     misplaced  later  closed  blank  next  begins  agrees | verdict
///     yes        -      -       -      -     -       -      | refuse: a whole frame is in the wrong place
///     no         yes    -       -      -     -       -      | refuse: a later frame vouches for a damaged one
///     no         no     yes     -      no    -       -      | refuse: the close frame's next segment is missing
///     no         no     no      -      no    yes     -      | refuse: a segment between two others is missing
///     no         no     -       -      yes   yes     no     | refuse: the next segment vouches for lost frames
///     no         no     -       -      yes   yes     yes    | go on in the next segment (here a life ended)
///     no         no     yes     -      yes   no      -      | end: the next segment was begun, nothing written
///     no         no     no      yes    -     no      -      | end: nothing follows
///     no         no     no      no     -     no      -      | cut: a frame that nobody was told of is torn
///
/// - Source: DURABILITY.md, rows 1, 2, 13, 14, 17, 18 and 19.
package enum RecoveryVerdict: Equatable, Sendable {
    case endOfLane
    case truncateTail
    case nextSegment
    case refuse(Reason)

    package enum Reason: String, Equatable, Sendable {
        case misplacedFrame
        case damagedFrame
        case missingSegment
        case lostFrames
    }

    /// What was found at and after the end of a segment's readable frames.
    package struct Facts: Equatable, Sendable {
        /// At the end stands a header with a valid checksum that does not belong there, or whose payload,
        /// although its checksum matches, cannot be what was written.
        package var misplaced = false
        /// Further on in this segment stands a header with a valid checksum.
        package var laterFrame = false
        /// The last readable frame is a close frame.
        package var closed = false
        /// From the end on, every byte of the segment is zero.
        package var blank = false
        /// The segment with the next number exists.
        package var nextSegment = false
        /// Some later segment holds a first frame.
        package var laterSegmentBegins = false
        /// The first of those begins with the frame that is expected here.
        package var laterSegmentAgrees = false

        package init() {}
    }

    /// One row of the table: the facts that must hold, those that must not, and what follows.
    struct Row: Sendable {
        let must: Bits
        let mustNot: Bits
        let verdict: RecoveryVerdict
    }

    struct Bits: OptionSet, Sendable {
        let rawValue: UInt8
        static let misplaced = Bits(rawValue: 1)
        static let later = Bits(rawValue: 2)
        static let closed = Bits(rawValue: 4)
        static let blank = Bits(rawValue: 8)
        static let next = Bits(rawValue: 16)
        static let begins = Bits(rawValue: 32)
        static let agrees = Bits(rawValue: 64)
        static let count = 7
    }

    static let table: [Row] = [
        Row(must: .misplaced, mustNot: [], verdict: .refuse(.misplacedFrame)),
        Row(must: .later, mustNot: .misplaced, verdict: .refuse(.damagedFrame)),
        Row(must: .closed, mustNot: [.misplaced, .later, .next], verdict: .refuse(.missingSegment)),
        Row(must: .begins, mustNot: [.misplaced, .later, .closed, .next], verdict: .refuse(.missingSegment)),
        Row(must: [.next, .begins], mustNot: [.misplaced, .later, .agrees], verdict: .refuse(.lostFrames)),
        Row(must: [.next, .begins, .agrees], mustNot: [.misplaced, .later], verdict: .nextSegment),
        Row(must: [.closed, .next], mustNot: [.misplaced, .later, .begins], verdict: .endOfLane),
        Row(must: .blank, mustNot: [.misplaced, .later, .closed, .begins], verdict: .endOfLane),
        Row(must: [], mustNot: [.misplaced, .later, .closed, .blank, .begins], verdict: .truncateTail),
    ]

    package init(_ facts: Facts) {
        let bits = facts.bits
        guard let row = Self.table.first(where: { $0.matches(bits) }) else {
            preconditionFailure("the recovery table has no row for \(facts)")
        }
        self = row.verdict
    }
}

extension RecoveryVerdict.Row {
    func matches(_ bits: RecoveryVerdict.Bits) -> Bool {
        bits.isSuperset(of: must) && bits.isDisjoint(with: mustNot)
    }
}

extension RecoveryVerdict.Facts {
    var bits: RecoveryVerdict.Bits {
        var bits: RecoveryVerdict.Bits = []
        if misplaced { bits.insert(.misplaced) }
        if laterFrame { bits.insert(.later) }
        if closed { bits.insert(.closed) }
        if blank { bits.insert(.blank) }
        if nextSegment { bits.insert(.next) }
        if laterSegmentBegins { bits.insert(.begins) }
        if laterSegmentAgrees { bits.insert(.agrees) }
        return bits
    }
}
