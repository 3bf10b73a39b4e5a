/// What the manual says of arguments beyond the parser's own help: a value for each as an example, and what kinds of
/// values there are. A test has the programs read every example.
package enum OptionExamples {
    /// The argument as it may be written on a command line.
    /// - Parameter command: its last word, as `translate`.
    static func example(_ argument: ToolDescription.Argument, of command: String) -> String {
        words(argument, of: command).map { $0.contains(" ") ? "\"\($0)\"" : $0 }.joined(separator: " ")
    }

    /// The same in words; a flag is its own example.
    package static func words(_ argument: ToolDescription.Argument, of command: String) -> [String] {
        if argument.kind == "flag" { return [argument.name] }
        guard let value = values["\(command) \(argument.name)"] ?? values[argument.name] else { return [] }
        return argument.kind == "positional" ? value.split(separator: " ").map(String.init) : [argument.name, value]
    }

    /// By the argument's name, or the command's and the argument's.
    static let values = [
        "export --output": "vangogh.pth", "import --output": "mine", "inference --output": "output.safetensors",
        "inception --output": "features.safetensors", "import file": "latest_net_G.pth", "evaluate --size": "256",
        "ablate --held-out": "10%",
        // Arguments without a name of their own, by what they stand for.
        "style": "vangogh", "sha256": "3f9a27c1", "model": "vangogh", "checkpoint": "run/checkpoints/last.safetensors",
        "training-state --output": "vangogh.training.safetensors", "retrain --mode": "finetune",
        "photo": "beach.jpg harbour.heic", "file": "beach.jpg", "files": "beach.jpg trip/harbour.jpg",
        "name|file": "vangogh", "weights": "vgg16",
        "keys": "settle quality", "dir": "run/",
        // Files and folders.
        "--config": "mine.yaml", "--photos": "photos/", "--paintings": "paintings/", "--pairs": "pairs.txt",
        "--run": "run/",
        "--replay-photos": "older/photos/", "--replay-paintings": "older/paintings/",
        "--init": "vangogh.training.safetensors",
        "--feature-weights": "vgg16.safetensors", "--original-model": "latest_net_G.safetensors",
        "--generated": "pictures/",
        "--reference": "paintings/", "--features": "inception.safetensors", "--back": "photos-again/",
        "--figure-photo": "photos/beach.jpg",
        "--output": "pictures/", "--list": "photos.txt", "--relative-to": "photos/", "--report": "report.jsonl",
        "--socket": "/run/cyclegan-styled/control.sock", "--model": "vangogh.safetensors",
        "--input": "input.safetensors",
        "--from": "vangogh",
        // Sizes and numbers.
        "--load-size": "286", "--crop-size": "128", "--sizes": "480,640", "--photo-sizes": "480,640",
        "--held-out": "10", "--replay": "0.3",
        "--leaky-slope": "0.01", "--base-channels": "32", "--residual-blocks": "6", "--discriminator-channels": "32",
        "--iterations": "8000",
        "--epochs": "200", "--minutes": "90", "--seed": "7", "--batch": "1", "--learning-rate": "0.0001",
        "--lambda-cycle": "10",
        "--lambda-identity": "0.5", "--pool-size": "50", "--semantic-weight": "1", "--style-weight": "2",
        "--style-end-weight": "1",
        "--style-clusters": "12", "--feature-adversarial-weight": "0.5", "--grain": "0.05", "--colour-weight": "10",
        "--lattice-weight": "1",
        "--identity-every": "4", "--ema": "0.999", "--gradient-clip": "10", "--checkpoint-every": "250",
        "--keep-checkpoints": "5",
        "--sample-every": "250", "--log-every": "10", "--dims": "768", "--scale": "512", "--crops": "4",
        "--size": "512x512", "--bootstrap": "1000", "--megabytes": "113",
        "--threads": "2", "--seeds": "3", "--repeat": "9", "--strength": "0.7", "--quality": "85", "--memory": "2G",
        "--max-pixels": "200M",
        "--max-side": "50000", "--max-file-bytes": "1G", "--max-chunk-bytes": "32M", "--max-chunks": "5000",
        "--max-scans": "500",
        "--shard": "3/8",
        "--spot-weight": "1", "--spike-weight": "1", "--content-weight": "0.5", "--budget": "4h",
        // Words.
        "--variant": "hybrid", "--upsampling": "resize", "--downsampling-padding": "reflection", "--skip": "colours",
        "--semantic-layer": "relu3_3",
        "--recipe": "painterly", "--stages": "2000 style-weight=2", "--diff-augment": "color,translation",
        "--style": "vangogh",
        "--trained-on": "my paintings", "--mode": "clean", "--activation": "leaky-relu:0.01", "--network": "G",
        "--inbox": "vangogh",
        "--url": "https://example.org/vgg16.pth", "--strokes": "fine", "--render": "original", "--format": "png",
        "--subsampling": "4:4:4",
        "--metadata": "none", "--truncated": "accept",
    ]

    /// What an argument takes, where the name of its value does not say it.
    static let typesByName = [
        "--strokes": "fine, medium, coarse, or a number from 0.25 to 4",
        "--render": "strokes, original or fit:PX", "--variant": "one of original, leaky-relu, semantic, hybrid",
        "--upsampling": "one of transposed, resize, bilinear", "--downsampling-padding": "zero or reflection",
        "--skip": "none or colours",
        "--semantic-layer": "one of relu1_2, relu2_2, relu3_3, relu4_3", "--held-out": "whole number, or a percentage",
        "--activation": "relu or leaky-relu:SLOPE", "--network": "name of a network in the file",
        "weights": "vgg16 or inception",
        "--trained-on": "text of one's own", "--recipe": "painterly",
    ]

    /// What the names of values stand for.
    static let types = [
        "length": "duration, or iterations as 20000it", "sha256": "hexadecimal digits", "checkpoint": "file",
        "NAME.training.safetensors": "file",
        "dir": "directory", "file": "file", "path": "file", "photo": "files", "n": "whole number", "px": "pixels",
        "px,px,...": "list of pixels", "p": "number from 0 to 1", "w": "number", "t": "minutes", "rate": "number",
        "slope": "number",
        "deviation": "number", "decay": "number", "norm": "number", "list": "list", "size": "size", "count": "count",
        "wxh": "width x height",
        "strength": "number from 0 to 1", "name": "name", "style": "name of a model, or file",
        "model": "name of a model, or file",
        "name|file": "name of a model, or file", "key": "key of an inbox", "url": "URL", "seed": "whole number",
        "threads": "whole number",
        "repeat": "whole number", "megabytes": "whole number", "quality": "whole number",
        "base-channels": "whole number",
        "residual-blocks": "whole number",
        "discriminator-channels": "whole number", "files": "files", "keys": "keys of the configuration",
        "i/n": "number of a task, and how many there are",
        "file|dir|-": "file, directory or -", "input": "file", "output": "file",
    ]
}
