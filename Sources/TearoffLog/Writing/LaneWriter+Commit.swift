extension LaneWriter {
    /// Cuts the open batch into a frame and writes it, unless an earlier one is still on its way.
    ///
    /// - Parameter timeMilliseconds: goes into the frame.
    /// - Precondition: the batch is within ``payloadBytesMax``.
    /// - Throws: ``LogFailure``, now and in every later call; whether the frame is on disk is then unknown.
    package func commit(timeMilliseconds: UInt64) throws(LogFailure) -> CommitProgress {
        let earlier = try poll()
        guard earlier == .idle || earlier == .durable else { return earlier }
        guard !batch.isEmpty || newSegmentIsPending else { return earlier }
        precondition(batch.bytes.count <= payloadBytesMax, "batch of \(batch.bytes.count) bytes")
        precondition(
            batch.isEmpty == batch.bytes.isEmpty, "\(batch.recordCount) records in no bytes, or reverse")
        // A segment without a frame is new already; else the frame that follows would be left behind again.
        if segmentIsFresh { newSegmentIsPending = false }
        swap(&batch, &pending)
        self.timeMilliseconds = timeMilliseconds
        return try advance()
    }

    /// Takes what has completed and goes on with what waits for it: close frame, next segment, frame.
    /// The open batch is left alone.
    package func poll() throws(LogFailure) -> CommitProgress {
        if let failure { throw failure }
        return isBusy ? try advance() : .idle
    }

    /// Writes an empty frame that vouches for the last one. Nothing happens unless ``needsSeal``.
    package func seal(timeMilliseconds: UInt64) throws(LogFailure) -> CommitProgress {
        let earlier = try poll()
        guard needsSeal else { return earlier }
        self.timeMilliseconds = timeMilliseconds
        try guarded { () throws(StorageError) in
            try write(.seal)
        }
        return try advance()
    }

    /// Waits until nothing is in flight. Only a missing segment is not waited for.
    ///
    /// - Returns: never ``CommitProgress/inFlight``.
    package func drain() throws(LogFailure) -> CommitProgress {
        if let failure { throw failure }
        var progress = try poll()
        while progress == .inFlight {
            try guarded { () throws(StorageError) in
                try storage.wait()
                completed(waited: false)
            }
            progress = try advance()
        }
        return progress
    }

    /// Takes the next steps until everything cut is durable, or something must be waited for.
    private func advance() throws(LogFailure) -> CommitProgress {
        try guarded { () throws(StorageError) in
            while true {
                if inFlight != nil {
                    guard try reap() else { return .inFlight }
                } else if segmentIsClosed {
                    try openNextSegment()
                } else if mustMove {
                    guard try supply.isReady(nextSegment) else { return countedWait() }
                    try write(.close)
                } else if !pending.isEmpty {
                    try write(.records)
                } else {
                    return .durable
                }
            }
        }
    }

    /// Runs a step; poisons the lane when it throws.
    private func guarded<Result>(_ step: () throws(StorageError) -> Result) throws(LogFailure) -> Result {
        do throws(StorageError) {
            return try step()
        } catch {
            let failure = LogFailure(lane: lane, cause: error)
            self.failure = failure
            throw failure
        }
    }
}

extension LaneWriter {
    private var nextSegment: SegmentID {
        SegmentID(lane: lane, number: position.segment.next)
    }

    private var segmentIsFresh: Bool { offset.rawValue == UInt64(LogLimits.segmentHeaderBytes) }

    /// Whether the segment must be left before the next frame: ``reservedBytes`` stay free behind it.
    private var mustMove: Bool {
        if newSegmentIsPending && !segmentIsFresh { return true }
        guard !pending.isEmpty else { return false }
        let frameBytes = encoder.paddedBytesMax(payloadBytes: pending.bytes.count)
        return (offset + frameBytes + reservedBytes).rawValue > supply.segmentBytes(of: lane)
    }

