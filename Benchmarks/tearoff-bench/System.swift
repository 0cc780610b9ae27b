import CEpoll
import Glibc

/// The system calls of the generator; nothing else here touches a descriptor or a raw pointer.
enum System {
    /// Nanoseconds of the monotonic clock.
    static func now() -> UInt64 {
        var time = timespec()
        // SAFETY: the call fills the struct that it is given.
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// User and system time of the calling thread so far.
    static func threadCPUNanoseconds() -> UInt64 {
        var time = timespec()
        // SAFETY: the call fills the struct that it is given.
        unsafe clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }

    /// Wakes the calling thread as near to the asked moment as the system can, not up to 50 µs after it.
    static func sharpenTimers() { tearoff_set_timer_slack(1) }

    /// Allows as many descriptors as the hard limit does.
    static func raiseDescriptorLimit() {
        var limit = rlimit()
        // SAFETY: both calls use the struct that they are given.
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// What a system call refused.
struct SystemFailure: Error, CustomStringConvertible {
    let call: String
    let reason: String
    var description: String { "\(call): \(reason)" }

    init(_ call: String, reason: String) {
        self.call = call
        self.reason = reason
    }

    /// Of the call that just failed.
    static func last(_ call: String) -> SystemFailure {
        // SAFETY: the text is copied before anything else can replace it.
        SystemFailure(call, reason: unsafe String(cString: strerror(errno)))
    }
}

/// A TCP connection: blocking until ``becomeNonBlocking()``.
final class Socket: Sendable {
    fileprivate let descriptor: CInt

    private init(descriptor: CInt) { self.descriptor = descriptor }

    deinit { _ = close(descriptor) }

    /// How long connecting and authenticating wait for the other side.
    private static let patienceSeconds = 10

    /// - Throws: what the last of the host's addresses said.
    static func connect(host: String, port: Int) throws(SystemFailure) -> Socket {
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        // SAFETY: the strings live during the call; the list is freed below and not used after that.
        let code = unsafe getaddrinfo(host, String(port), &hints, &found)
        defer { unsafe freeaddrinfo(found) }
        guard code == 0 else {
            throw SystemFailure("getaddrinfo", reason: unsafe String(cString: gai_strerror(code)))
        }
        var failure = SystemFailure("getaddrinfo", reason: "no address")
        var next = unsafe found
        while let address = unsafe next {
            do throws(SystemFailure) {
                return try unsafe open(address.pointee)
            } catch {
                failure = error
            }
            unsafe next = address.pointee.ai_next
        }
        throw failure
    }

    private static func open(_ address: addrinfo) throws(SystemFailure) -> Socket {
        let type = unsafe address.ai_socktype | CInt(SOCK_CLOEXEC.rawValue)
        let descriptor = unsafe socket(address.ai_family, type, 0)
        guard descriptor >= 0 else { throw .last("socket") }
        let result = Socket(descriptor: descriptor)
        var patience = timeval(tv_sec: patienceSeconds, tv_usec: 0)
        var one: CInt = 1
        let patienceBytes = socklen_t(MemoryLayout<timeval>.size)
        // SAFETY: each value outlives its call, with its own size.
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, patienceBytes)
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, patienceBytes)
        unsafe setsockopt(
            descriptor, CInt(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<CInt>.size))
        guard unsafe Glibc.connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 else {
            throw .last("connect")
        }
        return result
    }

    func becomeNonBlocking() throws(SystemFailure) {
        let flags = fcntl(descriptor, F_GETFL)
        guard flags >= 0, fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0 else { throw .last("fcntl") }
    }

    /// - Returns: how many bytes were taken; 0 when there is no room now.
    func send(_ bytes: Span<UInt8>) throws(SystemFailure) -> Int {
        while true {
            // SAFETY: the pointer is used inside the scope, with its own count.
            let count = unsafe bytes.withUnsafeBytes { source in
                unsafe Glibc.send(descriptor, source.baseAddress, source.count, CInt(MSG_NOSIGNAL))
            }
            if count >= 0 { return count }
            if errno == EAGAIN { return 0 }
            guard errno == EINTR else { throw .last("send") }
        }
    }

    /// - Returns: how many bytes are there now; 0 at the end of the stream, nil when nothing is there.
    func receive(into buffer: inout [UInt8]) throws(SystemFailure) -> Int? {
        while true {
            // SAFETY: the pointer is used inside the scope, with its own count.
            let count = unsafe buffer.withUnsafeMutableBytes { target in
                unsafe recv(descriptor, target.baseAddress, target.count, 0)
            }
            if count >= 0 { return count }
            if errno == EAGAIN { return nil }
            guard errno == EINTR else { throw .last("recv") }
        }
    }
}

/// Tells which sockets can go on. Edge-triggered: each is registered once, and no call changes that.
final class Poller: Sendable {
    private let descriptor: CInt

    init() throws(SystemFailure) {
        descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
        if descriptor < 0 { throw .last("epoll_create1") }
    }

    deinit { if descriptor >= 0 { _ = close(descriptor) } }

    /// What one wait found, of a thread that waits again and again.
    @safe struct Events {
        private static let countMax = 512
        fileprivate var storage = unsafe [epoll_event](repeating: epoll_event(), count: countMax)
        fileprivate(set) var count = 0

        struct Readiness {
            let index: Int
            let canRead: Bool
            let canWrite: Bool
        }

        subscript(number: Int) -> Readiness {
            precondition(number < count, "event \(number) of \(count)")
            // SAFETY: the kernel filled the struct; `add` stored this member of the union.
            let (flags, index) = unsafe (storage[number].events, storage[number].data.u64)
            // Errors and ends are found out by reading.
            return Readiness(
                index: Int(index), canRead: flags & ~EPOLLOUT.rawValue != 0,
                canWrite: flags & EPOLLOUT.rawValue != 0)
        }
    }

    /// - Parameter index: what the events call the socket.
    func add(_ socket: Socket, index: Int) throws(SystemFailure) {
        let flags = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
        // SAFETY: the call reads the struct that it is given; an index is no pointer.
        var event = unsafe epoll_event(events: flags, data: epoll_data_t(u64: UInt64(index)))
        guard unsafe epoll_ctl(descriptor, EPOLL_CTL_ADD, socket.descriptor, &event) == 0 else {
            throw .last("epoll_ctl")
        }
    }

    /// Waits for sockets, or for the time to pass. A signal may end it with nothing.
    func wait(nanoseconds: UInt64, _ events: inout Events) throws(SystemFailure) {
        var time = timespec(
            tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
        // SAFETY: the array has room for as many events as are asked for, and its pointer stays in the scope.
        let count = unsafe events.storage.withUnsafeMutableBufferPointer { buffer in
            guard let address = buffer.baseAddress else { return CInt(0) }
            return unsafe epoll_pwait2(descriptor, address, CInt(buffer.count), &time, nil)
        }
        events.count = max(0, Int(count))
        guard count >= 0 || errno == EINTR else { throw .last("epoll_pwait2") }
    }
}
