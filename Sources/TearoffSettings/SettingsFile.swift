import Foundation
import TearoffServer

/// The JSON file of settings, looked at before it is used: a misspelt name, or a value of another kind, must not be a
/// setting that silently is not made.
package enum SettingsFile {
    /// All settings together take some kilobytes.
    private static let bytesMaximum = 1 << 20

    /// What stands behind a name.
    enum Value: Decodable {
        case toggle(Bool), number(Int), text(String), other

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if let toggle = try? value.decode(Bool.self) {
                self = .toggle(toggle)
            } else if let number = try? value.decode(Int.self) {
                self = .number(number)
            } else if let text = try? value.decode(String.self) {
                self = .text(text)
            } else {
                self = .other
            }
        }

        /// nil: it is no setting's.
        var word: String? {
            switch self {
            case .toggle(let isOn): "\(isOn)"
            case .number(let number): "\(number)"
            case .text(let text): text
            case .other: nil
            }
        }
    }

    /// Reads a file, which may be larger than settings can be: that is for ``words(in:of:)`` to say.
    package static func read(_ path: String) throws(SettingsReader.Failure) -> [UInt8] {
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            return [UInt8](try file.read(upToCount: bytesMaximum + 1) ?? Data())
        } catch {
            throw problem(path, error.localizedDescription)
        }
    }

    /// - Returns: the settings by their keys, each of its option's kind, as the words that a flag would have.
    static func words(in content: [UInt8], of path: String) throws(SettingsReader.Failure) -> [String: String] {
        guard content.count <= bytesMaximum else { throw problem(path, "it has more than \(bytesMaximum) bytes") }
        guard let values = try? JSONDecoder().decode([String: Value].self, from: Data(content)) else {
            throw problem(path, "it is not a JSON object")
        }
        for (name, value) in values.sorted(by: { $0.key < $1.key }) {
            guard let option = Option.ofFile.first(where: { $0.key == name }) else {
                throw problem(path, "there is no setting '\(name)'; see tearoffd --help")
            }
            guard option.value.takes(value) else { throw problem(path, "'\(name)' must be \(option.value.words)") }
        }
        return values.compactMapValues(\.word)
    }

    private static func problem(_ path: String, _ what: String) -> SettingsReader.Failure {
        SettingsReader.Failure(code: .configuration, message: "cannot read the settings in \(path): \(what)")
    }
}

extension Option.Value {
    fileprivate func takes(_ value: SettingsFile.Value) -> Bool {
        switch (self, value) {
        case (.toggle, .toggle), (.number, .number), (.text, .text), (.choice, .text): true
        default: false
        }
    }

    fileprivate var words: String {
        switch self {
        case .toggle: "true or false"
        case .number: "a whole number"
        case .text, .choice: "a text"
        }
    }
}
