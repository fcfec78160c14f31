import ArgumentParser
import Console

/// `ltd doc [DIR]`: the reference manual.
struct DocumentationCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "doc", _superCommandName: "ltd",
    abstract: "Write the reference manual as Markdown files: tour, functions, modules.")

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The folder to write to.", valueName: "folder"))
  var folder = "docs"

  func status() throws -> Int32 {
    Runner(options: common.runnerOptions, stop: Interrupts.signal).writeManual(to: folder)
  }

  func validate() throws {
    if folder.isEmpty { throw ValidationError("the folder of ltd doc must not be empty") }
  }
}
