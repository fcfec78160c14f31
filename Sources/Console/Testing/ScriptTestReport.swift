import Base
import Dispatch
import Platform

/// Runs many scripts at a time and reports each, in the order of the paths, and how many passed, failed and were skipped.
public struct ScriptTestReport: Sendable {
  /// One script for each processor at a time.
  public static var defaultJobs: Int { max(1, min(256, sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  private let colours: Bool
  private let isVerbose: Bool
  private let write: @Sendable (String) -> Void

  /// - Parameters:
  ///   - colours: whether results are coloured.
  ///   - isVerbose: whether scripts that pass or are skipped are named too.
  ///   - write: takes the lines of the report.
  public init(colours: Bool, isVerbose: Bool, write: @escaping @Sendable (String) -> Void) {
    self.colours = colours
    self.isVerbose = isVerbose
    self.write = write
  }

  private struct State {
    var next = 0
    var reported = 0
    var results: [ScriptTest.Result?]
  }

  /// Runs the scripts.
  /// - Parameters:
  ///   - paths: the scripts.
  ///   - program: path of the `ltd` program.
  ///   - threads: threads of numeric work of each script; nil leaves the choice to it.
  ///   - seconds: time limit of a script that sets none.
  ///   - jobs: how many scripts run at a time.
  /// - Returns: whether none failed and there was at least one.
  public func run(_ paths: [String], program: String, threads: Int?, seconds: Double, jobs: Int) -> Bool {
    let state = Locked(State(results: Array(repeating: nil, count: paths.count)))
    let stops = (0..<min(jobs, paths.count)).map { _ in StopSignal() }
    let worker = { @Sendable (stop: StopSignal) -> Void in
      while true {
        let index = state.withLock { state in
          defer { state.next += 1 }
          return state.next
        }
        guard index < paths.count, !Interrupts.pending else { return }
        let result = ScriptTest.run(paths[index], program: program, threads: threads, seconds: seconds, stop: stop)
        state.withLock { state in
          state.results[index] = result
          while state.reported < paths.count, let result = state.results[state.reported] {
            report(paths[state.reported], result)
            state.reported += 1
          }
        }
      }
    }
    let group = DispatchGroup()
    let queue = DispatchQueue(label: "ltd.tests", attributes: .concurrent)
    for stop in stops { queue.async(group: group) { worker(stop) } }
    // Each worker has a signal of its own; Ctrl-C is meant for all of them.
    while group.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
      if Interrupts.pending { for stop in stops { stop.raise(.interrupted) } }
    }
    return state.withLock { summarise($0.results) }
  }

  private func report(_ path: String, _ result: ScriptTest.Result) {
    switch result {
    case .passed: if isVerbose { write("\(mark("passed", "32"))  \(path)\n") }
    case .skipped(let reason): if isVerbose { write("\(mark("skipped", "33")) \(path): \(reason)\n") }
    case .failed(let failures):
      write("\(mark("failed", "31"))  \(path)\n")
      for failure in failures {
        for line in failure.split(separator: "\n", omittingEmptySubsequences: false) { write("        \(line)\n") }
      }
    }
  }

  private func summarise(_ results: [ScriptTest.Result?]) -> Bool {
    var passed = 0
    var failed = 0
    var skipped = 0
    for result in results {
      switch result {
      case .passed: passed += 1
      case .failed: failed += 1
      case .skipped: skipped += 1
      case nil: break
      }
    }
    let stopped = results.count - passed - failed - skipped
    write("\(passed) passed, \(failed) failed, \(skipped) skipped")
    write(stopped > 0 ? ", \(stopped) not run\n" : "\n")
    if results.isEmpty { write("there is no .ltd file there\n") }
    return failed == 0 && stopped == 0 && !results.isEmpty
  }

  private func mark(_ text: String, _ code: String) -> String { colours ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text }
}