    private func countedWait() -> CommitProgress {
        if !waitIsCounted {
            counters.segmentWaits += 1
            waitIsCounted = true
        }
        return .waitingForSegment
    }

    private func openNextSegment() throws(StorageError) {
        let segment = nextSegment
        try storage.open(segment: segment.number)
        encoder.cipherKey = supply.take(segment)
        position = LanePosition(
            segment: segment.number, frame: nextFrame, previousHeaderCRC32C: previousHeaderCRC32C)
        offset = ByteOffset(rawValue: UInt64(LogLimits.segmentHeaderBytes))
        segmentIsClosed = false
        newSegmentIsPending = false
        waitIsCounted = false
        supply.request(nextSegment, timeMilliseconds: timeMilliseconds)
    }

    /// Builds a frame and starts its write; waits for it when flushes are fast.
    private func write(_ kind: FrameHeader.Kind) throws(StorageError) {
        precondition(inFlight == nil && !segmentIsClosed, "lane \(lane) writes out of turn")
        let (header, checksum) = encoder.encode(
            header(kind), payload: kind == .records ? pending.bytes : [], at: offset)
        previousHeaderCRC32C = checksum
        let paddedBytes = encoder.encodedBytes
        let end = offset + paddedBytes
        precondition(
            end.rawValue <= supply.segmentBytes(of: lane),
            "frame \(header.frame) would cross its segment's end")
        let isAsynchronous = pace.nextIsAsynchronous()
        inFlight = InFlight(header: header, paddedBytes: paddedBytes, isAsynchronous: isAsynchronous)
        let frame = encoder.buffer
        try storage.begin(frame.span.extracting(0..<paddedBytes), at: offset, notify: isAsynchronous)
        if kind == .records {
            // The storage has its own copy; what is open now gets the next number.
            pending.removeAll()
            nextFrame = nextFrame.next
        }
        guard !isAsynchronous else { return }
        try storage.wait()
        completed(waited: true)
    }

    private func header(_ kind: FrameHeader.Kind) -> FrameHeader {
        FrameHeader(
            kind: kind, compression: .raw, segment: SegmentID(lane: lane, number: position.segment),
            frame: kind == .records ? nextFrame : nextFrame.previous, durableThrough: durableFrame,
            timeMilliseconds: timeMilliseconds, storedBytes: 0, payloadBytes: 0,
            recordCount: kind == .records ? pending.recordCount : 0, payloadCRC32C: 0,
            previousHeaderCRC32C: previousHeaderCRC32C)
    }

    private func reap() throws(StorageError) -> Bool {
        guard try storage.poll() else { return false }
        completed(waited: false)
        return true
    }

    /// Accounts for the write in flight, which is durable now.
    private func completed(waited: Bool) {
        guard let write = inFlight else {
            preconditionFailure("lane \(lane) completed a write it had not begun")
        }
        inFlight = nil
        offset = offset + write.paddedBytes
        pace.record(nanoseconds: storage.lastWriteNanoseconds, waited: waited)
        counters.flushes += 1
        counters.flushNanoseconds += storage.lastWriteNanoseconds
        counters.asynchronousFlushes += write.isAsynchronous ? 1 : 0
        counters.slowFlushes += storage.lastWriteNanoseconds >= LogLimits.slowFlushNanoseconds ? 1 : 0
        counters.writtenBytes += UInt64(write.paddedBytes)
        switch write.header.kind {
        case .records:
            precondition(
                write.header.frame == durableFrame.next, "frame \(write.header.frame) is out of order")
            durableFrame = write.header.frame
            lastFrameIsVouched = false
            counters.frames += 1
            counters.records += UInt64(write.header.recordCount)
            counters.payloadBytes += UInt64(write.header.payloadBytes)
            counters.storedBytes += UInt64(write.header.storedBytes)
        case .seal:
            lastFrameIsVouched = true
            counters.seals += 1
        case .close:
            lastFrameIsVouched = true
            segmentIsClosed = true
            counters.closes += 1
        }
    }
}
