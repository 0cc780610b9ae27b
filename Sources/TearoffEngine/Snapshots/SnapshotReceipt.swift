import TearoffCore

/// What a written snapshot came to.
package struct SnapshotReceipt: Equatable, Sendable {
    package let number: UInt64
    /// Bytes of the blobs and the manifest that were new.
    package let bytesWritten: UInt64
    package let milliseconds: UInt64
    /// Allocations in it.
    package let rows: UInt64
}
