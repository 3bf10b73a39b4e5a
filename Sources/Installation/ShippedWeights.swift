import Foundation

/// Weights that come with the programs: found without a network, and wherever the programs were put.
package enum ShippedWeights: String, Sendable, CaseIterable {
    /// VGG16 up to conv3_3, by Oxford's Visual Geometry Group (the project's file NOTICE), in float16.
    case vgg16 = "vgg16-oxford-to-conv3_3.safetensors"

    /// The file; nil where it was not installed with the program.
    /// - Parameter program: the running program's folder.
    package func path(program: String? = ShippedWeights.programFolder) -> String? {
        Self.folders(program: program).map { $0 + "/" + rawValue }.first { FileManager.default.fileExists(atPath: $0) }
    }

    /// What came with the program before what the system has: beside the program's own folder, the build's resources.
    static func folders(program: String?) -> [String] {
        let system = "/usr/share/cyclegan-styled/weights"
        guard let program else { return [system] }
        let parent = (program as NSString).deletingLastPathComponent
        return [
            (parent == "/" ? "" : parent) + "/share/cyclegan-styled/weights",
            program + "/cyclegan-styled_Installation.resources/shipped", system,
        ]
    }

    package static let programFolder: String? = {
        let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return program.map { ($0 as NSString).deletingLastPathComponent }
    }()
}
