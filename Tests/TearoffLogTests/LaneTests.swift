import TearoffCore
import TearoffSimulation
import Testing

@testable import TearoffLog

@Suite("A lane gives back every frame, in order, over segments and lives")
struct LaneTests {
    @Test("Frames of all sizes come back over several segments", arguments: [512, 4096])
    func roundTrip(blockBytes: Int) throws {
        // Goal: what is durable is what is read. Method: 200 frames, compressible or not, in 64 KiB segments.
        let rig = Rig(blockBytes: blockBytes)
        let writer = try rig.writer()
        var random = SplitMix64(seed: 3)
        var expected: [[UInt8]] = []
        for number in 0..<200 {
            let count = Int.random(in: 1...6000, using: &random)
            let payload =
                Bool.random(using: &random)
                ? noise(count, seed: UInt64(number)) : [UInt8](repeating: UInt8(number), count: count)
            #expect(writer.openFrame.rawValue == UInt64(number + 1))
            #expect(try writer.write(payload) == .durable)
            #expect(writer.durableFrame.rawValue == UInt64(number + 1))
            expected.append(payload)
        }
        let found = try rig.recover()
        #expect(found.payloads == expected)
        #expect(found.end.nextFrame.rawValue == 201)
        #expect(found.end.tornTails.isEmpty)
        #expect(writer.counters.closes > 2)
        #expect(writer.counters.storedBytes < writer.counters.payloadBytes)
        #expect(found.end.payloadBytes == writer.counters.payloadBytes)
    }

    @Test("The largest batch fits a segment with a seal and a close frame behind it")
    func fullSegment() throws {
        // Goal: no frame ever lacks its room. Method: batches of every size near the bound, sealed each time.
        // Once a seal took the block that the close frame needs, and the next commit died.
        for missing in [0, 1, 448, 511, 512, 513, 1023, 1024, 1025] {
            let rig = Rig()
            let writer = try rig.writer()
            for round in UInt64(0)..<3 {
                try writer.write(noise(writer.payloadBytesMax - missing, seed: round))
                #expect(try writer.seal(timeMilliseconds: 8) == .durable)
            }
            try writer.write([1])
            let found = try rig.recover()
            #expect(found.payloads.count == 4, "\(missing) bytes below the bound")
        }
    }

    @Test("A seal is due exactly when nothing vouches for the last frame")
    func seals() throws {
        // Goal: an idle lane is vouched for, once. Method: needsSeal through write, seal, close and a new
        // life.
        let rig = Rig()
        var writer = try rig.writer()
        #expect(!writer.needsSeal)
        try writer.write([1])
        #expect(writer.needsSeal)
        #expect(try writer.seal(timeMilliseconds: 9) == .durable)
        #expect(!writer.needsSeal)
        #expect(try writer.seal(timeMilliseconds: 9) == .idle)
        #expect(writer.counters.seals == 1)
        try writer.write([2])
        writer = try rig.writer()
        #expect(writer.needsSeal, "the last life did not seal")
        _ = try writer.seal(timeMilliseconds: 10)
        writer = try rig.writer()
        #expect(!writer.needsSeal)
        let found = try rig.recover()
        #expect(found.payloads == [[1], [2]])
        #expect(found.end.lastFrameIsVouched)
    }

    @Test("A lane moves to a new segment when told, and says where it begins")
    func startNewSegment() throws {
        // Goal: a snapshot's position is a place where reading can begin. Method: read from it.
        let rig = Rig()
        let writer = try rig.writer()
        writer.startNewSegment()
        #expect(try writer.commit(timeMilliseconds: 1) == .durable)
        #expect(writer.position == .start, "a segment without a frame is new enough")
        try writer.write([1])
        writer.startNewSegment()
        try writer.write([2])
        #expect(!writer.newSegmentIsPending)
        let position = writer.position
        #expect(position.segment.rawValue == 2)
        #expect(position.frame.rawValue == 2)
        try writer.write([3])
        let catalog = try LaneCatalog(of: rig.storage, directoryID: testDirectory)
        let reader = try LaneReader(.data, from: position, in: catalog, storage: rig.storage)
        var payloads: [[UInt8]] = []
        _ = try reader.read { _, payload in payloads.append(payload) }
        #expect(payloads == [[2], [3]])
        // Covered segments may go, and the rest still reads.
        try rig.storage.remove(.data(1))
        let rest = try LaneCatalog(of: rig.storage, directoryID: testDirectory)
        _ = try LaneReader(.data, from: position, in: rest, storage: rig.storage).read { _, _ in }
    }

    @Test("Lives follow each other, also those that end before their first frame")
    func lives() throws {
        // Goal: numbers go on over restarts. Method: twelve lives of 0, 1 or 2 frames each.
        let rig = Rig()
        var expected: [[UInt8]] = []
        for life in UInt8(0)..<12 {
            let writer = try rig.writer()
            for _ in 0..<(life % 3) {
                try writer.write([life])
                expected.append([life])
            }
            rig.storage.crash()
            let found = try rig.recover()
            #expect(found.payloads == expected)
            #expect(found.end.highestSegment.map { $0.rawValue >= UInt64(life + 1) } ?? false)
        }
    }

    @Test("Reading twice gives the same, and two lanes do not touch each other")
    func independence() throws {
        // Goal: recovery changes nothing. Method: two lanes written in turn, read twice.
        let rig = Rig()
        let (first, second) = (try rig.writer(.data), try rig.writer(.other))
        for number in UInt8(0)..<50 {
            try first.write(noise(3000, seed: UInt64(number)))
            try second.write([number])
        }
        let found = try rig.recover(.other)
        #expect(found.payloads == (0..<50).map { [$0] })
        #expect(try rig.recover(.other) == found)
        #expect(try rig.recover(.data).payloads.count == 50)
    }
}

