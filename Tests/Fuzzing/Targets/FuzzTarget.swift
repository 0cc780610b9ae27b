/// A decoder that meets bytes which nobody of ours may have written, and what must hold whatever they are.
///
/// That it does not trap, hang or take memory without bound is seen by whoever calls it: libFuzzer, and the test that
/// replays the corpus.
package struct FuzzTarget: Sendable {
    package let name: String
    /// The longest input that shows anything new.
    package let bytesMax: Int
    /// - Throws: ``FuzzFinding`` when the decoder contradicts itself.
    package let run: @Sendable ([UInt8]) throws(FuzzFinding) -> Void

    init(_ name: String, bytesMax: Int = 4_096, run: @escaping @Sendable ([UInt8]) throws(FuzzFinding) -> Void) {
        self.name = name
        self.bytesMax = bytesMax
        self.run = run
    }

    package static let all: [FuzzTarget] =
        ProtocolTargets.all + LogTargets.all + RecordTargets.all + ChunkTargets.all + UploadTargets.all
        + SettingsTargets.all

    package static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// What a decoder said that cannot be so.
package struct FuzzFinding: Error, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }

    /// Throws what `problem` says unless the condition holds.
    static func expect(_ holds: Bool, _ problem: @autoclosure () -> String) throws(FuzzFinding) {
        guard holds else { throw FuzzFinding(problem()) }
    }
}

/// How a target was told to take its input: the first byte of it.
struct FuzzOptions {
    private let bits: UInt8
    /// What is behind that byte.
    let body: [UInt8]

    init?(_ input: [UInt8]) {
        guard let first = input.first else { return nil }
        bits = first
        body = Array(input.dropFirst())
    }

    /// The lowest bit is 0.
    func has(_ bit: Int) -> Bool { bits >> UInt8(bit) & 1 == 1 }

    /// A number from some of the bits.
    func number(bits range: Range<Int>) -> Int { Int(bits) >> range.lowerBound & (1 << range.count - 1) }

    /// A place in `count` bytes, of one of 16.
    func cut(of count: Int) -> Int { count * number(bits: 4..<8) / 15 }
}
