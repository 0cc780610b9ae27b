/// The lists and campaigns that an account is limited to.
package struct Reach: Hashable, Sendable {
    /// A name, or with `*` at its end all names that begin so. None of them: every name.
    package let lists: [String]
    package let campaigns: [String]

    package static let everything = Reach(lists: [], campaigns: [])

    package init(lists: [String], campaigns: [String]) {
        self.lists = lists
        self.campaigns = campaigns
    }

    package func reaches(list name: String) -> Bool { Self.isMatched(name, by: lists) }

    /// Its name must be reached, and that of the list that it draws from first: codes of that list are what it gives.
    ///
    /// - Parameter list: that list's name; nil when there is no such campaign, so that the name alone decides.
    package func reaches(campaign name: String, of list: String?) -> Bool {
        Self.isMatched(name, by: campaigns) && (list.map { reaches(list: $0) } ?? true)
    }

    private static func isMatched(_ name: String, by patterns: [String]) -> Bool {
        patterns.isEmpty
            || patterns.contains { pattern in
                pattern.utf8.last == UInt8(ascii: "*")
                    ? name.utf8.starts(with: pattern.utf8.dropLast()) : name == pattern
            }
    }
}

extension Reach {
    package func reaches(_ list: List) -> Bool { reaches(list: list.name) }

    package func reaches(_ campaign: Campaign, in catalog: Catalog) -> Bool {
        reaches(campaign: campaign.name, of: catalog[campaign.list].name)
    }
}
