import Help
import Interpreter

/// The candidates under the text: chosen with Tab and the arrows, narrowed by typing, left with Escape.
struct CompletionMenu {
  let completion: Completion
  /// nil until one is chosen.
  private(set) var chosen: Int?
  private var first = 0

  /// The most rows of candidates.
  static let most = 10

  init(_ completion: Completion, chosen: Int? = nil) {
    self.completion = completion
    self.chosen = chosen
  }

  var candidate: Completion.Candidate? { chosen.map { completion.candidates[$0] } }

  mutating func move(_ step: Int) {
    let count = completion.candidates.count
    guard count > 0 else { return }
    guard let chosen else {
      self.chosen = step > 0 ? 0 : count - 1
      return
    }
    if abs(step) > 1 {
      self.chosen = min(max(chosen + step, 0), count - 1)
    } else {
      self.chosen = (chosen + step + count) % count
    }
  }

  /// - Parameter most: rows that may be taken.
  mutating func rows(width: Int, most: Int) -> [Row] {
    let candidates = completion.candidates
    var shown = min(candidates.count, Self.most, max(1, most))
    let isCut = shown < candidates.count
    // The last row says how many there are.
    if isCut, shown > 1 { shown -= 1 }
    let place = chosen ?? 0
    first = min(max(first, place - shown + 1), place)
    first = max(0, min(first, candidates.count - shown))
    let visible = candidates[first..<first + shown]
    let nameWidth = min(max(8, width / 2), visible.map { displayWidth($0.text + $0.suffix) }.max() ?? 0)
    let typeWidth = min(max(4, width / 4), visible.map { displayWidth($0.type) }.max() ?? 0)
    var rows: [Row] = []
    for (offset, candidate) in visible.enumerated() {
      let isChosen = first + offset == chosen
      let style: (Style) -> Style = { isChosen ? .selected : $0 }
      var row: Row = []
      row.append(isChosen ? "› " : "  ", style(.plain), width: width)
      row.appendCut(candidate.text + candidate.suffix, style(.plain), width: min(width, 2 + nameWidth))
      row.pad(to: min(width, 2 + nameWidth), style(.plain))
      if typeWidth > 0 {
        row.append("  ", style(.plain), width: width)
        row.appendCut(candidate.type, style(.call), width: min(width, 4 + nameWidth + typeWidth))
        row.pad(to: min(width, 4 + nameWidth + typeWidth), style(.plain))
      }
      if !candidate.summary.isEmpty, width - row.count > 8 {
        row.append("  ", style(.plain), width: width)
        row.appendCut(candidate.summary.prefix { $0 != "\n" }, style(.hint), width: width)
      }
      rows.append(row)
    }
    if isCut, most > 1 {
      var row: Row = []
      row.appendCut("  \(first + 1) to \(first + shown) of \(candidates.count)", .hint, width: width)
      rows.append(row)
    }
    return rows
  }
}
