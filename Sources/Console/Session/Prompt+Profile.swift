import Base
import Builtins
import Devices
import Help
import Interpreter
import Tensors

/// What one kind of operation cost, summed over its calls.
private struct OperationCost {
  var name: String
  var calls = 0
  var seconds = 0.0
  var flops = 0
  var bytes = 0

  mutating func add(_ seconds: Double, _ flops: Int, _ bytes: Int) {
    calls += 1
    self.seconds += seconds
    self.flops += flops
    self.bytes += bytes
  }
}

/// The operations of a run as they began; of those beyond a number only how many they were.
private struct OperationRuns {
  struct Run {
    var start: Double
    var cost: OperationCost
  }
  private var runs: [Run] = []
  private(set) var rest = 0
  private(set) var restSeconds = 0.0
  private static let most = 20_000

  /// Notes one that has just ended.
  mutating func add(_ name: String, _ seconds: Double, _ flops: Int, _ bytes: Int) {
    guard runs.count < Self.most else {
      rest += 1
      restSeconds += seconds
      return
    }
    var cost = OperationCost(name: name)
    cost.add(seconds, flops, bytes)
    runs.append(Run(start: monotonicSeconds() - seconds, cost: cost))
  }

  /// In order of time, those that follow others of their kind joined with them.
  var joined: [Run] {
    var joined: [Run] = []
    for run in runs.sorted(by: { $0.start < $1.start }) {
      if let last = joined.last, last.cost.name == run.cost.name {
        joined[joined.count - 1].cost.add(run.cost.seconds, run.cost.flops, run.cost.bytes)
      } else {
        joined.append(run)
      }
    }
    return joined
  }
}

extension Prompt {
  /// Runs a statement with each call of the device measured, and shows its value.
  ///
  /// - Returns: what the lines cost and how long all took; nil where the statement left the prompt.
  private func measured(
    _ text: String, _ record: @escaping @Sendable (String, Double, Int, Int) -> Void
  ) -> (lines: [LineCost], seconds: Double)? {
    memory.begin(text)
    defer { memory.end() }
    let session = session
    let (outcome, lines, total) = DeviceProfile.measure(record) {
      session.profiled(Source(name: "<prompt>", text: text))
    }
    var shown: String?
    if case .value(let value, let isHidden) = outcome, !isHidden, !value.isNone {
      shown = value.shown(session.printing)
    }
    var statement = RanStatement(text)
    statement.seconds = total
    take(outcome, statement, shown)
    if case .exit = outcome { return nil }
    return (lines, total)
  }

  /// `:profile statement`: what each operation of the device costs, and each line.
  func profile(_ text: String) {
    if text.isEmpty { return problem(":profile takes a statement", hint: ":profile fit(net, train, epochs=1)") }
    let costs = Locked<[String: OperationCost]>([:])
    let peaks = MachinePeaks.measured
    let found = measured(text) { name, seconds, flops, bytes in
      costs.withLock { $0[name, default: OperationCost(name: name)].add(seconds, flops, bytes) }
    }
    guard let (lines, total) = found else { return }
    let table = costs.withLock { Array($0.values) }.sorted { $0.seconds > $1.seconds }
    let device = table.reduce(0) { $0 + $1.seconds }
    output.write("\n" + style.bold("By operation") + "\n")
    var rows = [["operation", "calls", "own time", "share", "GFLOP/s", "GB/s", "of peak"]]
    for cost in table.prefix(20) { rows.append(row(cost, total, peaks)) }
    let rest = table.dropFirst(20)
    if !rest.isEmpty {
      let seconds = rest.reduce(0) { $0 + $1.seconds }
      rows.append([
        "\(rest.count) more", "\(rest.reduce(0) { $0 + $1.calls })", duration(seconds), share(seconds, total), "", "",
        "",
      ])
    }
    rows.append(["all else", "", duration(max(0, total - device)), share(max(0, total - device), total), "", "", ""])
    rows.append(["in all", "\(table.reduce(0) { $0 + $1.calls })", duration(total), "", "", "", ""])
    output.write(laidOut(rows))
    output.write(peakText(peaks))
    output.write("\n" + style.bold("By line") + "\n")
    var lineRows = [["line", "runs", "own time", "share", ""]]
    for cost in lines.prefix(15) where cost.seconds > 0 {
      let place = cost.source.name == "<prompt>" ? "\(cost.line)" : "\(cost.source.name):\(cost.line)"
      lineRows.append([
        place, "\(cost.runs)", duration(cost.seconds), share(cost.seconds, total), source(cost.source, cost.line),
      ])
    }
    output.write(laidOut(lineRows, lastIsText: true))
  }

