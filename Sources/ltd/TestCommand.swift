import ArgumentParser
import Console

/// `ltd test PATH …`: scripts with `# expect:` lines, and the examples in `##` comments.
struct TestCommand: ProgramCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", _superCommandName: "ltd",
    abstract: "Run scripts and the examples in their comments, and compare what they print with what they say.",
    discussion: """
      `# expect: text` says what a script prints; `>>> code` in the `##` comment of a function is an example, and the lines \
      below it are what the prompt would answer. Files whose names begin with _ are for import: only their examples are run.
      """)

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("Time limit of a script that sets none itself.", valueName: "seconds"))
  var timeout: Double = ScriptTest.defaultSeconds

  @Option(name: .shortAndLong, help: ArgumentHelp("Scripts run side by side.", valueName: "n"))
  var jobs: Int = ScriptTestReport.defaultJobs

  @Flag(name: .shortAndLong, help: "Name the scripts that pass, too.")
  var verbose = false

  @Argument(help: ArgumentHelp("Scripts, or folders of them.", valueName: "path"))
  var paths: [String]

  func status() throws -> Int32 {
    let given = Set(paths)
    let paths = try scripts(at: paths, includingHidden: true).filter {
      given.contains($0) || !ScriptTest.isForImport($0) || ScriptTest.hasExamples($0)
    }
    let report = ScriptTestReport(
      colours: Terminal.colours(common.color, 1), isVerbose: verbose, write: { StandardOutput.out.write($0) })
    let passed = report.run(
      paths, program: ChildProcess.ownPath, threads: common.threads, seconds: timeout, jobs: jobs)
    StandardOutput.out.flush()
    return passed ? ExitStatus.success : ExitStatus.failure
  }

  func validate() throws {
    if !(timeout > 0) { throw ValidationError("--timeout must be above 0") }
    if !(1...256).contains(jobs) { throw ValidationError("--jobs must be from 1 to 256") }
  }
}
