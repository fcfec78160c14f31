import Base
import Platform

/// Asks the terminal what it can draw, where a picture needs it, and once in the life of the process.
///
/// Three questions go out in one write: whether it takes images as kitty does, how large a cell is, and last what it is,
/// which every terminal answers, so that the end is known. What does not come within a tenth of a second is not waited for:
/// the terminal is taken to be silent, and an answer that comes later is swallowed by the editor, which knows the form of
/// answers. Keys that come meanwhile are no answers; they are kept, and the editor gets them first. A script has no editor:
/// it asks only where nobody has typed ahead, and hands what comes all the same back to the terminal.
final class TerminalQuery: Sendable {
  /// That of this process's terminal.
  static let shared = TerminalQuery()

  /// What a terminal has said.
  struct Answer: Sendable, Equatable {
    /// Whether it takes images as kitty does.
    var takesKitty = false
    /// Whether it takes sixels.
    var takesSixel = false
    /// The height and width of a cell in pixels.
    var cellHeight: Int?
    var cellWidth: Int?
    /// Whether it has said all.
    var isWhole = false
  }

  private struct State {
    var answer: Answer?
    /// Keys that came instead of answers, for the editor.
    var typed: [UInt8] = []
    var hasEditor = false
  }
  private let state = Locked(State())

  /// How long an answer is waited for, in seconds.
  private static let patience = 0.1
  private static let questions = "\u{1B}_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\u{1B}\\\u{1B}[16t\u{1B}[c"

  /// What the terminal has answered; nil before it was asked.
  var known: Answer? { state.withLock { $0.answer } }

  /// What the terminal answers, or has answered before; nil where it cannot be asked.
  func answer() -> Answer? {
    if let known { return known }
    guard Self.canBeAsked else { return nil }
    let (hasEditor, before) = state.withLock { state in
      defer { state.typed = [] }
      return (state.hasEditor, state.typed)
    }
    guard let (answer, typed) = Self.ask(after: before, mayHaveInput: hasEditor) else {
      keep(before)
      return nil
    }
    state.withLock { $0.answer = answer }
    if hasEditor { keep(typed) }
    if !hasEditor { for byte in typed { Self.putBack(byte) } }
    return answer
  }

  /// Keeps keys for the editor, which were typed ahead.
  func keep(_ typed: [UInt8]) { state.withLock { $0.typed += typed } }

  /// The keys that came while the terminal was asked. Who takes them is the editor, which gets all later ones.
  func takeTyped() -> [UInt8] {
    state.withLock { state in
      state.hasEditor = true
      defer { state.typed = [] }
      return state.typed
    }
  }

  /// Whether both sides are one terminal, it is this process that it listens to, and it is none that would show a question
  /// as text.
  private static var canBeAsked: Bool {
    var (input, output) = (stat(), stat())
    guard isatty(0) == 1, isatty(1) == 1, fstat(0, &input) == 0, fstat(1, &output) == 0,
      input.st_rdev == output.st_rdev, tcgetpgrp(0) == getpgrp()
    else { return false }
    let term = Terminal.environment("TERM") ?? ""
    return !["", "dumb", "linux", "cons25"].contains(term) && !term.hasPrefix("vt")
      && Terminal.environment("TERM_PROGRAM") != "Apple_Terminal" && Terminal.environment("INSIDE_EMACS") == nil
  }

  /// - Parameters:
  ///   - before: what was typed ahead and is read already.
  ///   - mayHaveInput: whether keys that wait already are looked after.
  /// - Returns: nil where it was not asked.
  private static func ask(after before: [UInt8], mayHaveInput: Bool) -> (Answer, typed: [UInt8])? {
    var usual = termios()
    guard tcgetattr(0, &usual) == 0 else { return nil }
    var mode = usual
    mode.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL)
    withUnsafeMutableBytes(of: &mode.c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    guard tcsetattr(0, TCSANOW, &mode) == 0 else { return nil }
    defer { tcsetattr(0, TCSANOW, &usual) }
    if !mayHaveInput, isReadable(within: 0) { return nil }
    let questions = Array(Self.questions.utf8)
    guard write(1, questions, questions.count) == questions.count else { return nil }
    let deadline = monotonicSeconds() + patience
    var bytes = before
    var found: (Answer, [UInt8]) = answers(in: bytes)
    while !found.0.isWhole, bytes.count < 1 << 16 {
      let left = deadline - monotonicSeconds()
      guard left > 0 else { break }
      guard isReadable(within: Int32(left * 1000) + 1) else { continue }
      var chunk = [UInt8](repeating: 0, count: 1024)
      let count = read(0, &chunk, chunk.count)
      if count == 0 || count < 0 && errno != EINTR && errno != EAGAIN { break }
      if count > 0 { bytes += chunk[..<count] }
      found = Self.answers(in: bytes)
    }
    return found
  }

  private static func isReadable(within milliseconds: Int32) -> Bool {
    var poller = pollfd(fd: 0, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, milliseconds) > 0 && poller.revents != 0
  }

  /// As if the key were typed now; some systems do not allow it.
  private static func putBack(_ byte: UInt8) {
    var byte = byte
    _ = ioctl(0, UInt(TIOCSTI), &byte)
  }

  /// What of some bytes are answers, and the rest. An answer that is not at its end yet is of the rest, so that whoever reads
  /// its end gets all of it.
  static func answers(in bytes: [UInt8]) -> (Answer, rest: [UInt8]) {
    var answer = Answer()
    var rest: [UInt8] = []
    var place = 0
    while place < bytes.count {
      guard bytes[place] == 0x1B, place + 2 < bytes.count else {
        rest.append(bytes[place])
        place += 1
        continue
      }
      let body = place + 2
      switch (bytes[place + 1], bytes[body]) {
      case (UInt8(ascii: "_"), UInt8(ascii: "G")):
        guard let end = bytes[body...].firstRange(of: [0x1B, UInt8(ascii: "\\")]) else {
          return (answer, rest + bytes[place...])
        }
        let words = String(decoding: bytes[body..<end.lowerBound], as: UTF8.self)
        if words.contains("i=31"), words.hasSuffix(";OK") { answer.takesKitty = true }
        place = end.upperBound
      case (UInt8(ascii: "["), _):
        guard let end = bytes[body...].firstIndex(where: { !(0x20..<0x40).contains($0) }) else {
          return (answer, rest + bytes[place...])
        }
        let isMarked = bytes[body] == UInt8(ascii: "?")
        let numbers = bytes[(isMarked ? body + 1 : body)..<end].split(separator: UInt8(ascii: ";")).map {
          Int(String(decoding: $0, as: UTF8.self)) ?? -1
        }
        switch bytes[end] {
        case UInt8(ascii: "c") where isMarked:
          answer.isWhole = true
          answer.takesSixel = numbers.dropFirst().contains(4)
        case UInt8(ascii: "t") where numbers.count == 3 && numbers[0] == 6:
          if (1...1000).contains(numbers[1]), (1...1000).contains(numbers[2]) {
            (answer.cellHeight, answer.cellWidth) = (numbers[1], numbers[2])
          }
        default: rest += bytes[place...end]
        }
        place = end + 1
      default:
        rest.append(bytes[place])
        place += 1
      }
    }
    return (answer, rest)
  }
}
