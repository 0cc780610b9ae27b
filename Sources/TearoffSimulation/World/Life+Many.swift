package import TearoffCore
package import TearoffEngine
import TearoffLog

extension Life {
    /// An `ALLOCMANY` in a tick of its own that is not ended.
    ///
    /// - Returns: nil when the open batch has no room for it.
    package func allocateMany(
        _ users: [String], in campaign: String = "c", loop: Int = 0
    ) throws -> ManyAllocations? {
        let (bytes, ranges) = Self.flat(users)
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        guard loops[loop].room(forMany: ranges[...], in: bytes.span) == .now else { return nil }
        return loops[loop].allocateMany(ranges[...], in: bytes.span, terms: terms)
    }

    package func room(forMany users: [String], loop: Int = 0) -> ManyRoom {
        let (bytes, ranges) = Self.flat(users)
        return loops[loop].room(forMany: ranges[...], in: bytes.span)
    }

    package func decideWaiting(_ many: inout ManyAllocations, in campaign: String = "c", loop: Int = 0) throws {
        let terms = try self.terms(campaign, loop: loop)
        loops[loop].beginTick()
        loops[loop].decideWaiting(&many, terms: terms)
    }

    private static func flat(_ users: [String]) -> (bytes: [UInt8], ranges: [Range<Int>]) {
        var (bytes, ranges): ([UInt8], [Range<Int>]) = ([], [])
        for user in users {
            ranges.append(bytes.count..<bytes.count + user.utf8.count)
            bytes += Array(user.utf8)
        }
        return (bytes, ranges)
    }
}

extension ManyAllocations.Outcome {
    package var given: Allocation? { if case .given(let allocation) = self { allocation } else { nil } }
    package var refusal: AllocationRefusal? { if case .refused(let refusal) = self { refusal } else { nil } }
    package var isOvertaken: Bool { if case .overtaken = self { true } else { false } }
    package var isWaiting: Bool { if case .waiting = self { true } else { false } }
}
