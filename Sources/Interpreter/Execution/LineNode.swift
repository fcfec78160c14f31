import Base

/// A statement whose time is taken, in programs that are compiled to be profiled.
final class LineNode: Node {
  private let inner: Node
  private let profile: LineProfile
  private let line: Int

  init(_ inner: Node, _ profile: LineProfile) {
    self.inner = inner
    self.profile = profile
    line = inner.source.position(at: Int(inner.span.start)).line
    super.init(inner.source, inner.span)
  }

  private func measured<Result>(_ body: () throws(LTDError) -> Result) throws(LTDError) -> Result {
    guard profile.isOn else { return try body() }
    let start = profile.enter()
    defer { profile.leave(source, line, start) }
    return try body()
  }

  override func eval(_ frame: Frame) throws(LTDError) -> Value {
    try measured { () throws(LTDError) in try inner.eval(frame) }
  }

  override func exec(_ frame: Frame) throws(LTDError) -> Flow {
    try measured { () throws(LTDError) in try inner.exec(frame) }
  }

  override func condition(_ frame: Frame) throws(LTDError) -> Bool {
    try measured { () throws(LTDError) in try inner.condition(frame) }
  }
}

/// The time that each line of a program takes itself, without the lines that it calls.
final class LineProfile {
  private struct Place: Hashable {
    var source: ObjectIdentifier
    var line: Int
  }
  private var costs: [Place: LineCost] = [:]
  /// The seconds that statements within those under way took.
  private var children: [Double] = []
  var isOn = true

  @inline(never)
  func enter() -> Double {
    children.append(0)
    return monotonicSeconds()
  }

  @inline(never)
  func leave(_ source: Source, _ line: Int, _ start: Double) {
    let taken = monotonicSeconds() - start
    let within = children.popLast() ?? 0
    if !children.isEmpty { children[children.count - 1] += taken }
    let place = Place(source: ObjectIdentifier(source), line: line)
    var cost = costs[place] ?? LineCost(source: source, line: line, runs: 0, seconds: 0)
    cost.runs += 1
    cost.seconds += max(0, taken - within)
    costs[place] = cost
  }

  /// The dearest first.
  var lines: [LineCost] { costs.values.sorted { $0.seconds > $1.seconds } }
}

/// What one line of a program cost.
public struct LineCost {
  /// The program.
  public var source: Source
  /// Its line, from 1.
  public var line: Int
  /// How many statements that begin there were run.
  public var runs: Int
  /// The seconds that they took without what they called.
  public var seconds: Double
}

extension Session {
  /// Runs a source as `run` does, with the time of each line of it and of the functions that it may call, those of the
  /// library and of imported modules included.
  ///
  /// Functions are compiled once more for it, and are afterwards as they were.
  ///
  /// - Returns: also how many seconds the run itself took.
  public func profiled(_ source: Source) -> (outcome: Outcome, lines: [LineCost], seconds: Double) {
    let profile = LineProfile()
    var changed: [(code: Code, body: Node)] = []
    enterThread {
      var units: [ObjectIdentifier: [Span: Code]] = [:]
      for code in self.codes {
        guard let unit = code.unit, code.name != "top level" else { continue }
        let key = ObjectIdentifier(unit)
        if units[key] == nil {
          units[key] =
            (try? self.compileAgain(unit.source, unit.globals, known: unit.known, lines: profile)) ?? [:]
        }
        guard let measured = units[key]?[code.headerSpan], measured.frameSize == code.frameSize else { continue }
        changed.append((code, code.body))
        code.body = measured.body
      }
    }
    var seconds = 0.0
    let outcome = enterThread {
      let start = monotonicSeconds()
      defer { seconds = monotonicSeconds() - start }
      return self.execute(source, nil, lines: profile)
    }
    for (code, body) in changed { code.body = body }
    profile.isOn = false
    return (outcome, profile.lines, seconds)
  }
}
