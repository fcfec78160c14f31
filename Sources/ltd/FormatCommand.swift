import ArgumentParser
import Console

/// `ltd fmt PATH …`: the one layout of scripts.
struct FormatCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "fmt", _superCommandName: "ltd", abstract: "Lay scripts out in the one standard way.")

  @OptionGroup var common: CommonOptions

  @Flag(help: "Change nothing; name the files that would change, and end with status 1 if there are any.")
  var check = false

  @Argument(help: ArgumentHelp("Scripts, or folders of them; - is standard input.", valueName: "path"))
  var paths: [String]

  func status() throws -> Int32 {
    let runner = Runner(options: common.runnerOptions, stop: Interrupts.signal)
    return try scripts(at: paths, includingHidden: true).reduce(ExitStatus.success) { worst, path in
      max(worst, runner.formatFile(path, check: check))
    }
  }
}
