import Weights

/// The networks in a checkpoint that are laid out as the original project's generator, under whatever name.
struct GeneratorCandidates {
    struct Candidate {
        /// The network's name in the checkpoint, such as `netG_A`; empty where the file holds it alone.
        let name: String
        /// Before the layers' numbers, with a dot at its end where it is not empty: `netG_A.model.`
        let prefix: String
    }

    /// Without wrappers -> as the file has it.
    let keys: [String: String]
    /// What was taken off the keys, in words.
    let notes: [String]
    /// By name.
    let all: [Candidate]

    /// Names that wrap a network without changing it.
    private static let wrappers: [(component: Substring, origin: String)] = [
        ("module", "DataParallel"), ("_orig_mod", "torch.compile"), ("_forward_module", "Lightning Fabric"),
        ("_fsdp_wrapped_module", "FullyShardedDataParallel"),
    ]

    /// Throws where two keys differ by a wrapper alone.
    init(_ file: WeightsFile) throws {
        var keys: [String: String] = [:], removed: Set<Substring> = []
        for key in file.tensors.keys where !Self.isOptimizer(key) {
            let parts = key.split(separator: ".", omittingEmptySubsequences: false)
            let kept = parts.filter { part in !Self.wrappers.contains { $0.component == part } }
            let own = kept.joined(separator: ".")
            guard keys.updateValue(key, forKey: own) == nil else {
                throw WeightsError(
                    path: file.path, "has \(quoted(own)) twice, with and without a prefix such as \"module.\"")
            }
            if kept.count < parts.count { removed.formUnion(parts) }
        }
        self.keys = keys
        notes = Self.wrappers.filter { removed.contains($0.component) }
            .map { "removed the prefix \"\($0.component).\" of \($0.origin)" }
        let prefixes = keys.compactMap { own, key -> String? in
            guard own == "1.weight" || own.hasSuffix(".1.weight"), Self.isFirstLayer(file.tensors[key]!.shape) else {
                return nil
            }
            return String(own.dropLast("1.weight".count))
        }
        all = prefixes.map { Candidate(name: Self.name(ofTrunk: $0), prefix: $0) }.sorted { $0.name < $1.name }
    }

    /// 7x7 from a colour picture: nothing else in such checkpoints begins like that at a number 1.
    private static func isFirstLayer(_ shape: [Int]) -> Bool { shape.count == 4 && shape[1...] == [3, 7, 7] }

    /// Adam's moments have their parameters' shapes.
    private static func isOptimizer(_ key: String) -> Bool { key.hasPrefix("adam.") || key.hasPrefix("optimizer") }

    /// `netG_A.model.` is the network `netG_A`: the original generator calls its layers `model`.
    private static func name(ofTrunk prefix: String) -> String {
        var parts = prefix.split(separator: ".")
        if parts.last == "model" { parts.removeLast() }
        return parts.joined(separator: ".")
    }

    /// The one that is asked for, or the only one.
    /// - Throws: `WeightsError` naming the choice, or what the file is instead.
    func choose(_ network: String?, of file: WeightsFile) throws -> Candidate {
        guard !all.isEmpty else { throw ForeignNetwork.refusal(of: file) }
        let names = all.map { $0.name.isEmpty ? "model" : $0.name }
        if let network {
            if let index = names.firstIndex(of: network) { return all[index] }
            throw WeightsError(
                path: file.path,
                "has no generator named \(quoted(network)); it has \(names.map(quoted).joined(separator: ", "))")
        }
        guard all.count == 1 else {
            let found = "\(all.count) generators, \(names.map(quoted).joined(separator: " and "))", first = names[0]
            throw WeightsError(path: file.path) { called in
                "holds \(found); choose the one that turns photos into paintings with \(called(.network(first)))"
            }
        }
        return all[0]
    }

    /// The candidate's own tensors, named as in the original project -> the file's keys.
    func tensors(of candidate: Candidate) -> [String: String] {
        var result: [String: String] = [:]
        // What lies beside the layers in the same network belongs to it and must be looked at.
        let network = candidate.name.isEmpty ? "" : candidate.name + "."
        let others = all.map(\.prefix).filter { $0 != candidate.prefix && $0.hasPrefix(network) }
        for (own, key) in keys where own.hasPrefix(network) && !others.contains(where: own.hasPrefix) {
            let isLayer = own.hasPrefix(candidate.prefix)
            result[isLayer ? "model." + own.dropFirst(candidate.prefix.count) : own] = key
        }
        return result
    }
}
