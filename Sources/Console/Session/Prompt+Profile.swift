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
}

extension Prompt {
  /// `:profile statement`: what each operation of the device costs, and each line.
  func profile(_ text: String) {
    if text.isEmpty { return problem(":profile takes a statement", hint: ":profile fit(net, train, epochs=1)") }
    let costs = Locked<[String: OperationCost]>([:])
    memory.begin(text)
    defer { memory.end() }
    let peaks = MachinePeaks.measured
    let session = session
    let record: @Sendable (String, Double, Int, Int) -> Void = { name, seconds, flops, bytes in
      costs.withLock { costs in
        var cost = costs[name] ?? OperationCost(name: name)
        cost.calls += 1
        cost.seconds += seconds
        cost.flops += flops
        cost.bytes += bytes
        costs[name] = cost
      }
    }
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
    if case .exit = outcome { return }
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
    write(rows)
    output.write(
      style.dim(
        "peak: \(Int(peaks.flops / 1e9)) GFLOP/s, \(Int(peaks.bytes / 1e9)) GB/s, as measured here on"
          + " \(Compute.threads) thread\(Compute.threads == 1 ? "" : "s")") + "\n")
    output.write("\n" + style.bold("By line") + "\n")
    var lineRows = [["line", "runs", "own time", "share", ""]]
    for cost in lines.prefix(15) where cost.seconds > 0 {
      let place = cost.source.name == "<prompt>" ? "\(cost.line)" : "\(cost.source.name):\(cost.line)"
      lineRows.append([
        place, "\(cost.runs)", duration(cost.seconds), share(cost.seconds, total), source(cost.source, cost.line),
      ])
    }
    write(lineRows, lastIsText: true)
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
  private func write(_ rows: [[String]], lastIsText: Bool = false) {
    let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    for (index, row) in rows.enumerated() {
      let cells = row.indices.map { column in
        lastIsText && column == row.count - 1
          ? row[column] : padded(row[column], widths[column], right: column > 0)
      }
      let line = cells.joined(separator: "  ")
      output.write("  " + (index == 0 ? style.dim(line) : line) + "\n")
    }
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
