/// Encodes commands as RESP arrays of bulk strings, one after the other, for the client's side.
package struct CommandWriter: Sendable {
    /// The commands not yet taken away by the caller.
    package var bytes: [UInt8] = []

    package init() {}

    package mutating func removeAll(keepingCapacity: Bool = true) {
        bytes.removeAll(keepingCapacity: keepingCapacity)
    }

    /// The head of a command; `argumentCount` arguments follow, its name the first.
    package mutating func begin(argumentCount: Int) {
        precondition(argumentCount > 0, "a command has a name")
        header(ASCII.asterisk, argumentCount)
    }

    package mutating func argument(_ value: Span<UInt8>) {
        header(ASCII.dollar, value.count)
        // SAFETY: the buffer is only read, and only inside the call.
        unsafe value.withUnsafeBufferPointer { unsafe bytes.append(contentsOf: $0) }
        lineEnd()
    }

    package mutating func argument(_ value: [UInt8]) { argument(value.span) }

    package mutating func argument(_ value: String) {
        header(ASCII.dollar, value.utf8.count)
        bytes.append(contentsOf: value.utf8)
        lineEnd()
    }

    /// A whole command of texts.
    package mutating func command(_ arguments: [String]) {
        begin(argumentCount: arguments.count)
        for argument in arguments { self.argument(argument) }
    }

    /// A whole command of any bytes.
    package mutating func command(_ arguments: [[UInt8]]) {
        begin(argumentCount: arguments.count)
        for argument in arguments { self.argument(argument) }
    }

    private mutating func header(_ type: UInt8, _ count: Int) {
        bytes.append(type)
        bytes.appendDecimal(UInt64(count))
        lineEnd()
    }

    private mutating func lineEnd() {
        bytes.append(ASCII.carriageReturn)
        bytes.append(ASCII.lineFeed)
    }
}
