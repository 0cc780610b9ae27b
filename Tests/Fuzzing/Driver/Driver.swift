import Foundation
import TearoffFuzzing

/// Fuzzes a target with libFuzzer, where that is linked (./tools/fuzz); in every other build it only has its commands.
@main
enum Driver {
    static func main() {
        if Commands.run(Array(CommandLine.arguments.dropFirst())) { return }
        #if TEAROFF_LIBFUZZER
            var count = CommandLine.argc
            var words: UnsafeMutablePointer? = unsafe CommandLine.unsafeArgv
            // SAFETY: the arguments are those of the process, and live as long as it.
            exit(unsafe runLibFuzzer(&count, &words, Target.run))
        #else
            print("tearoff-fuzz list; tearoff-fuzz seeds REPOSITORY DIRECTORY; to fuzz: ./tools/fuzz")
            exit(64)
        #endif
    }
}

#if TEAROFF_LIBFUZZER

    private typealias Words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?

    @_silgen_name("LLVMFuzzerRunDriver")
    private func runLibFuzzer(
        _ count: UnsafeMutablePointer<CInt>, _ words: UnsafeMutablePointer<Words>,
        _ body: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt

    /// What libFuzzer calls for each input.
    private enum Target {
        static let target: FuzzTarget = {
            let name = ProcessInfo.processInfo.environment["TEAROFF_FUZZ_TARGET"] ?? ""
            guard let target = FuzzTarget.named(name) else { fatalError("TEAROFF_FUZZ_TARGET names no target") }
            return target
        }()

        static let run: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt = { bytes, count in
            // SAFETY: libFuzzer lends so many bytes for the call; they are copied at once.
            let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
            do throws(FuzzFinding) {
                try target.run(input)
            } catch {
                fatalError("\(target.name): \(error)")
            }
            return 0
        }
    }

#endif

/// What the driver does beside fuzzing.
enum Commands {
    /// - Returns: false when the words are none of its own.
    static func run(_ words: [String]) -> Bool {
        switch (words.first, words.count) {
        case ("list", 1):
            for target in FuzzTarget.all { print(target.name, target.bytesMax) }
        case ("seeds", 3):
            do {
                try write(Seeds(repository: URL(filePath: words[1])), to: URL(filePath: words[2]))
            } catch {
                fatalError("the seeds cannot be written: \(error)")
            }
        default: return false
        }
        return true
    }

    /// The inputs that a corpus begins with, in a folder for each target.
    private static func write(_ seeds: Seeds, to directory: URL) throws {
        for (target, inputs) in seeds.inputs {
            let folder = directory.appending(path: target)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            for (number, input) in inputs.enumerated() {
                try Data(input).write(to: folder.appending(path: "seed-\(number)"))
            }
        }
    }
}
