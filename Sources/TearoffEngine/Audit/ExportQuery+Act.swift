import TearoffCore

extension ExportQuery {
    /// What an auditor reads: which codes leave the house.
    func act(in catalog: Catalog) -> Act {
        var fields = ["selection=\(selection)"]
        if let campaign { fields.append("campaign=\(catalog[campaign].name)") }
        if let after { fields.append("after=\(after.iso8601)") }
        if let until { fields.append("until=\(until.iso8601)") }
        fields.append("columns=\(columns.map(\.rawValue).joined(separator: ","))")
        // Last, since it may be long, and is cut then.
        if let since { fields.append("since=\(since.text)") }
        return Act(.exportBegin, object: catalog[list].name, after: fields.joined(separator: " "))
    }
}
