import Foundation

/// `ltd-fuzz --seed 1 --count 1000000`, `ltd-fuzz files --format all --seed 1 --count 1000000`: see README.md.
@main
enum Main {
  static func main() {
    var options = Options()
    guard options.read(CommandLine.arguments.dropFirst()) else {
      write("usage: ltd-fuzz [files [--format name]] [--seed n] [--count n] [--from n] [--case n]")
      exit(2)
    }
    if options.isOfFiles {
      Watch.start(options, restarts: options.only == nil)
      let cases = options.only.map { $0..<$0 + 1 } ?? options.from..<options.count
      let found = FileFuzz.run(options, cases, keeps: options.only != nil)
      write("files \(options.format), seed \(options.seed): \(cases.count) cases, \(found) findings")
      exit(found == 0 ? 0 : 1)
    }
    if let only = options.only {
      Watch.start(options, restarts: false)
      let item = FuzzCase(seed: options.seed, number: only)
      write(item.text)
      exit(run(options.seed, only..<only + 1, found: 0) == 0 ? 0 : 1)
    }
    Watch.start(options, restarts: true)
    let found = run(options.seed, options.from..<options.count, found: options.found)
    write("seed \(options.seed): \(options.count) cases, \(found) findings")
    exit(found == 0 ? 0 : 1)
  }

  /// - Returns: the number of findings.
  private static func run(_ seed: UInt64, _ cases: Range<UInt64>, found: Int) -> Int {
    nonisolated(unsafe) var found = found
    nonisolated(unsafe) var next = cases.lowerBound
    var parsed = 0
    var ran = 0
    var ended = 0
    let start = clock()
    while next < cases.upperBound {
      // A session keeps the code of all that it ran.
      let end = min(cases.upperBound, (next / portion + 1) * portion)
      let runner = CaseRunner()
      runner.batch {
        Watch.enterThread()
        while next < end {
          Watch.begin(next)
          let item = FuzzCase(seed: seed, number: next)
          if let problem = runner.problem(with: item) {
            found += 1
            Watch.found(found)
            write("--seed \(seed) --case \(next): \(problem)\n\(item.text)\n=====")
          }
          next += 1
        }
      }
      parsed += runner.counts.parsed
      ran += runner.counts.ran
      ended += runner.counts.ended
      if next % 102_400 == 0 {
        let done = Double(next - cases.lowerBound)
        let each = Double(clock() - start) / Double(CLOCKS_PER_SEC) / done * 1000
        func share(_ n: Int) -> String { "\(Int(Double(n) / done * 100 + 0.5)) %" }
        write(
          "\(next) cases, \(found) findings; \((each * 1000).rounded() / 1000) ms a case; \(share(parsed)) parsed, "
            + "\(share(ran)) run, \(share(ended)) without an error")
      }
      if found >= 200 { break }
    }
    return found
  }

  private static let portion: UInt64 = 512

  /// At once, so that nothing is lost when the run is stopped.
  private static func write(_ line: String) { FileHandle.standardOutput.write(Data((line + "\n").utf8)) }
}

struct Options {
  var seed: UInt64 = 1
  var count: UInt64 = 100_000
  /// The first case; a run that ended early goes on with it.
  var from: UInt64 = 0
  /// Findings before the first case.
  var found = 0
  var only: UInt64?
  /// Whether files are read instead of programs run.
  var isOfFiles = false
  /// The name of a format of files, or all.
  var format = "all"

  /// The words before the numbers.
  var prefix: [String] { isOfFiles ? ["files", "--format", format] : [] }

  mutating func read(_ words: ArraySlice<String>) -> Bool {
    var words = words
    if words.first == "files" {
      isOfFiles = true
      words.removeFirst()
    }
    while let word = words.popFirst() {
      if isOfFiles, word == "--format", let name = words.popFirst() {
        format = name
        continue
      }
      guard let number = words.popFirst().flatMap({ UInt64($0) }) else { return false }
      switch word {
      case "--seed": seed = number
      case "--count": count = number
      case "--from": from = number
      case "--found": found = Int(clamping: number)
      case "--case": only = number
      default: return false
      }
    }
    return from <= count
  }
}
