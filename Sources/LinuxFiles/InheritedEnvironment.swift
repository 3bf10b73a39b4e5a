import Glibc

/// What a program is started with that would end it later, put right: to be called first thing in both programs.
package enum InheritedEnvironment {
    /// Descriptors 0 to 2 that are closed become /dev/null: the next files to be opened would else get these numbers,
    /// and log lines be written into them. A file that grows over `ulimit -f` is an error (EFBIG) like any other and no
    /// end by SIGXFSZ.
    package static func prepare() {
        signal(SIGXFSZ, SIG_IGN)
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) == -1 && errno == EBADF {
            // The lowest number that is free is this one.
            _ = open("/dev/null", descriptor == STDIN_FILENO ? O_RDONLY : O_WRONLY)
        }
    }
}

/// Writes on standard error, which may be closed, full, or a pipe that nobody reads any more: what cannot be said is
/// not said, and the program goes on.
package func writeStandardError(_ text: String) {
    // A pipe without a reader would end the program by SIGPIPE, which a program that writes pictures does not deserve.
    var pipe = sigset_t(), before = sigset_t(), pending = sigset_t()
    sigemptyset(&pipe)
    sigaddset(&pipe, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &pipe, &before)
    sigpending(&pending)
    let wasPending = sigismember(&pending, SIGPIPE) == 1
    do {
        try Array(text.utf8).withUnsafeBytes { try Files.write($0, to: STDERR_FILENO) }
    } catch let error as SystemError where error.code == EPIPE && !wasPending {
        var none = timespec()
        _ = try? retrying("take a signal") { sigtimedwait(&pipe, nil, &none) }
    } catch {}
    pthread_sigmask(SIG_SETMASK, &before, nil)
}
