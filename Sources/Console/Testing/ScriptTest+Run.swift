import Base
import Builtins

extension ScriptTest {
  /// How a script did.
  public enum Result: Equatable, Sendable {
    /// It did all that it says.
    case passed
    /// It was not run; the string says why.
    case skipped(String)
    /// What was wrong, a few lines each.
    case failed([String])
  }

  /// Runs a script in a process of its own and compares what it did with what its comments say.
  /// - Parameters:
  ///   - program: path of the `ltd` program.
  ///   - threads: threads of numeric work.
  ///   - seconds: time limit when the script sets none.
  ///   - stop: ends the examples, which run in this process; no other script must have it.
  public static func run(
    _ path: String, program: String, threads: Int? = nil, seconds: Double = defaultSeconds,
    stop: StopSignal = StopSignal()
  ) -> Result {
    let text: String
    do throws(CoreError) {
      text = String(decoding: try FileReader.bytes(of: path, limit: 64 << 20), as: UTF8.self)
    } catch {
      return .failed([error.message])
    }
    let examples = CommentExamples(path: path, text: text)
    var options = RunnerOptions()
    options.limits.seconds = seconds
    let failures = examples?.failures { Runner(options: options, stop: stop).session } ?? []
    // Files for `import` only have examples.
    if isForImport(path), examples != nil { return failures.isEmpty ? .passed : .failed(failures) }
    switch ScriptTest(path: path, text: text).run(program: program, threads: threads, seconds: seconds) {
    case .failed(let others): return .failed(failures + others)
    case let result: return failures.isEmpty ? result : .failed(failures)
    }
  }

  /// Whether a file is not run by itself.
  public static func isForImport(_ path: String) -> Bool { path.split(separator: "/").last?.hasPrefix("_") == true }

  /// Whether a file has examples in its comments.
  public static func hasExamples(_ path: String) -> Bool {
    guard let text = try? FileReader.text(of: path, limit: 64 << 20) else { return false }
    return CommentExamples(path: path, text: text) != nil
  }

  private func run(program: String, threads: Int?, seconds: Double) -> Result {
    if let skipped { return .skipped(skipped) }
    var words = ["--json-errors", "--color=never"]
    if let threads { words.append("--threads=\(threads)") }
    words += path.hasPrefix("-") ? ["./" + path] : [path]
    let limit = self.seconds ?? seconds
    let child = ChildProcess.run(
      program, words + arguments, input: input, environment: ["COLUMNS": "80", "NO_COLOR": "1"], seconds: limit)
    var failures = problems.map { "line \($0.line): what is `# \($0.text)`?" }
    let reported = child.errorOutput.split(separator: "\n").compactMap { ReportedError(json: String($0)) }
    if isStrict { failures += difference(child.output) }
    failures += errorDifference(reported)
    switch child.ending {
    case .exited(let code):
      if let exit, code != exit {
        failures.append("exit status: expected \(exit), got \(code)")
      } else if exit == nil, errors.isEmpty, code != 0, reported.isEmpty {
        failures.append("exit status: expected 0, got \(code)\n\(child.errorOutput.suffix(2000))")
      } else if exit == nil, !errors.isEmpty, code == 0 {
        failures.append("exit status: expected an error, got 0")
      }
    case .signalled(let signal):
      failures.append("ended by signal \(signal)\n\(child.errorOutput.suffix(2000))")
    case .timedOut: failures.append("took longer than \(limit) s")
    case .tooMuchOutput: failures.append("printed more than is taken in")
    case .notStarted(let problem): failures.append("could not be started: \(problem)")
    }
    return failures.isEmpty ? .passed : .failed(failures)
  }

  /// The first position where the printed lines differ from the expected ones, with what surrounds it.
  private func difference(_ text: String) -> [String] {
    var printed = text.split(separator: "\n", omittingEmptySubsequences: false).map { withoutTrailingSpace($0) }
    if printed.last == "" { printed.removeLast() }
    let wanted = output.map { withoutTrailingSpace($0.text[...]) }
    guard wanted != printed else { return [] }
    let place = zip(wanted, printed).prefix { $0 == $1 }.count
    let line = place < output.count ? "line \(output[place].line)" : "after the last expected line"
    var lines = ["\(line): the output differs"]
    for index in max(0, place - 1)..<place { lines.append("    \(wanted[index])") }
    lines += wanted.dropFirst(place).prefix(4).map { "  - \($0)" }
    if wanted.count > place + 4 { lines.append("  - … \(wanted.count - place - 4) more expected") }
    lines += printed.dropFirst(place).prefix(4).map { "  + \($0)" }
    if printed.count > place + 4 { lines.append("  + … \(printed.count - place - 4) more printed") }
    return [lines.joined(separator: "\n")]
  }

  private func errorDifference(_ reported: [ReportedError]) -> [String] {
    var left = reported
    var failures: [String] = []
    for expected in errors {
      let fits = { (error: ReportedError) in
        (error.line == nil || error.line == expected.line) && error.message.contains(expected.text)
      }
      if let index = left.firstIndex(where: fits) {
        left.remove(at: index)
      } else {
        failures.append("line \(expected.line): expected the error: \(expected.text)")
      }
    }
    return failures + left.map { "an error that is not expected: \($0.description)" }
  }
}

/// A line without white space at its end.
func withoutTrailingSpace(_ line: Substring) -> String {
  var line = line
  while line.last?.isWhitespace == true { line.removeLast() }
  return String(line)
}

/// An error as a run with `--json-errors` reports it.
struct ReportedError: Equatable {
  var kind: String
  var message: String
  var hint: String?
  var line: Int?

  init?(json text: String) {
    guard text.hasPrefix("{"), let fields = try? JSON.parse(text), let message = fields["message"]?.stringValue,
      fields["severity"]?.stringValue != "printed"
    else { return nil }
    self.message = message
    kind = fields["kind"]?.stringValue ?? "error"
    hint = fields["hint"]?.stringValue
    line = fields["line"]?.intValue
  }

  var description: String {
    (line.map { "line \($0): " } ?? "") + "\(kind): \(message)" + (hint.map { " (\($0))" } ?? "")
  }
}
