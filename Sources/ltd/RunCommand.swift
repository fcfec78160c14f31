import ArgumentParser
import Base
import Console

/// `ltd`, `ltd FILE …`, `ltd -e EXPRESSION`, `ltd -`.
struct RunCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "ltd",
    abstract: "Make image classifiers robust, and find out whether they really are.",
    usage: """
      ltd                              open the prompt
      ltd FILE.ltd [word …]            run a script; the words are its args()
      ltd -e EXPRESSION [word …]       run an expression and print its value
      ltd - [word …]                   run the script on standard input
      ltd FILE.ltd --jobs N            run it as N processes that share its work
      ltd FILE.ltd --shard K/N         do the share of one of N processes
      ltd submit FILE.ltd --cells N    run it as an array of Slurm
      ltd status|merge FOLDER
      ltd check|test|fmt PATH …
      ltd doc [FOLDER]
      """,
    discussion: """
      Options stand before the script; whatever follows it belongs to the script, but for --shard, --jobs, --dir \
      and --changed-script right after it. Without a script, a standard input \
      that is not a terminal is run as one.

      Exit status: 0 success, 1 error, 2 usage, 65 a source does not parse, 75 a shard waits for \
      others, 76 told to stop by SIGTERM or SIGUSR1, 130 interrupted; exit(n) gives its own.
      """,
    version: Runner.version,
    subcommands: Main.commands)

  @OptionGroup var common: CommonOptions

  @Option(
    name: .customShort("e"), parsing: .unconditional,
    help: ArgumentHelp("Run the expression and print its value.", valueName: "expression"))
  var expression: String?

  @Flag(name: .shortAndLong, help: "Open the prompt afterwards, or although standard input is not a terminal.")
  var interactive = false

  @Flag(name: .customLong("no-init"), help: "Skip ~/.config/ltd/init.ltd, which only the prompt reads.")
  var skipsStartupFile = false

  @Option(
    name: .customLong("max-seconds"), help: ArgumentHelp("Stop a run that takes longer.", valueName: "s"))
  var maximumSeconds: Double?

  @Option(
    name: .customLong("max-steps"),
    help: ArgumentHelp("Stop after this many loop iterations and calls.", valueName: "n"))
  var maximumSteps: Int?

  @Option(
    name: .customLong("max-memory"),
    help: ArgumentHelp("Stop a run that holds more memory, in MiB.", valueName: "n"))
  var maximumMemory: Int?

  @Flag(name: .customLong("no-files"), help: "Stop a run that would read or write files.")
  var refusesFiles = false

  @Option(
    name: .customLong("shard"),
    help: ArgumentHelp("Do the share of one process of a script that several run.", valueName: "k/n"))
  var shard: String?

  @Option(help: ArgumentHelp("Run the script as several processes, which share its work.", valueName: "n"))
  var jobs: Int?

  @Option(
    name: .customLong("dir"),
    help: ArgumentHelp("The folder that shards share; FILE.shards when left out.", valueName: "folder"))
  var folder: String?

  @Flag(
    name: .customLong("changed-script"),
    help: "With --shard or --jobs: the script has changed; take over what does not depend on it.")
  var acceptsScript = false

  @Argument(parsing: .captureForPassthrough, help: ArgumentHelp("A script and its words.", valueName: "file"))
  var words: [String] = []

  func status() throws -> Int32 {
    var words = words
    // Everything from the first word on is captured, so our own requests and misspelt options are found here.
    if let first = words.first, first.hasPrefix("-"), first != "-" {
      switch first {
      case "--": words.removeFirst()
      case "-h", "--help": throw CleanExit.helpRequest(self)
      case "--version": throw CleanExit.message("ltd \(Runner.version)")
      default: throw ValidationError("Unknown option '\(first)'. Words for a script that look like options follow it.")
      }
    }
    var sharing = Sharing(shard: shard, jobs: jobs, folder: folder, acceptsScript: acceptsScript)
    if expression == nil { try sharing.take(from: &words) }
    var options = common.runnerOptions
    options.readsStartupFile = !skipsStartupFile
    options.limits.seconds = maximumSeconds
    options.limits.steps = maximumSteps
    options.limits.memoryBytes = maximumMemory.map { $0.multipliedReportingOverflow(by: 1 << 20).partialValue }
    options.limits.allowsFiles = !refusesFiles

    let script = expression == nil ? words.first : nil
    var ranks: Ranks?
    if shard == nil, jobs == nil {
      do throws(CoreError) { ranks = try Runner.joinRanks(&options) } catch {
        Runner(options: options).report(error)
        return ExitStatus.failure
      }
    }
    let runner = Runner(
      options: options, arguments: expression == nil ? Array(words.dropFirst()) : words, stop: Interrupts.signal)
    runner.session.ranks = ranks
    if ranks != nil, interactive || expression == nil && script ?? "-" == "-" { return runner.refuseStandardInput() }
    if try sharing.isAsked(script: script, interactive: interactive, noFiles: refusesFiles), let script {
      Interrupts.heedRequestsToStop()
      var sharded = ShardedScript(script, folder: sharing.folder)
      sharded.acceptsScript = sharing.acceptsScript
      if let shard = sharing.shardNumber { return runner.runShard(sharded, shard) }
      return runner.runJobs(sharded, count: sharing.jobs ?? 1)
    }
    if !interactive, expression != nil || script != nil || !Terminal.isTerminal(0) { Interrupts.heedRequestsToStop() }
    if let expression {
      let status = runner.runExpression(expression)
      return interactive ? runner.prompt() : status
    }
    if let script {
      let status = runner.runFile(script)
      return interactive && status == ExitStatus.success ? runner.prompt() : status
    }
    return interactive || Terminal.isTerminal(0) ? runner.prompt() : runner.runFile("-")
  }

  func validate() throws {
    if let maximumSeconds, !(maximumSeconds > 0) { throw ValidationError("--max-seconds must be above 0") }
    if let maximumSteps, maximumSteps < 1 { throw ValidationError("--max-steps must be at least 1") }
    if let maximumMemory, !(1...(1 << 30)).contains(maximumMemory) {
      throw ValidationError("--max-memory must be at least 1 MiB, and at most \(1 << 30)")
    }
  }
}
