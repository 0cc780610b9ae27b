import TearoffCore

/// A user as bytes: the form, then 1 to 16 bytes, the 16 of a UUID, or a length byte and the text.
extension OutputSpan<UInt8> {
    @inline(__always)
    mutating func appendUser(_ user: UserKey, text: Span<UInt8>) {
        append(user.form)
        if user.isLong {
            append(UInt8(text.count))
            append(copying: text)
            return
        }
        if user.form >= 16 {
            // Two whole words: nearly every user is a UUID.
            append(littleEndian: user.low)
            append(littleEndian: user.high)
            return
        }
        append(lowBytes: min(Int(user.form), 8), of: user.low)
        append(lowBytes: max(Int(user.form) - 8, 0), of: user.high)
    }

    @inline(__always)
    private mutating func append(littleEndian word: UInt64) {
        precondition(freeCapacity >= 8, "no room for eight bytes")
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            guard let start = buffer.baseAddress else { preconditionFailure("room at no address") }
            // SAFETY: eight bytes are free behind those that are counted.
            unsafe UnsafeMutableRawPointer(start + count).storeBytes(of: word.littleEndian, as: UInt64.self)
            count += 8
        }
    }

    private mutating func append(lowBytes count: Int, of word: UInt64) {
        var rest = word
        for _ in 0..<count {
            append(UInt8(truncatingIfNeeded: rest))
            rest &>>= 8
        }
    }
}

extension [UInt8] {
    mutating func appendUser(_ user: UserKey, text: Span<UInt8>) {
        append(addingCapacity: 18 + text.count) { $0.appendUser(user, text: text) }
    }
}

extension ByteReader {
    /// Accepts each user in one form only, the one that ``UserKey`` gives it: two forms would be two users.
    ///
    /// - Returns: the user, and where its text stands when it is long (else an empty range).
    mutating func user(_ bytes: Span<UInt8>) throws(RecordError) -> (key: UserKey, text: Range<Int>) {
        let start = position
        let form = try byte(bytes)
        if form == UserKey.long {
            let count = Int(try byte(bytes))
            // A shorter text would have had a shorter form, and would be another user than its twin.
            guard count > 16 else { throw .badField("long user of \(count) bytes", offset: start) }
            let range = try range(count, bytes)
            let key = UserKey(bytes.extracting(range))
            guard key.isLong else { throw .badField("user not in its shortest form", offset: start) }
            return (key, range)
        }
        guard form >= 1, form <= UserKey.uppercaseUUID else {
            throw .badField("user form \(form)", offset: start)
        }
        let words = Self.words(bytes.extracting(try range(min(Int(form), 16), bytes)))
        if form == UserKey.uppercaseUUID, !Self.hasLetter(words.0), !Self.hasLetter(words.1) {
            // Digits have no case: such a text is a lower-case UUID, and would be another user than itself.
            throw .badField("upper-case user without a letter", offset: start)
        }
        return (UserKey(form: form, low: words.0, high: words.1), 0..<0)
    }

    /// Up to 16 bytes as two numbers.
    @inline(__always)
    private static func words(_ bytes: Span<UInt8>) -> (UInt64, UInt64) {
        // The usual case, a UUID: two whole words.
        if bytes.count == 16 { return (bytes.littleEndian(at: 0), bytes.littleEndian(at: 8)) }
        var words: (UInt64, UInt64) = (0, 0)
        for index in bytes.indices {
            let byte = UInt64(bytes[index])
            if index < 8 {
                words.0 |= byte << UInt64(index * 8)
            } else {
                words.1 |= byte << UInt64(index * 8 - 64)
            }
        }
        return words
    }

    /// Whether any of the word's hex digits is 10 or more: bit 3 is set, and bit 2 or bit 1.
    private static func hasLetter(_ word: UInt64) -> Bool {
        word >> 3 & (word >> 2 | word >> 1) & 0x1111_1111_1111_1111 != 0
    }
}
