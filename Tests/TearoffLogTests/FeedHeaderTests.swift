import TearoffCore
import Testing

@testable import TearoffLog

@Suite("A feed frame's header is one that could have been written")
struct FeedHeaderTests {
    /// Goal: a number beyond the last that there can be ends no reader (found by libFuzzer). Method: frames of two events
    /// at the very end of the numbers.
    @Test func numbersDoNotRunOver() {
        let directory = DirectoryID(bytes: Array(repeating: 7, count: DirectoryID.byteCount))
        let coder = FeedFrameCoder(directoryID: directory, cipher: nil)
        for (first, isHeader) in [(UInt64.max - 2, true), (.max - 1, false), (.max, false)] {
            var batch = FeedBatch()
            batch.appendGap(at: Timestamp(milliseconds: 1))
            batch.appendGap(at: Timestamp(milliseconds: 1))
            let frame = coder.encode(
                batch, first: FeedSequence(rawValue: first), time: Timestamp(milliseconds: 1), lanes: [:], signs: [:])
            let header = coder.header(frame.span.extracting(..<FeedFrameHeader.byteCount))
            #expect((header != nil) == isHeader, "from \(first)")
            #expect(header.map { $0.end.rawValue } == (isHeader ? .max : nil))
        }
    }
}
