import Base

/// The verdicts of evaluations in a file, so that one that was stopped goes on where it was.
///
/// Each line is a JSON value. The first names the form; a line with "run" begins a run, and one with "of" adds verdicts to
/// the run of that number. What a run is a record of (`LedgerRun`) is compared whole: weights, images, attack, radius and
/// seed, so that an evaluation never continues another one. Lines are only ever added, and one that was not written to
/// its end is taken away when the file is opened again.
public final class VerdictFile: RunLedger {
  private static let form = JSON.object([.init("format", .string("ltd verdicts")), .init("version", .int(1))])

  private struct Contents {
    var runs: [JSON] = []
    var verdicts: [[Verdict]] = []
  }

  private let path: String
  private let state: Locked<(file: GrowingFile, contents: Contents)>

  /// Opens a file of verdicts, or begins one.
  ///
  /// - Throws: `io` where it cannot be read or written or another process writes it, `value` where it holds something
  ///   else.
  public init(_ path: String) throws(CoreError) {
    self.path = path
    let file = try GrowingFile(path)
    var contents = Contents()
    if file.size > 0 {
      let bytes = try FileReader(path, expected: "verdicts of an evaluation").read(at: 0, count: file.size)
      let whole = (bytes.lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
      var lines = bytes[..<whole].split(separator: UInt8(ascii: "\n")).makeIterator()
      guard let first = lines.next(), try Self.value(of: first, path) == Self.form else { throw Self.alien(path) }
      while let line = lines.next() {
        try StopSignal.poll()
        try Self.take(Self.value(of: line, path), into: &contents, path)
      }
      try file.restart(at: whole)
    } else {
      try file.append(Array((Self.form.line + "\n").utf8))
    }
    state = Locked((file, contents))
  }

  /// The number of the run with this record: that of an earlier one where there is one.
  public func begin(_ run: LedgerRun) throws -> Int {
    let record = run.json
    return try state.withLock { state in
      if let known = state.contents.runs.firstIndex(of: record) { return known }
      try Self.add(.object([.init("run", record)]), to: state.file)
      state.contents.runs.append(record)
      state.contents.verdicts.append([])
      return state.contents.runs.count - 1
    }
  }

  /// Adds a line with verdicts to the file.
  public func record(_ verdicts: [Verdict], of run: Int) throws {
    guard !verdicts.isEmpty else { return }
    let rows = JSON.array(verdicts.map(\.json))
    try state.withLock { state in
      try Self.add(.object([.init("of", .int(run)), .init("verdicts", rows)]), to: state.file)
      state.contents.verdicts[run] += verdicts
    }
  }

  /// The verdicts of a run, those of earlier sessions first.
  public func verdicts(of run: Int) throws -> [Verdict] { state.withLock { $0.contents.verdicts[run] } }

  /// A line is written whole even when there is a reason to stop, which the evaluation then sees.
  private static func add(_ value: JSON, to file: GrowingFile) throws(CoreError) {
    let line = Array((value.line + "\n").utf8)
    try StopSignal.ignoring { () throws(CoreError) in try file.append(line) }
  }

  private static func value(of line: ArraySlice<UInt8>, _ path: String) throws(CoreError) -> JSON {
    do { return try JSON.parse(Array(line)) } catch {
      if error.kind == .interrupted { throw error }
      throw alien(path)
    }
  }

  private static func take(_ value: JSON, into contents: inout Contents, _ path: String) throws(CoreError) {
    if let run = value["run"] {
      contents.runs.append(run)
      contents.verdicts.append([])
      return
    }
    guard let run = value["of"]?.intValue, contents.runs.indices.contains(run),
      let rows = value["verdicts"]?.arrayValue
    else { throw alien(path) }
    for row in rows {
      guard let verdict = Verdict(row) else { throw alien(path) }
      contents.verdicts[run].append(verdict)
    }
  }

  private static func alien(_ path: String) -> CoreError {
    CoreError(
      .value, "'\(path)' is not a file of verdicts that evaluate has written", hint: "give the path of a new file",
      argument: "resume")
  }
}

extension LedgerRun {
  fileprivate var json: JSON {
    .object([
      .init("model", .string(model)), .init("data", .string(data)), .init("attack", .string(attack)),
      .init("norm", .string(norm.rawValue)), .init("eps", .number(eps)), .init("seed", .string(String(seed))),
    ])
  }
}

extension Verdict {
  fileprivate var json: JSON {
    .array([
      .int(id), .int(label), .int(prediction), brokenBy.map { .int($0) } ?? .null,
      distance.map { .number($0) } ?? .null, .number(margin), .int(queries), .int(gradients),
      .bool(beganFlat),
    ])
  }

  fileprivate init?(_ row: JSON) {
    guard let items = row.arrayValue, items.count == 9, let id = items[0].intValue, let label = items[1].intValue,
      let prediction = items[2].intValue, items[3] == .null || items[3].intValue != nil,
      items[4] == .null || items[4].numberValue != nil, let margin = items[5].numberValue,
      let queries = items[6].intValue, let gradients = items[7].intValue, let beganFlat = items[8].boolValue
    else { return nil }
    self.init(
      id: id, label: label, prediction: prediction, brokenBy: items[3].intValue, distance: items[4].numberValue,
      margin: margin, queries: queries, gradients: gradients, beganFlat: beganFlat)
  }
}
