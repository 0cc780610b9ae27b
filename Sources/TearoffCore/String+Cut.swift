extension String {
    /// The text itself, or its beginning and `...`, in at most so many bytes.
    package func cut(toBytes maximum: Int) -> String {
        guard utf8.count > maximum else { return self }
        // A character that is cut through becomes another one of three bytes.
        return String(decoding: utf8.prefix(maximum - 6), as: UTF8.self) + "..."
    }
}
