/// A blob holds an upload's codes in order, each followed by a newline: `docs/FORMAT.md`, "Blobs".
extension CodeRun {
    /// Appends the blob bytes of one strip to `output`, so that a large run can be written in bounded pieces.
    package func appendBlob(ofStrip index: Int, to output: inout [UInt8]) {
        let strip = strips[index]
        for position in 0..<strip.count {
            strip.withCode(at: position) { code in
                output.append(code)
            }
            output.append(0x0A)
        }
    }
}
