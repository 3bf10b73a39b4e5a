// Takes the background role and then does as it is told: background-victim PARENT WHAT [BYTES]
import BackgroundProcess
import Glibc

/// At once, also where the end comes without a warning.
func say(_ text: Any) {
    let line = Array("\(text)\n".utf8)
    _ = write(STDOUT_FILENO, line, line.count)
}

let arguments = CommandLine.arguments
if arguments[1] == "parent" {
    // Starts one like itself, says which, and waits to be killed.
    let child = try BackgroundProcess(
        program: "/proc/self/exe", arguments: [String(getpid()), "wait"], output: "/dev/null")
    say(child.process)
    while true { pause() }
}
var limit: Int?
if arguments.count > 3 { limit = Int(arguments[3]) }
do {
    let refused = try BackgroundRole.assume(parent: pid_t(arguments[1])!, memoryLimit: limit)
    for line in refused { say("refused: \(line)") }
} catch {
    say(error)
    exit(3)
}
switch arguments[2] {
case "wait":
    say("ready")
    while true { pause() }
case "ignore":
    signal(SIGTERM, SIG_IGN)
    say("ready")
    while true { pause() }
case "allocate":
    var size = 0
    // By the kernel itself: an optimiser leaves out allocations that nothing uses.
    while size < 1 << 30, mmap(nil, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED {
        size += 1 << 20
    }
    say(size)
case "count":
    say("ready")
    var count = 0
    while true {
        usleep(10_000)
        count += 1
        say(count)
    }
case "fail": exit(7)
default: exit(64)
}
