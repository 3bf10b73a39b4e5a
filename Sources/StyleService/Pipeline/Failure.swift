import GRDB
import Glibc
import Leases
import LinuxFiles
import Photos
import Publishing
import StyleModels
import Stylizing

/// What an error means for the photo at hand.
enum Failure: Error {
    /// This photo cannot be done; the reason is for a person.
    case permanent(String)
    /// It may work later.
    case passing(String)
    /// Nothing can be written at present: by the ledger, or into the directory that the reason names.
    case blocked(String, isLedger: Bool = false)
    /// The service stops.
    case abandoned
    /// Another service has it now.
    case elsewhere

    init(_ error: any Error) {
        switch error {
        case let failure as Failure: self = failure
        case is TranslationAbandoned: self = .abandoned
        case is LeaseLost: self = .elsewhere
        case let error as DecisionUnreadable: self = .passing(error.description)
        case let error as PhotoError: self = Failure(error)
        case let error as SystemError: self = Failure(error)
        case let error as DatabaseError: self = Failure(error)
        case let error as ModelError: self = .passing(error.description)
        case let error as StylizingError: self = Failure(error)
        default: self = .permanent("\(error)")
        }
    }

    private init(_ error: PhotoError) {
        switch error.kind {
        case .outOfMemory, .io: self = .passing(error.advice)
        case .notAPhoto, .unsupported, .corrupt, .truncated, .overLimit: self = .permanent(error.advice)
        }
    }

    /// None of these is the photo's fault: it stays in its inbox until there is more memory, or another model.
    private init(_ error: StylizingError) {
        switch error {
        case .abandoned: self = .abandoned
        case .memoryBudgetTooSmall, .notFinite: self = .passing(error.description)
        }
    }

    private init(_ error: SystemError) {
        switch error.code {
        case _ where error.isOutputBlocked: self = .blocked(error.description)
        case EFBIG:
            self = .passing(
                "\(error.description): this process may write no file as large as that (ulimit -f, LimitFSIZE=)")
        case ENAMETOOLONG: self = .permanent("the path would become too long: \(error)")
        case ELOOP: self = .permanent("it is a symbolic link; links are not followed out of the inbox")
        default: self = .passing(error.description)
        }
    }

    private init(_ error: DatabaseError) {
        switch error.resultCode {
        // Also where another program holds it: a photo whose picture is published must not be put off and done again.
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY, .SQLITE_CANTOPEN, .SQLITE_BUSY, .SQLITE_LOCKED:
            self = .blocked("the ledger cannot be written: \(error)", isLedger: true)
        default: self = .passing("the ledger: \(error)")
        }
    }
}