  /// `:trace statement`: the operations of the device in the order in which they ran.
  func trace(_ text: String) {
    if text.isEmpty { return problem(":trace takes a statement", hint: ":trace net(x)") }
    let runs = Locked(OperationRuns())
    let peaks = MachinePeaks.measured
    let found = measured(text) { name, seconds, flops, bytes in
      runs.withLock { $0.add(name, seconds, flops, bytes) }
    }
    guard let (_, total) = found else { return }
    let (list, rest, restSeconds) = runs.withLock { ($0.joined, $0.rest, $0.restSeconds) }
    guard let first = list.first else { return note("no operation of the device ran") }
    var rows = [["at", "operation", "calls", "own time", "GFLOP/s", "GB/s", "of peak"]]
    for run in list.prefix(Self.mostTraced) {
      let cells = row(run.cost, total, peaks)
      rows.append([duration(run.start - first.start), cells[0], cells[1], cells[2], cells[4], cells[5], cells[6]])
    }
    var report = "\n" + style.bold("In order of time") + "\n" + laidOut(rows, leftColumns: [1])
    let further = list.dropFirst(Self.mostTraced)
    let count = further.reduce(rest) { $0 + $1.cost.calls }
    if count > 0 {
      let seconds = further.reduce(restSeconds) { $0 + $1.cost.seconds }
      report += "  … \(count) more operations, \(duration(seconds)); :profile sums all of them up\n"
    }
    report += peakText(peaks)
    if !page(report) { output.write(report) }
  }

  /// The rows of a trace that are shown: a step of training has fewer.
  private static let mostTraced = 400

  private func peakText(_ peaks: MachinePeaks) -> String {
    style.dim(
      "peak: \(Int(peaks.flops / 1e9)) GFLOP/s, \(Int(peaks.bytes / 1e9)) GB/s, as measured here on"
        + " \(Compute.threads.of("thread"))") + "\n"
  }

  private func row(_ cost: OperationCost, _ total: Double, _ peaks: MachinePeaks) -> [String] {
    let flops = Double(cost.flops) / max(cost.seconds, 1e-9)
    let bytes = Double(cost.bytes) / max(cost.seconds, 1e-9)
    // What bounds an operation is the one of the two that it comes nearer to.
    let part = max(flops / peaks.flops, bytes / peaks.bytes)
    return [
      cost.name, "\(cost.calls)", duration(cost.seconds), share(cost.seconds, total),
      cost.flops > 0 ? figure(flops / 1e9) : "", cost.bytes > 0 ? figure(bytes / 1e9) : "",
      cost.flops + cost.bytes > 0 ? "\((part * 100).fixed(0)) %" : "",
    ]
  }

  private func figure(_ number: Double) -> String { number.fixed(number < 10 ? 2 : number < 100 ? 1 : 0) }

  private func share(_ seconds: Double, _ total: Double) -> String {
    "\((seconds / max(total, 1e-9) * 100).fixed(1)) %"
  }

  private func source(_ source: Source, _ line: Int) -> String {
    let index = line - source.firstLine
    guard source.lineStarts.indices.contains(index) else { return "" }
    let start = Int(source.lineStarts[index])
    let end = index + 1 < source.lineStarts.count ? Int(source.lineStarts[index + 1]) : source.bytes.count
    let text = trimmed(source.text(Span(start, end)))
    return text.count > 60 ? text.prefix(59) + "…" : text
  }

  /// A table; numbers stand at the right.
  private func laidOut(_ rows: [[String]], lastIsText: Bool = false, leftColumns: Set<Int> = [0]) -> String {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.enumerated().map { index, row in
      let cells = row.indices.map { column in
        lastIsText && column == row.count - 1
          ? row[column] : padded(row[column], widths[column], right: !leftColumns.contains(column))
      }
      let line = cells.joined(separator: "  ")
      return "  " + (index == 0 ? style.dim(line) : line) + "\n"
    }.joined()
  }
}

/// What this machine can do at the most, as products of large matrices and sums of long vectors show.
private struct MachinePeaks {
  var flops: Double
  var bytes: Double

  /// Measured once, in some tenths of a second.
  static let measured: MachinePeaks = {
    func best(_ work: () throws -> Void) -> Double {
      var seconds = Double.infinity
      for _ in 0..<5 {
        let start = monotonicSeconds()
        try? work()
        seconds = min(seconds, monotonicSeconds() - start)
      }
      return max(seconds, 1e-9)
    }
    let size = 1024
    guard let a = try? Tensor.zeros([size, size]), let x = try? Tensor.zeros([1 << 24]) else {
      return MachinePeaks(flops: 1e12, bytes: 1e11)
    }
    let product = best { _ = try matmul(a, a) }
    let sum = best { _ = try x + x }
    return MachinePeaks(
      flops: 2 * Double(size * size * size) / product, bytes: 12 * Double(1 << 24) / sum)
  }()
}
