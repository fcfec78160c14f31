import ArgumentParser
import Base
import Console

/// `ltd check FILE …`: every error that can be found without running.
struct CheckCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", _superCommandName: "ltd", abstract: "Report what is wrong in scripts without running them.")

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("Scripts, or folders of them; - is standard input.", valueName: "path"))
  var paths: [String]

  func status() throws -> Int32 {
    var worst = ExitStatus.success
    for path in try scripts(at: paths, includingHidden: true) {
      let status = Runner(options: common.runnerOptions, stop: Interrupts.signal).checkFile(path)
      worst = max(worst, status)
    }
    return worst
  }
}

/// The scripts that paths of the command line stand for: files as they are, folders with all `.ltd` files below them.
/// - Parameter includingHidden: with those whose names begin with `_`, which are for `import`.
func scripts(at paths: [String], includingHidden: Bool = false) throws -> [String] {
  try paths.flatMap { path in
    do throws(CoreError) {
      return try Folder.scripts(path, includingHidden: includingHidden)
    } catch {
      throw ValidationError(error.message)
    }
  }
}
