import Foundation
import TearoffServer

/// The JSON file of settings, looked at before it is read: a misspelt name, or a value of another kind, must not be a
/// setting that silently is not made.
enum SettingsFile {
    /// All settings together take some kilobytes.
    private static let bytesMaximum = 1 << 20

    /// What stands behind a name.
    fileprivate enum Kind: Decodable {
        case toggle, number, text, other

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            if (try? value.decode(Bool.self)) != nil {
                self = .toggle
            } else if (try? value.decode(Int.self)) != nil {
                self = .number
            } else if (try? value.decode(String.self)) != nil {
                self = .text
            } else {
                self = .other
            }
        }
    }

    static func check(_ path: String) throws(SettingsReader.Failure) {
        let kinds: [String: Kind]
        do {
            let file = try FileHandle(forReadingFrom: URL(filePath: path))
            let content = try file.read(upToCount: bytesMaximum + 1) ?? Data()
            guard content.count <= bytesMaximum else { throw problem(path, "it has more than \(bytesMaximum) bytes") }
            kinds = try JSONDecoder().decode([String: Kind].self, from: content)
        } catch let failure as SettingsReader.Failure {
            throw failure
        } catch is DecodingError {
            throw problem(path, "it is not a JSON object")
        } catch {
            throw problem(path, error.localizedDescription)
        }
        for (name, kind) in kinds.sorted(by: { $0.key < $1.key }) {
            guard let option = Option.all.first(where: { $0.key == name }) else {
                throw problem(path, "there is no setting '\(name)'; see tearoffd --help")
            }
            if kind != option.value.kind { throw problem(path, "'\(name)' must be \(option.value.kind.words)") }
        }
    }

    private static func problem(_ path: String, _ what: String) -> SettingsReader.Failure {
        SettingsReader.Failure(code: .configuration, message: "cannot read the settings in \(path): \(what)")
    }
}

extension Option.Value {
    fileprivate var kind: SettingsFile.Kind {
        switch self {
        case .text, .choice: .text
        case .number: .number
        case .toggle: .toggle
        }
    }
}

extension SettingsFile.Kind {
    fileprivate var words: String {
        switch self {
        case .toggle: "true or false"
        case .number: "a whole number"
        case .text, .other: "a text"
        }
    }
}
