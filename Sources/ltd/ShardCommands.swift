import ArgumentParser
import Console
import Runs

/// `ltd merge FOLDER`: the tables, plots and ledgers of a run whose shards have done their work.
struct MergeCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "merge", _superCommandName: "ltd",
    abstract: "Put together what the shards of a script have found.",
    discussion: """
      The script runs once more, finds all its shared work done, and prints, draws and writes what it would have without \
      shards. Cells that are missing are listed; then the exit status is 75.
      """)

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The folder that the shards share.", valueName: "folder"))
  var folder: String

  @Flag(name: .customLong("changed-script"), help: "The script has changed; take over what does not depend on it.")
  var acceptsScript = false

  func status() throws -> Int32 {
    Interrupts.heedRequestsToStop()
    return Runner(options: common.runnerOptions, stop: Interrupts.signal).merge(folder, acceptsScript: acceptsScript)
  }
}

/// `ltd status FOLDER`: how far the shards of a run are.
struct StatusCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", _superCommandName: "ltd",
    abstract: "Show which work of a script's shards is finished, who works, and what is missing.")

  @OptionGroup var common: CommonOptions

  @Argument(help: ArgumentHelp("The folder that the shards share.", valueName: "folder"))
  var folder: String

  func status() throws -> Int32 { Runner(options: common.runnerOptions).shardStatus(folder) }
}

/// `ltd submit FILE --cells N`: the shards of a script as an array of Slurm.
struct SubmitCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "submit", _superCommandName: "ltd",
    abstract: "Run the shards of a script as an array of Slurm, and then their merge.",
    discussion: """
      What follows the script belongs to it, but for options of this command. Submitted again, only shards that are not \
      finished are. --print shows the script of the array and submits nothing.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("How many shards the work is cut into.", valueName: "n"))
  var cells: Int

  @Option(
    help: ArgumentHelp("Time limit of a shard, as Slurm takes it; it is queued again after that.", valueName: "time"))
  var time: String?

  @Option(help: ArgumentHelp("An option for sbatch, such as --sbatch='--mem=8G'; may be given several times."))
  var sbatch: [String] = []

  @Option(
    name: .customLong("dir"),
    help: ArgumentHelp("The folder that shards share; FILE.shards when left out.", valueName: "folder"))
  var folder: String?

  @Flag(name: .customLong("changed-script"), help: "The script has changed; take over what does not depend on it.")
  var acceptsScript = false

  @Flag(name: .customLong("print"), help: "Print the script of the array, and submit nothing.")
  var isPrinted = false

  @Argument(help: ArgumentHelp("The script.", valueName: "file"))
  var script: String

  @Argument(parsing: .remaining, help: ArgumentHelp("The script's words.", valueName: "word"))
  var words: [String] = []

  func status() throws -> Int32 {
    let runner = Runner(options: common.runnerOptions, arguments: words, stop: Interrupts.signal)
    var sharded = ShardedScript(script, folder: folder)
    sharded.acceptsScript = acceptsScript
    return runner.submit(
      sharded, count: cells, time: time, options: sbatch, isPrinted: isPrinted)
  }

  func validate() throws {
    if !(1...ShardNumber.most).contains(cells) {
      throw ValidationError("--cells must be from 1 to \(ShardNumber.most), not \(cells)")
    }
    for option in sbatch + (time.map { [$0] } ?? []) where option.contains(where: \.isNewline) {
      throw ValidationError("an option of sbatch must be one line")
    }
    for option in sbatch where !option.hasPrefix("-") {
      throw ValidationError("--sbatch takes options such as --sbatch='--mem=8G', not '\(option)'")
    }
  }
}
