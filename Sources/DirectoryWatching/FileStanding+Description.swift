import LinuxFiles

extension FileStanding {
    /// A sentence's end for a person who asks what happened to a file.
    package var description: String {
        switch self {
        case .outside:
            "it does not lie in the watched directory"
        case .ignored(let name, let pattern):
            "the name \(name) matches the pattern \(pattern) of names that are left alone"
        case .excluded(let directory):
            "the directory \(directory) is excluded"
        case .nested:
            "directories inside the watched one are not watched"
        case .settling(let unchanged, let settle):
            "waited for: unchanged for \(seconds(unchanged)), complete after \(seconds(settle))"
        case .incomplete(let unchanged, let patience):
            "waited for: its end is missing; unchanged for \(seconds(unchanged)), given up waiting after "
                + "\(seconds(patience))"
        case .companion(let name, let unchanged):
            "waited for: \(name) beside it says that a download goes on; unchanged for \(seconds(unchanged))"
        case .empty:
            "waited for: it is empty"
        case .unreadable(let code):
            "waited for: it cannot be read (\(SystemError.reason(code)))"
        case .inUnreadable(let directory, let code):
            "the directory \(directory) cannot be read (\(SystemError.reason(code)))"
        case .refused(let reason):
            "refused: \(reason)"
        case .reported(let end):
            end == .missing ? "complete as far as can be told; its end is missing" : "complete"
        case .unseen:
            "not seen in the directory"
        }
    }

    private func seconds(_ duration: Duration) -> String {
        let tenths = duration / .seconds(1) * 10
        return "\(tenths.rounded() / 10) s"
    }
}
