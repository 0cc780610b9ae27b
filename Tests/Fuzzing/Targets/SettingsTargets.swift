import TearoffServer
import TearoffSettings

/// What an operator writes: the settings in a file, in flags and in the environment.
enum SettingsTargets {
    static let all = [FuzzTarget("config", bytesMax: 1_024, run: config)]

    /// Goal: settings are refused, or are within their bounds, wherever they were said. The input is a file; or each of
    /// its lines is a flag, or a variable and its value.
    @Sendable private static func config(_ input: [UInt8]) throws(FuzzFinding) {
        guard let options = FuzzOptions(input) else { return }
        let lines = options.body.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        let reader =
            switch options.number(bits: 0..<2) {
            case 0, 1:
                try? SettingsReader(
                    arguments: ["tearoffd", "--config", "fuzzed.json"], environment: [:],
                    readFile: { _ in options.body })
            case 2: try? SettingsReader(arguments: ["tearoffd"] + lines, environment: [:])
            default: try? SettingsReader(arguments: ["tearoffd"], environment: variables(lines))
            }
        guard let reader else { return }
        _ = try? reader.logLevel
        guard let settings = try? reader.settings() else { return }
        try FuzzFinding.expect((1...256).contains(settings.loopCount), "\(settings.loopCount) threads")
        try FuzzFinding.expect((0...65_535).contains(settings.port), "port \(settings.port)")
        try FuzzFinding.expect((64 << 10...4 << 30).contains(settings.segmentBytes), "\(settings.segmentBytes) bytes")
        try FuzzFinding.expect(settings.segmentBytes % 4_096 == 0, "a segment of \(settings.segmentBytes) bytes")
        try FuzzFinding.expect(settings.connectionsMaximum > 0, "\(settings.connectionsMaximum) connections")
    }

    private static func variables(_ lines: [String]) -> [String: String] {
        var variables: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            variables["TEAROFF_" + parts[0]] = parts.count > 1 ? parts[1] : ""
        }
        return variables
    }
}
