import TearoffCore
import TearoffLog

extension UploadDesk {
    /// Makes an upload the only supply of its list.
    ///
    /// All that takes long is done while the list still gives codes: users get some of them meanwhile. Then the list
    /// stands still, what they got is left out of the upload, and it takes the place of the others.
    ///
    /// - Parameter earlier: all uploads of the list; none can come meanwhile, since commits come one after the other.
    func replace(
        _ earlier: [Upload], by upload: JudgedUpload, done: @escaping CommitDone
    ) throws(StorageError) {
        var (upload, taken) = (upload, TakenCodes(of: earlier))
        guard upload.leaveOut(taken.look(in: upload.run)) else {
            return done(.success(upload.order.outcome(.refused, upload.session.counts)))
        }
        let blob = try write(upload.run)
        port.execute { [self, upload, taken] control in
            control.freeze(upload.order.list) { [self] frozen in
                switch frozen {
                case .success(let list):
                    engine.host.background { [self] in
                        replaceFrozen(list, by: upload, blob: blob, taken, done: done)
                    }
                case .failure(let error):
                    end(upload.order.id)
                    done(.failure(error))
                }
            }
        }
    }

    /// - Parameters:
    ///   - list: its uploads are frozen, so nobody gets one of their codes any more.
    ///   - taken: has looked through the run.
    private func replaceFrozen(
        _ list: ListID, by upload: JudgedUpload, blob: BlobID, _ taken: TakenCodes, done: @escaping CommitDone
    ) {
        var (upload, blob, taken) = (upload, blob, taken)
        do throws(StorageError) {
            let late = taken.look(in: upload.run)
            guard upload.leaveOut(late) else {
                let outcome = upload.order.outcome(.refused, upload.session.counts)
                return port.execute { control in control.thaw(list) { done(.success(outcome)) } }
            }
            if !late.isEmpty { blob = try write(upload.run) }
        } catch {
            end(upload.order.id)
            return port.execute { control in control.thaw(list) { done(.failure(.storage(error))) } }
        }
        port.execute { [self, upload, blob] control in
            let addition = Addition(upload, blob: blob)
            control.changeFrozen(
                list, by: upload.order.origin,
                { catalog, now throws(CatalogError) in try addition.decide(catalog, now) },
                done: { [self] result in done(outcome(of: addition, result)) })
        }
    }
}
