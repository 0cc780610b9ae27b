import CUring

/// What the process holds of the machine's memory.
package enum ProcessMemory {
    /// Gives freed memory back to the system, which the allocator would keep for later. Takes milliseconds.
    package static func trim() { tearoff_trim_memory() }
}
