import TearoffCore
package import TearoffLog

extension Operator {
    /// Makes the place for a backup, new and empty.
    package typealias MakePlace = @Sendable () throws(BackupError) -> any BlobStore

    /// Writes a snapshot, and copies of it what is needed to restore it.
    ///
    /// - Parameters:
    ///   - name: what the backup is called.
    ///   - version: of the server, for people.
    ///   - done: called on some thread.
    package func backup(
        _ name: String, to makePlace: @escaping MakePlace, version: String,
        done: @escaping @Sendable (Result<BackupReceipt, ControlError>) -> Void
    ) {
        let (control, snapshots) = (control, control.snapshots)
        // Claimed to the very end: no later snapshot may remove what is still to be copied.
        guard snapshots.start() else { return done(.failure(.busy)) }
        let host = control.engine.host
        let started = host.wallMilliseconds()
        let finish: @Sendable (Result<BackupReceipt, ControlError>) -> Void = { result in
            snapshots.end()
            done(result)
        }
        let act = Act(.backup, object: name, after: "snapshot=\(snapshots.latestNumber + 1)")
        note(act) { result in
            if case .failure(let error) = result { return finish(.failure(error)) }
            // Before the snapshot, which would be for nothing.
            let place: any BlobStore
            do throws(BackupError) {
                place = try makePlace()
            } catch {
                return finish(.failure(.backup(error)))
            }
            control.writeSnapshot { result in
                switch result {
                case .failure(let error): finish(.failure(error))
                case .success(let receipt):
                    host.background {
                        do throws(StorageError) {
                            let copied = try snapshots.copy(
                                receipt.number, to: place, version: version,
                                milliseconds: {
                                    host.wallMilliseconds() - min(started, host.wallMilliseconds())
                                })
                            finish(.success(copied))
                        } catch {
                            finish(.failure(.backup(.cutShort(name, error))))
                        }
                    }
                }
            }
        }
    }
}

extension SnapshotDesk {
    /// Copies a snapshot with its blobs, and then says that it is whole.
    ///
    /// - Precondition: the desk is claimed, so that nothing of it is removed meanwhile.
    func copy(
        _ number: UInt64, to place: any BlobStore, version: String, milliseconds: () -> UInt64
    ) throws(StorageError) -> BackupReceipt {
        let name = Self.name(of: number)
        guard let manifest = try manifest(number) else {
            throw StorageError(.read, file: "snapshots/\(name)", problem: .damaged)
        }
        let bytes = try blobs.readNamed(name)
        var (byteCount, linked) = (UInt64(bytes.count), 0)
        let needed = manifest.blobs.sorted { $0.description < $1.description }
        for blob in needed {
            if try place.link(blob, from: blobs) {
                byteCount += try place.byteCount(blob)
                linked += 1
            } else {
                byteCount += try place.copy(blob, from: blobs)
            }
        }
        try place.writeNamed(name, bytes)
        let hasher = makeHasher()
        hasher.update(bytes.span)
        let label = BackupLabel(
            directory: manifest.directory, shardCount: UInt16(manifest.shards.count), snapshot: number,
            manifest: place.publicHash(of: hasher.finish()), at: manifest.at, blobCount: needed.count,
            byteCount: byteCount, serverVersion: version, isEncrypted: place.isEncrypted)
        try place.writeNamed(BackupLabel.file, label.encoded)
        return BackupReceipt(
            snapshot: number, at: manifest.at, blobs: needed.count, linked: linked, byteCount: byteCount,
            milliseconds: milliseconds())
    }
}
