import ArgumentParser
import LinuxFiles
import Retraining

/// Makes the file that lets the service train a model on warmly.
struct ModelsTrainingState: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "training-state",
        abstract: "Keep of a training's checkpoint what a later training needs beside the model.",
        discussion: """
            The way back and the discriminators, in float16. Beside a model NAME.safetensors the service looks for \
            NAME.training.safetensors; without it a fine-tuning begins with those networks from nothing.
            """)

    @Option(name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "NAME.training.safetensors"))
    var output: String
    @Argument(help: "A checkpoint of 'train'.", completion: .file(extensions: ["safetensors"])) var checkpoint: String

    func run() throws {
        try reporting {
            try TrainingState.write(checkpoint, to: BytePath(output))
            print(output)
        }
    }
}
