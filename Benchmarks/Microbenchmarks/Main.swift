import Foundation

/// Measures the stages of the work one by one: `Benchmarks/README.md`, "Microbenchmarks".
///
///     Microbenchmarks --names          the stages whose instructions can be counted
///     Microbenchmarks --count NAME     counts one of them; under valgrind only
///     Microbenchmarks --time NAME      times any stage, roughly and without a library
///
/// Anything else is for ordo-one's Benchmark, which is part of the program when it was built with
/// `--traits Microbenchmarks`.
@main
enum Main {
    static func main() async {
        let arguments = Array(CommandLine.arguments.dropFirst())
        switch (arguments.first, arguments.count) {
        case ("--names", 1): print(Counting.names.joined(separator: "\n"))
        case ("--count", 2): count(arguments[1])
        case ("--time", 2): time(arguments[1])
        default: await time()
        }
    }

    private static func count(_ name: String) {
        do {
            print(try Counting.run(name), "operations")
        } catch {
            fail("\(error)")
        }
    }

    private static func time(_ name: String) {
        do {
            print(try Stopwatch.run(name))
        } catch {
            fail("\(error)")
        }
    }

    private static func time() async {
        #if Microbenchmarks
            await Timing.run()
        #else
            fail("usage: Microbenchmarks --names | --count NAME | --time NAME")
        #endif
    }

    private static func fail(_ problem: String) {
        FileHandle.standardError.write(Data("Microbenchmarks: \(problem)\n".utf8))
        exit(1)
    }
}
