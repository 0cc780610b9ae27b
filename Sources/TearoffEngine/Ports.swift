/// How the engine reaches an event loop from another thread.
package struct LoopPort: Sendable {
    /// Runs `body` on the loop with its engine, and then ends a tick: what the body put into the batch is
    /// committed.
    package let execute: @Sendable (@escaping @Sendable (LoopEngine) -> Void) -> Void

    package init(execute: @escaping @Sendable (@escaping @Sendable (LoopEngine) -> Void) -> Void) {
        self.execute = execute
    }
}

/// How the engine reaches the loop of the control plane.
package struct ControlPort: Sendable {
    package let execute: @Sendable (@escaping @Sendable (ControlPlane) -> Void) -> Void
    /// Has ``ControlPlane/finishExpired()`` called on that loop when the clock reaches `milliseconds`;
    /// replaces an earlier wish; nil: not at all.
    package let scheduleExpiry: @Sendable (_ milliseconds: UInt64?) -> Void

    package init(
        execute: @escaping @Sendable (@escaping @Sendable (ControlPlane) -> Void) -> Void,
        scheduleExpiry: @escaping @Sendable (_ milliseconds: UInt64?) -> Void
    ) {
        self.execute = execute
        self.scheduleExpiry = scheduleExpiry
    }
}
