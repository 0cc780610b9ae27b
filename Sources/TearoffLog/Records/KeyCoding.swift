import TearoffCore

/// How an answer under an idempotency key is spelled, in records and in chunks, but for when the key was used.
extension OutputSpan<UInt8> {
    mutating func append(_ answer: KeyAnswer) {
        append(answer.isRepeat ? 2 : 1)
        appendVarint(UInt64(answer.holdMilliseconds))
        appendZigzag(
            Int64(bitPattern: answer.times.givenAt.milliseconds &- answer.usedAt.milliseconds))
        appendDeadline(answer.times.holdUntil, after: answer.times.givenAt)
    }
}

extension ByteReader {
    mutating func keyAnswer(usedAt: Timestamp, _ bytes: Span<UInt8>) throws(RecordError) -> KeyAnswer {
        let start = position
        let status = try byte(bytes)
        guard status == 1 || status == 2 else { throw .badField("status under a key", offset: start) }
        let holdMilliseconds: UInt32 = try narrow(bytes)
        let givenAt = try time(beside: usedAt, bytes)
        let holdUntil = try deadlineOrNone(after: givenAt, bytes)
        return KeyAnswer(
            usedAt: usedAt, times: AllocationTimes(givenAt: givenAt, holdUntil: holdUntil),
            holdMilliseconds: holdMilliseconds, isRepeat: status == 2)
    }

    /// A key and the marketing user id behind it.
    mutating func keyText(
        _ bytes: Span<UInt8>
    ) throws(RecordError) -> (keyByteCount: UInt8, text: Range<Int>) {
        let start = position
        let keyByteCount = try byte(bytes)
        guard keyByteCount > 0 else { throw .badField("empty key", offset: start) }
        let userIDCount = Int(try byte(bytes))
        return (keyByteCount, try range(Int(keyByteCount) + userIDCount, bytes))
    }
}
