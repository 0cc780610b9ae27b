/// The one file that says which warnings are still to be sent. Real: `DirectoryDeliveryStorage`. Tests:
/// `SimulatedDeliveryStorage`.
package protocol DeliveryStorage: Sendable {
    /// nil: there is none.
    func read() throws(StorageError) -> [UInt8]?

    /// Puts these bytes in the place of all that was there, or leaves that as it is; durable on return.
    func replace(_ bytes: [UInt8]) throws(StorageError)

    /// Keeps for people what cannot be read.
    func setAside() throws(StorageError)
}
