import Base
import Help
import Tensors

/// Draws how far long work is on the last line of the terminal: at most ten times a second, gone when the work ends. A
/// training has a dashboard in its place, where the terminal has room and keys for one.
final class TerminalProgress: TrainingProgress {
  static let interval = 0.1

  private var lastDrawn = -Double.infinity
  private let dashboard: TrainingDashboard?

  /// - Parameter isSteered: whether a training may have a dashboard.
  init(isSteered: Bool) { dashboard = isSteered ? TrainingDashboard() : nil }

  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {
    let now = monotonicSeconds()
    if let dashboard,
      dashboard.update(
        .init(title: title, done: done, total: total, fields: fields, secondsLeft: secondsLeft, at: now))
    {
      return
    }
    guard now - lastDrawn >= Self.interval else { return }
    lastDrawn = now
    let width = Terminal.width(2)
    LiveArea.shared.draw(
      [
        progressLine(
          title: title, done: done, total: total, fields: fields, secondsLeft: secondsLeft, width: width - 1)
      ], width: width)
  }

  func note(_ line: String) {
    StandardOutput.out.flush()
    if !LiveArea.shared.hold(line + "\n") { StandardOutput.error.write(line + "\n") }
    lastDrawn = -Double.infinity
  }

  func finish() {
    dashboard?.finish()
    LiveArea.shared.erase()
    lastDrawn = -Double.infinity
  }

  func update(_ step: TrainingGlance) { dashboard?.update(step) }
  var wantsPictures: Bool { dashboard?.wantsPictures ?? false }
  func show(_ pictures: TrainingPictures) { dashboard?.show(pictures) }
  func nextOrder() throws(CoreError) -> TrainingOrder? { try dashboard?.nextOrder() }
  func answer(_ sentence: String) { dashboard?.answer(sentence) }
}

/// Where no terminal follows the work: only the lines that stay, such as one an epoch.
final class PlainProgress: Progress {
  func update(
    title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?
  ) {}

  func note(_ line: String) {
    StandardOutput.out.flush()
    StandardOutput.error.write(line + "\n")
  }

  func finish() {}
}

/// One line that says how far work is, cut to a width: `fit epoch 2/10  ████······  41%  loss 0.312  0:42 left`.
package func progressLine(
  title: String, done: Int, total: Int, fields: [(name: String, value: Double)], secondsLeft: Double?, width: Int
) -> String {
  let share = total > 0 ? min(1, max(0, Double(done) / Double(total))) : 0
  let filled = Int(share * 10)
  var parts = [title]
  if total > 0 {
    let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 10 - filled)
    parts.append("\(bar) \(padded("\(Int(share * 100))", 3, right: true))%")
  }
  parts += fields.map { "\($0.name) \(figure($0.value))" }
  if let secondsLeft, secondsLeft.isFinite, secondsLeft >= 0 { parts.append("\(clock(secondsLeft)) left") }
  return String(parts.joined(separator: "  ").prefix(max(0, width)))
}

/// A number in three significant digits or so.
func figure(_ value: Double) -> String {
  let size = abs(value)
  if value.isNaN || !value.isFinite { return "\(value)" }
  if size >= 100 { return value.fixed(0) }
  if size >= 10 { return value.fixed(1) }
  if size >= 1 { return value.fixed(2) }
  return size >= 0.001 || size == 0 ? value.fixed(3) : value.fixed(6)
}

/// A whole number with a comma between thousands.
func grouped(_ value: Double) -> String {
  var digits = Array(min(value, 1e15).fixed(0))
  var place = digits.count - 3
  while place > 0 {
    digits.insert(",", at: place)
    place -= 3
  }
  return String(digits)
}

/// `m:ss`, or `h:mm:ss`.
private func clock(_ seconds: Double) -> String {
  let whole = Int(min(seconds, 1e9).rounded(.up))
  func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
  let hours = whole / 3600
  let minutes = whole % 3600 / 60
  return hours > 0 ? "\(hours):\(two(minutes)):\(two(whole % 60))" : "\(minutes):\(two(whole % 60))"
}
