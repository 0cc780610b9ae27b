import Foundation
import TearoffFuzzing
import Testing

@Suite("What fuzzing found once is met in every run of the tests")
struct CorpusTests {
    private static let corpus = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fuzzing/Corpus")

    private static func inputs(of target: FuzzTarget) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: corpus.appending(path: target.name), includingPropertiesForKeys: nil)
    }

    /// Goal: no input of the corpus makes its decoder trap or contradict itself, also without libFuzzer. Method: every
    /// file of every target, and each cut off at several places.
    @Test(arguments: FuzzTarget.all.map(\.name))
    func theCorpusIsDecoded(name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let files = try Self.inputs(of: target)
        #expect(!files.isEmpty)
        for file in files {
            let input = [UInt8](try Data(contentsOf: file))
            for count in [input.count, input.count / 2, max(0, input.count - 1)] {
                do throws(FuzzFinding) {
                    try target.run([UInt8](input[..<count]))
                } catch {
                    Issue.record("\(name)/\(file.lastPathComponent), \(count) bytes of it: \(error)")
                }
            }
        }
    }

    /// Goal: the corpus stays small, and nothing in it is read by nobody. Method: its folders, and the bytes of all.
    @Test func everyFolderIsOfATargetAndAllAreSmall() throws {
        let folders = try FileManager.default.contentsOfDirectory(atPath: Self.corpus.path)
        #expect(folders.sorted() == FuzzTarget.all.map(\.name).sorted())
        let files = try FuzzTarget.all.flatMap { try Self.inputs(of: $0) }
        let sizes = try files.map { try $0.resourceValues(forKeys: [.fileSizeKey]).fileSize ?? 0 }
        #expect(sizes.reduce(0, +) < 2 << 20)
    }
}
