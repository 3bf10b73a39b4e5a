import CLocaleData
import ServiceConfiguration
import cyclegan_style
import cyclegan_styled

// What is installed is this one program under two names: together the two would have Swift's libraries twice.
if ProgramName.isCommandLine(CommandLine.arguments.first ?? "") {
    CycleGANStyle.main()
} else {
    CycleGANStyled.main()
}
