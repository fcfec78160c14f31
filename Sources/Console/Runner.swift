import Base
import Builtins
import CAllocator
import Devices
import Interpreter
import Platform
import Tensors

/// What the exit status of the program says.
public enum ExitStatus {
  /// All went well.
  public static let success: Int32 = 0
  /// A run-time error, or an error found before running other than of syntax; a failed test.
  public static let failure: Int32 = 1
  /// The command line was not understood.
  public static let usage: Int32 = 2
  /// A source does not parse.
  public static let syntax: Int32 = 65
  /// A shard of a run has done its share, and its script needs what others have not finished; or cells are missing.
  public static let waiting: Int32 = 75
  /// Told to stop by SIGTERM or SIGUSR1, as by a cluster before the time is up: what was done is kept, and the same
  /// command continues.
  public static let stopped: Int32 = 76
  /// Stopped by Ctrl-C.
  public static let interrupted: Int32 = 130
}

/// The settings of the command line, which hold for every run.
public struct RunnerOptions: Sendable {
  /// When messages and headings are coloured.
  public var colour = ColourChoice.auto
  /// Whether errors are written as one JSON object a line, for editors and tools.
  public var jsonErrors = false
  /// How many threads share numeric work, from 1 to 256; nil leaves the choice to `LTD_THREADS` or the number of
  /// processors.
  public var threads: Int?
  /// Whether tensor operations report where NaN or an infinity first appears.
  public var checksFinite = false
  /// Whether the prompt runs `init.ltd` first.
  public var readsStartupFile = true
  /// The bounds of each run.
  public var limits = Limits()
  /// Whether notes, warnings, progress and errors are left to another process.
  public var isSilent = false

  /// The settings without any option.
  public init() {}
}

/// One session of the language with the settings of the command line, and with this process as its host.
///
/// It does what the commands of `ltd` ask for: it runs, checks or formats a file, runs an expression, or opens the prompt.
/// Each reports its errors and returns the exit status of the program (`ExitStatus`); none ends the process. What was
/// printed is written before an error is, and a run whose output could not be written has failed.
public final class Runner {
  /// The version of the program.
  public static let version = Build.version

  /// The settings of the command line.
  public let options: RunnerOptions
  /// The session, whose variables stay from one run to the next.
  public let session: Session
  private let host: ConsoleHost

  /// - Parameters:
  ///   - options: the settings of the command line. A number of threads holds for the whole process.
  ///   - arguments: the words after the script's name.
  ///   - stop: what ends its runs: `Interrupts.signal` for the session that Ctrl-C is meant for, of which there is one.
  public init(options: RunnerOptions, arguments: [String] = [], stop: StopSignal = StopSignal()) {
    self.options = options
    ltd_keep_freed_memory()
    if let threads = options.threads { Compute.threads = threads }
    host = ConsoleHost(options)
    session = Session(table: .standard, host: host, stop: stop)
    session.arguments = arguments
    session.limits = options.limits
    session.checksFinite = options.checksFinite
    session.printing.width = Terminal.width()
    session.printing.look = Terminal.look(options.colour)
  }

  /// What is wrong with a setting of the environment, if anything.
  public static var environmentProblem: String? { Compute.environmentProblem }

  // MARK: Running

  /// Runs a script file, `-` being standard input.
  ///
  /// - Parameter endsOnFailure: whether nothing uses the session after the script has failed.
  /// - Returns: the exit status.
  public func runFile(_ path: String, endsOnFailure: Bool = true) -> Int32 {
    session.endsOnFailure = endsOnFailure
    defer { session.endsOnFailure = false }
    guard let text = text(ofScript: path, orCommand: true) else { return ended(ExitStatus.failure) }
    return run(Source(name: path == "-" ? "<standard input>" : path, text: text))
  }

  /// Runs an expression of the command line and prints its value.
  /// - Returns: the exit status.
  public func runExpression(_ text: String) -> Int32 {
    run(Source(name: "<command line>", text: text), printsValue: true)
  }

  func run(_ source: Source, printsValue: Bool = false) -> Int32 {
    let session = session
    if let status = begin(source) { return status }
    return finish(
      session.run(source) { value throws(LTDError) in
        if printsValue, !self.options.isSilent { StandardOutput.out.write(try session.text(of: value) + "\n") }
      })
  }

