import Base

extension Figure {
  /// The figure as lines for a terminal or a pipe.
  ///
  /// - Parameters:
  ///   - width: columns; more than 400 are not used.
  ///   - look: what the reader can see.
  /// - Throws: `interrupted` and `limit` where it takes long.
  public func text(width: Int, look: PictureLook) throws(CoreError) -> String {
    let width = min(max(width, 1), 1000)
    var lines: [String] = []
    if !title.isEmpty {
      let shown = Words.cut(Words.plain(title), to: width)
      lines.append(look.colours == .none ? shown : "\u{1B}[1m\(shown)\u{1B}[0m")
    }
    let charts = panels.filter { if case .chart = $0 { true } else { false } }.count
    for (index, panel) in panels.enumerated() {
      if index > 0 { lines.append("") }
      switch panel {
      case .chart(let chart):
        // With the words around it, a chart leaves the statement that made it in sight.
        let room = max(8, ((look.rows ?? 24) - 2) / max(1, charts) - 6)
        lines += try ChartText(chart, width: min(width, 120), height: min(16, room), colours: look.colours).lines()
      case .images(let sheet): lines += try SheetText(sheet, width: width, look: look).lines()
      }
    }
    return lines.joined(separator: "\n")
  }
}
