import Weights

/// What went wrong, in the words of this program: remedies are its commands and options.
func errorText(_ error: any Error) -> String {
    guard let error = error as? WeightsError else { return "\(error)" }
    return error.naming { remedy in
        switch remedy {
        case .published(let name): "'cyclegan-style weights fetch \(name)'"
        case .network(let name): "--network \(name)"
        case .dimensions(let count): "--dims \(count)"
        }
    }.description
}
