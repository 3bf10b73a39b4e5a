import CLinux
import Foundation
import Glibc
import LinuxFiles
import Publishing
import ServiceControl
import Synchronization
import Threads

/// Listens on the control socket; every connection is answered on a thread of its own.
final class ControlServer: Sendable {
    private static let mostConnections = 16
    private let path: BytePath
    private let socket: Descriptor
    private let answer: @Sendable (ControlRequest, pid_t) -> ControlReply
    private let connections = Atomic<Int>(0)
    private let isStopping = Atomic<Bool>(false)
    private let thread = Mutex<WorkerThread?>(nil)

    /// A socket that an earlier run left is replaced: whoever holds the state directory's lock is the only service
    /// there.
    ///
    /// - Parameter answer: gets the request and the process that asks, 0 for one outside this namespace.
    init(_ path: BytePath, answer: @escaping @Sendable (ControlRequest, pid_t) -> ControlReply) throws {
        self.path = path
        self.answer = answer
        var address = try ControlSocket.address(path)
        try Files.makeDirectory(path.parent)
        try Files.unlinkIfPresent(path)
        socket = try ControlSocket.newSocket(path)
        let descriptor = socket.raw
        try retrying("listen at", path) {
            withUnsafePointer(to: &address) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        try Files.setMode(path, 0o660)
        try retrying("listen at", path) { listen(descriptor, 16) }
    }

    /// - Throws: `SystemError` where no more threads may be started.
    func start() throws {
        let started = try WorkerThread("control") { self.acceptConnections() }
        thread.withLock { $0 = started }
    }

    private func acceptConnections() {
        while !isStopping.load(ordering: .acquiring) {
            let descriptor: CInt
            do { descriptor = try retrying("accept", path) { accept(socket.raw, nil, nil) } } catch let error
                as SystemError
            {
                if error.code == ECONNABORTED { continue }
                guard [EMFILE, ENFILE, ENOMEM].contains(error.code) else { return }
                sleep(1)
                continue
            } catch { return }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            let isWelcome = connections.add(1, ordering: .relaxed).newValue <= Self.mostConnections
            let thread = isWelcome ? try? WorkerThread("control answer") { self.serveAndClose(descriptor) } : nil
            if thread == nil { end(descriptor) }
        }
    }

    private func serveAndClose(_ connection: CInt) {
        serve(connection)
        end(connection)
    }

    private func end(_ connection: CInt) {
        close(connection)
        connections.subtract(1, ordering: .relaxed)
    }

    private func serve(_ connection: CInt) {
        ControlSocket.setTimeout(connection, seconds: 10)
        guard let line = ControlSocket.readLine(connection, limit: ControlSocket.longestRequest) else { return }
        let reply: ControlReply
        do {
            reply = answer(
                try ControlJSON.decoder().decode(ControlRequest.self, from: Data(line)), CLinux_peerProcess(connection))
        } catch {
            reply = .failure("not a request that this service understands")
        }
        guard let bytes = try? ControlJSON.encoder().encode(reply) else { return }
        _ = ControlSocket.send(bytes + [UInt8(ascii: "\n")], to: connection)
    }

    func stop() {
        isStopping.store(true, ordering: .releasing)
        // Wakes the thread that waits in accept.
        shutdown(socket.raw, Int32(SHUT_RDWR))
        thread.withLock { $0 }?.join()
        try? Files.unlinkIfPresent(path)
    }
}
