import Base

/// The lines at the end of the terminal that are drawn again and again: one that says how far work is, or a dashboard.
///
/// Whoever writes something that stays does so through `write`, which takes the lines away first and, where they are a
/// dashboard, puts them back below. What the work itself has to say, such as a line for each epoch, waits for the next
/// picture (`hold`), so that quick epochs do not draw a dashboard each. Between two pictures the cursor stands at the begin of the first line, so that erasing
/// is the same whatever is drawn and however the window has changed; after a single line it stays behind it.
final class LiveArea: Sendable {
  static let shared = LiveArea()

  private struct State {
    /// What is to be seen; empty where nothing is.
    var shown: [String] = []
    var width = 0
    /// Whether the lines come again after something else was written.
    var stays = false
    /// Lines that are to be written before the next picture.
    var held = ""
    /// Whether what was written last has left its line unfinished, which must not be drawn over.
    var isUnfinished = false
  }

  private let state = Locked(State())

  /// Draws lines, each shorter than the window, in the place of those before.
  ///
  /// - Parameters:
  ///   - width: columns of the window.
  ///   - stays: whether they come again after something else was written.
  func draw(_ lines: [String], width: Int, stays: Bool = false) {
    state.withLock { state in
      state.stays = stays
      if width != state.width { forget(&state) }
      state.width = width
      draw(lines, &state)
    }
  }

  /// Keeps a line that stays for the next picture of a dashboard.
  ///
  /// - Returns: whether there is one; else it is to be written at once.
  func hold(_ line: String) -> Bool {
    state.withLock { state in
      guard state.stays, !state.shown.isEmpty, state.held.utf8.count < 1 << 16 else { return false }
      state.held += line
      return true
    }
  }

  /// Takes the lines away.
  func erase() { state.withLock { erase(&$0) } }

  /// A program begins at the begin of a line.
  func begin() { state.withLock { $0.isUnfinished = false } }

  /// Writes something that stays.
  ///
  /// - Parameter endsLine: whether it ends with a line.
  func write(endsLine: Bool, _ body: () -> Void) {
    state.withLock { state in
      let lines = state.stays ? state.shown : []
      erase(&state)
      body()
      state.isUnfinished = !endsLine
      if !lines.isEmpty, endsLine {
        draw(lines, &state)
        state.stays = true
      }
    }
  }

  private func erase(_ state: inout State) {
    if !state.shown.isEmpty { put("\r\u{1B}[J" + state.held) }
    (state.shown, state.held, state.stays) = ([], "", false)
  }

  /// What is shown may stand otherwise by now: it is drawn anew from the cursor on.
  private func forget(_ state: inout State) {
    if !state.shown.isEmpty { put("\r\u{1B}[J") }
    state.shown = []
  }

  private func draw(_ lines: [String], _ state: inout State) {
    if lines.count != state.shown.count { forget(&state) }
    guard lines != state.shown || !state.held.isEmpty, !lines.isEmpty else { return }
    var text = state.isUnfinished ? "\r\n" : ""
    state.isUnfinished = false
    if !state.held.isEmpty {
      text += "\r\u{1B}[J" + state.held
      (state.shown, state.held) = ([], "")
    }
    if state.shown.isEmpty || lines.count == 1 { text += "\r\u{1B}[K" }
    for (index, line) in lines.enumerated() {
      if index > 0 { text += "\r\n" }
      guard state.shown.isEmpty || line != state.shown[index] else { continue }
      text += line + "\u{1B}[K"
    }
    if lines.count > 1 { text += "\r\u{1B}[\(lines.count - 1)A" }
    put(text)
    state.shown = lines
  }

  private func put(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = writeSome(2, bytes.baseAddress.map { UnsafeRawPointer($0) + done }, bytes.count - done)
        if count <= 0 { return }
        done += count
      }
    }
  }
}
