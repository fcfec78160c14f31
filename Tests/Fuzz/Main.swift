import Foundation
import Synchronization

/// `swift run -c release ltd-fuzz --seed 1 --count 1000000 [--case n]`: random bytes, mutated programs and random programs
/// go through lexer, parser, formatter and evaluator. Case n of a seed is always the same.
///
/// Ends with status 0 when nothing was found. What is found is written with its seed and case; a crash names them too.
@main
enum Main {
  static func main() {
    var seed: UInt64 = 1
    var count: UInt64 = 100_000
    var only: UInt64?
    var words = Array(CommandLine.arguments.dropFirst())[...]
    while let word = words.popFirst() {
      guard let number = words.popFirst().flatMap({ UInt64($0) }) else { return fail("\(word) needs a number") }
      switch word {
      case "--seed": seed = number
      case "--count": count = number
      case "--case": only = number
      default: return fail("usage: ltd-fuzz [--seed n] [--count n] [--case n]")
      }
    }
    Watch.start(seed)
    let cases = only.map { $0..<$0 + 1 } ?? 0..<count
    var found = 0
    let runner = CaseRunner()
    for number in cases {
      Watch.begin(number)
      let item = FuzzCase(seed: seed, number: number)
      if let problem = runner.problem(with: item) {
        found += 1
        write("--seed \(seed) --case \(number): \(problem)\n\(item.text)\n")
        if found >= 20 { break }
      }
      if number % 100_000 == 99_999 { write("\(number + 1) cases, \(found) findings, \(runner.summary)") }
    }
    write("seed \(seed): \(cases.count) cases, \(found) findings, \(runner.summary)")
    exit(found == 0 ? 0 : 1)
  }

  private static func fail(_ message: String) {
    write(message)
    exit(2)
  }

  /// At once, so that nothing is lost when the run is stopped.
  private static func write(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

/// Names the case that crashed or does not end.
enum Watch {
  private static let current = Atomic<UInt64>(0)
  private static let seed = Atomic<UInt64>(0)
  private static let started = Atomic<Int>(0)
  private static let secondsForACase = 20

  static func start(_ number: UInt64) {
    seed.store(number, ordering: .relaxed)
    for name in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE] {
      signal(name) { signal in
        Watch.report("signal \(signal)")
        _exit(3)
      }
    }
    Thread.detachNewThread {
      while true {
        sleep(1)
        let begin = started.load(ordering: .relaxed)
        if begin > 0, Int(Date().timeIntervalSince1970) - begin > secondsForACase {
          report("no end after \(secondsForACase) s")
          _exit(4)
        }
      }
    }
  }

  static func begin(_ number: UInt64) {
    current.store(number, ordering: .relaxed)
    started.store(Int(Date().timeIntervalSince1970), ordering: .relaxed)
  }

  private static func report(_ what: String) {
    let text =
      "--seed \(seed.load(ordering: .relaxed)) --case \(current.load(ordering: .relaxed)): \(what)\n"
    FileHandle.standardError.write(Data(text.utf8))
  }
}
