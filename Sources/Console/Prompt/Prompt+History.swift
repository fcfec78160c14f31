import Base
import Help
import Platform

extension Prompt {
  /// `:history`: the last statements; those of today, those that failed, or those that hold some words.
  func listHistory(_ rest: String) {
    var words = rest.split(separator: " ").map(String.init)
    var wanted: [(History.Entry) -> Bool] = []
    var most = words.isEmpty ? 20 : 100
    if let place = words.firstIndex(of: "--failed") {
      words.remove(at: place)
      wanted.append { $0.outcome == .failure }
    }
    if words.first == "today" || words.first == "--today" {
      words.removeFirst()
      let midnight = Self.midnight()
      wanted.append { $0.time.map { $0 >= midnight } ?? false }
    }
    if let last = words.last, let number = Int(last) {
      words.removeLast()
      most = max(0, number)
    }
    if let option = words.first(where: { $0.hasPrefix("--") }) {
      return problem(
        ":history has no option \(option)", hint: ":history --failed, :history today, :history 50, :history fit")
    }
    let sought = words.joined(separator: " ")
    if !sought.isEmpty { wanted.append { $0.text.contains(sought) } }
    let found = history.entries.enumerated().filter { entry in wanted.allSatisfy { $0(entry.element) } }
    if found.isEmpty {
      return note(history.entries.isEmpty ? "the history is empty" : "nothing in the history is like that")
    }
    let shown = found.suffix(most)
    let width = "\(history.entries.count)".count
    let hasFacts = !wanted.isEmpty
    for (index, entry) in shown {
      if Interrupts.pending { return }
      let facts = hasFacts ? facts(of: entry) : ""
      let margin = "\n" + String(repeating: " ", count: width + 2 + facts.count)
      let lines = entry.text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: margin)
      output.write(style.dim(padded("\(index + 1)", width, right: true) + "  " + facts) + "\(lines)\n")
    }
    if shown.count < found.count {
      note("\(found.count - shown.count) earlier ones; :history \(found.count) shows all")
    }
  }

  /// When an entry ran, for how long and with what result, in columns.
  private func facts(of entry: History.Entry) -> String {
    var time = ""
    if let seconds = entry.time {
      var clock = time_t(seconds)
      var parts = tm()
      localtime_r(&clock, &parts)
      func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
      let isToday = seconds >= Self.midnight()
      time = isToday ? "\(two(parts.tm_hour)):\(two(parts.tm_min))" : "\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
    let mark =
      switch entry.outcome {
      case .success: "✓"
      case .failure: "✗"
      case .interrupted: "■"
      case nil: " "
      }
    return "\(padded(time, 5)) \(padded(entry.seconds.map { duration($0) } ?? "", 7, right: true)) \(mark)  "
  }

  /// When this day began, in seconds since 1970.
  private static func midnight() -> Double {
    var clock = time_t(secondsSince1970())
    var parts = tm()
    localtime_r(&clock, &parts)
    (parts.tm_hour, parts.tm_min, parts.tm_sec) = (0, 0, 0)
    return Double(mktime(&parts))
  }

  /// Lets $EDITOR change a text.
  /// - Returns: nil where it did not end well.
  func editElsewhere(_ text: String) -> String? {
    let file = "\(Terminal.environment("TMPDIR") ?? "/tmp")/ltd-\(getpid()).ltd"
    guard write(text + "\n", to: file, mode: 0o600) else { return nil }
    defer { unlink(file) }
    let program = Terminal.environment("VISUAL") ?? Terminal.environment("EDITOR") ?? "vi"
    guard foreground("\(program) \"$1\"", file) == 0 else {
      problem("\(program) did not end well")
      return nil
    }
    guard var edited = try? FileReader.text(of: file) else { return nil }
    while edited.hasSuffix("\n") { edited.removeLast() }
    return edited
  }
}
