package import TearoffCore
import TearoffLog

/// Lists whose codes leave the memory, or that go for good. Both are done while nobody is given a code of the list, so
/// that what takes the place of its strips knows all of their owners. Each `done` is called on the control loop, when
/// the change is durable and every loop has it.
extension Operator {
    /// Takes the text of an expired list's codes out of memory.
    package func archive(list: String, done: @escaping @Sendable (Result<Void, ControlError>) -> Void) {
        let engine = control.engine
        control.uploads.changeFreezing(list, by: origin, done: done) { catalog, now throws(CatalogError) in
            try catalog.decideArchive(list: list, held: engine.heldCount(of:), now: now)
        }
    }

    /// Removes a list and its campaigns, which are finished.
    package func delete(list: String, done: @escaping @Sendable (Result<Void, ControlError>) -> Void) {
        let engine = control.engine
        control.uploads.changeFreezing(list, by: origin, done: done) { catalog, now throws(CatalogError) in
            try catalog.decideDelete(
                list: list, held: engine.heldCount(of:), ledger: { engine.checkedLedgers(of: [$0])[0].ledger }, now: now
            )
        }
    }
}

extension UploadDesk {
    /// Makes a change of a list when no file is on its way into any: the rows of an import name owners of its strips, and
    /// no freeze keeps them from that.
    fileprivate func changeFreezing(
        _ name: String, by origin: Origin, done: @escaping @Sendable (Result<Void, ControlError>) -> Void,
        _ decide: @escaping @Sendable (Catalog, Timestamp) throws(CatalogError) -> [ControlRecord]
    ) {
        enqueue { [self] in
            port.execute { [self] control in
                control.changeFreezing(name, by: origin, decide) { [self] result in
                    commitNext()
                    done(result)
                }
            }
        }
    }

    /// Brings the codes of an archived list back into memory.
    ///
    /// - Parameter done: called on some thread; every loop has them by then, and that is durable.
    package func bringBack(
        _ name: String, by origin: Origin, done: @escaping @Sendable (Result<Void, ControlError>) -> Void
    ) {
        enqueue { [self] in
            let finish: @Sendable (Result<Void, ControlError>) -> Void = { [self] result in
                commitNext()
                done(result)
            }
            do throws(CatalogError) {
                let list = try engine.latestCatalog.checkReturn(list: name)
                engine.host.background { [self] in bringBack(list, by: origin, done: finish) }
            } catch {
                finish(.failure(.catalog(error)))
            }
        }
    }

    /// While it is away no upload can come to it, and nobody can be given or give back a code of it: so what is read
    /// now is right when the change is made, if the list is the same still.
    private func bringBack(
        _ list: List, by origin: Origin, done: @escaping @Sendable (Result<Void, ControlError>) -> Void
    ) {
        let codes: [UploadID: CodeRun]
        do throws(RecoveryError) {
            codes = try StoredCodes.read(list, from: blobs, seed: seed, workers: .one, progress: { _ in })
        } catch {
            return done(.failure(.unreadableCodes(error)))
        }
        port.execute { control in
            control.submit(
                ControlJob(
                    work: .change(by: origin) { catalog, now throws(CatalogError) in
                        guard try catalog.checkReturn(list: list.name).id == list.id else {
                            throw .noList(list.name)
                        }
                        return Proposal(records: [ControlRecord(.listReturned(list.id), at: now)], returned: codes)
                    },
                    done: { result in done(result.map { _ in }) }))
        }
    }
}