@Suite("A slow disk does not stop a loop")
struct SlowDiskTests {
    @Test("Asynchronous commits gather records until the write is durable")
    func asynchronous() throws {
        // Goal: one write in flight, numbers as promised. Method: completions by hand.
        let rig = Rig()
        let writer = try rig.writer(.data, .asynchronous)
        rig.storage.setCompletion(.manual)
        #expect(try writer.write([1]) == .inFlight)
        #expect(writer.openFrame.rawValue == 2)
        #expect(try writer.write([2]) == .inFlight)
        #expect(try writer.write([3]) == .inFlight)
        #expect(writer.openFrame.rawValue == 2, "both are in the open batch")
        #expect(writer.durableFrame == .none)
        #expect(!writer.needsSeal)
        #expect(try writer.poll() == .inFlight)
        rig.storage.complete(.data)
        #expect(try writer.poll() == .durable)
        #expect(writer.durableFrame.rawValue == 1)
        #expect(try writer.commit(timeMilliseconds: 2) == .inFlight)
        #expect(try writer.drain() == .durable)
        #expect(writer.durableFrame.rawValue == 2)
        #expect(try writer.poll() == .idle)
        #expect(try rig.recover().payloads == [[1], [2, 3]])
    }

    @Test("The pace follows the measured flush times, both ways")
    func measuredPace() throws {
        // Goal: slow flushes make commits asynchronous, quick ones bring them back. Method: simulated flush times;
        // the sixth slow one decides, and the fourth quick one.
        let rig = Rig()
        let writer = try rig.writer(.data, .measured)
        rig.storage.setFlushNanoseconds(2_000_000)
        for number in UInt8(1)...6 {
            #expect(try writer.write([number]) == .durable, "not enough is known yet")
        }
        #expect(writer.flushMicrosecondsMean == 2000)
        rig.storage.setCompletion(.manual)
        #expect(try writer.write([7]) == .inFlight)
        rig.storage.setFlushNanoseconds(50_000)
        for number in UInt8(8)...10 {
            rig.storage.complete(.data)
            _ = try writer.drain()
            #expect(try writer.write([number]) == .inFlight)
        }
        rig.storage.complete(.data)
        _ = try writer.drain()
        #expect(try writer.write([11]) == .durable, "fast again: waited for in the tick")
        #expect(writer.counters.asynchronousFlushes == 4)
        #expect(try rig.recover().payloads.count == 11)
    }

    @Test("Single slow flushes among quick ones change nothing")
    func outliers() throws {
        // Goal: one stall of the machine does not send a fast disk's commits the slow way. Method: every second
        // flush takes 20 ms.
        let rig = Rig()
        let writer = try rig.writer(.data, .measured)
        for number in UInt8(1)...40 {
            rig.storage.setFlushNanoseconds(number.isMultiple(of: 2) ? 20_000_000 : 50_000)
            #expect(try writer.write([number]) == .durable)
        }
        #expect(writer.counters.asynchronousFlushes == 0)
    }

    @Test("While commits are asynchronous, one in 32 is waited for, and measured")
    func probes() throws {
        // Goal: a disk that is quick again is noticed although every completion is found late. Method: slow
        // completions; the waited-for writes are counted.
        let rig = Rig()
        let writer = try rig.writer(.data, .measured)
        rig.storage.setFlushNanoseconds(2_000_000)
        for number in UInt8(1)...100 {
            try writer.write([number])
            _ = try writer.drain()
        }
        let waited = 100 - Int(writer.counters.asynchronousFlushes)
        #expect(waited == 6 + 94 / 32)
    }

    @Test("A slow lane goes through close frame, next segment and frame one poll at a time")
    func asynchronousRotation() throws {
        // Goal: rotation needs no waiting either. Method: 40 large frames, each completion by hand.
        let rig = Rig()
        let writer = try rig.writer(.data, .asynchronous)
        rig.storage.setCompletion(.manual)
        for number in UInt64(1)...40 {
            var progress = try writer.write(noise(9000, seed: number))
            while progress == .inFlight {
                rig.storage.complete(.data)
                progress = try writer.poll()
            }
            #expect(progress == .durable)
            #expect(writer.durableFrame.rawValue == number)
        }
        #expect(writer.counters.closes >= 5)
        #expect(try rig.recover().payloads.count == 40)
    }

    @Test("A frame waits for a segment that is late, and keeps its number")
    func lateSegment() throws {
        // Goal: no frame is lost or renumbered while a segment is prepared. Method: background work held
        // back.
        let rig = Rig()
        let work = HeldWork()
        let writer = try rig.writer(background: work.background)
        var written: UInt64 = 0
        var progress = CommitProgress.durable
        while progress == .durable {
            progress = try writer.write(noise(9000, seed: written))
            written += 1
        }
        #expect(progress == .waitingForSegment)
        #expect(writer.openFrame.rawValue == written + 1)
        #expect(writer.durableFrame.rawValue == written - 1)
        #expect(try writer.write([9]) == .waitingForSegment)
        #expect(writer.openFrame.rawValue == written + 1)
        #expect(try writer.drain() == .waitingForSegment)
        #expect(writer.counters.segmentWaits == 1)
        work.run()
        #expect(try writer.poll() == .durable)
        #expect(try writer.commit(timeMilliseconds: 3) == .durable)
        let found = try rig.recover()
        #expect(found.payloads.count == Int(written) + 1)
        #expect(found.payloads.last == [9])
    }
}