  /// The exit status of a run, whose errors are reported.
  func finish(_ outcome: Outcome) -> Int32 {
    switch outcome {
    case .value:
      // Results so far are not the whole, whoever waits for the process must know.
      let isCut = session.endedEarly && Interrupts.isToldToStop
      return finishOutput(isCut ? ExitStatus.stopped : ExitStatus.success)
    case .exit(let code):
      return finishOutput(Int32(truncatingIfNeeded: code & 0xFF))
    case .failure(let diagnostics):
      guard session.ranks == nil else { return ended(Runner.status(of: diagnostics), diagnostics) }
      report(diagnostics)
      return Runner.status(of: diagnostics)
    }
  }

  /// The status of a run, or failure where a run succeeded but its output was lost.
  func finishOutput(_ status: Int32) -> Int32 {
    StandardOutput.out.flush()
    guard let problem = StandardOutput.out.problem else { return ended(status) }
    let failed = status == ExitStatus.success ? ExitStatus.failure : status
    guard session.ranks == nil else { return ended(failed, [problem.diagnostic]) }
    report([problem.diagnostic])
    return failed
  }

  static func status(of diagnostics: [Diagnostic]) -> Int32 {
    if diagnostics.contains(where: { $0.kind == .interrupted }) {
      if Interrupts.pending { return ExitStatus.interrupted }
      if Interrupts.isToldToStop { return ExitStatus.stopped }
    }
    if diagnostics.contains(where: { $0.kind == .syntax }) { return ExitStatus.syntax }
    return diagnostics.contains(where: { $0.kind != .warning }) ? ExitStatus.failure : ExitStatus.success
  }

  /// The source of a script, `-` being standard input; nil where it cannot be read, which is reported.
  ///
  /// - Parameter orCommand: whether a command of the program may be meant that was misspelt.
  func text(ofScript path: String, orCommand: Bool = false) -> String? {
    do throws(CoreError) {
      return try session.stop.carry { () throws(CoreError) in try FileReader.text(of: path) }
    } catch {
      var diagnostic = LTDError.reporting(error).diagnostic
      if FileStatus(path) == nil {
        let commands = ["check", "doc", "fmt", "merge", "status", "submit", "test"]
        let command = orCommand ? nearestNames(to: path, in: commands).first : nil
        let meant = FileStatus(path + ".ltd") == nil ? command.map { "ltd \($0)" } : "\(path).ltd"
        diagnostic.hint = meant.map { "did you mean \($0)?" }
      }
      report([diagnostic])
      return nil
    }
  }

  // MARK: Checking

  /// Reports all errors of a source file that can be found without running it.
  /// - Returns: the exit status.
  public func checkFile(_ path: String) -> Int32 {
    guard let text = text(ofScript: path) else { return ExitStatus.failure }
    let diagnostics = session.check(Source(name: path == "-" ? "<standard input>" : path, text: text))
    report(diagnostics)
    return Runner.status(of: diagnostics)
  }

  // MARK: Formatting

  /// Lays a source file out in the standard way; standard input goes to standard output.
  /// - Parameter check: change nothing and only name a file that would change.
  /// - Returns: the exit status.
  public func formatFile(_ path: String, check: Bool) -> Int32 {
    guard let text = text(ofScript: path) else { return ExitStatus.failure }
    let formatted: String
    do throws(LTDError) {
      formatted = try format(Source(name: path == "-" ? "<standard input>" : path, text: text))
    } catch {
      report([error.diagnostic])
      return Runner.status(of: [error.diagnostic])
    }
    if check {
      if formatted == text { return ExitStatus.success }
      StandardOutput.out.write("\(path)\n")
      StandardOutput.out.flush()
      return ExitStatus.failure
    }
    if path == "-" {
      StandardOutput.out.write(formatted)
      StandardOutput.out.flush()
      return ExitStatus.success
    }
    if formatted == text { return ExitStatus.success }
    do throws(CoreError) {
      try AtomicFile.replace(path, parts: [Array(formatted.utf8)])
      return ExitStatus.success
    } catch {
      report([LTDError.reporting(error).diagnostic])
      return ExitStatus.failure
    }
  }

  // MARK: Reporting

  /// Reports an error of the core that no program has met.
  public func report(_ error: CoreError) { report([LTDError.reporting(error).diagnostic]) }

  /// Writes errors to standard error, after all that was printed before them.
  public func report(_ diagnostics: [Diagnostic]) {
    StandardOutput.out.flush()
    for diagnostic in diagnostics { StandardOutput.out.isReported(diagnostic.message) }
    host.report(diagnostics)
  }
}
