import Base
import CEditline
import Platform

/// The terminal while a statement is edited: its mode, what is typed, and changes of its size.
///
/// Keys are read one byte at a time, so that what is typed ahead stays in the terminal for whoever reads next; a paste is
/// read in large pieces.
final class EditingTerminal: KeySource {
  enum Event { case input, resized, continued, nothing }

  private var usual = termios()
  private var isEntered = false
  private let changes = ltd_window_changes()
  /// Bytes that were read and put back, the next one last.
  private var waiting: [UInt8] = []
  /// The bytes of the key that is being read, a paste left out.
  var typed: [UInt8] = []
  private(set) var isAtEnd = false

  // MARK: The mode

  /// Takes the terminal out of its usual mode: keys come as they are typed, Ctrl-C and Ctrl-S being keys; pastes are marked.
  func enter() {
    if !isEntered {
      guard tcgetattr(0, &usual) == 0 else { return }
      isEntered = true
    }
    var mode = usual
    mode.c_iflag &= ~tcflag_t(ICRNL | INLCR | IGNCR | IXON | ISTRIP | BRKINT | PARMRK)
    mode.c_oflag |= tcflag_t(OPOST | ONLCR)
    mode.c_lflag &= ~tcflag_t(ICANON | ECHO | ECHONL | ISIG | IEXTEN)
    withUnsafeMutableBytes(of: &mode.c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    tcsetattr(0, TCSADRAIN, &mode)
    // Keys that came while the terminal was asked for pictures go before those that come now.
    waiting.insert(contentsOf: TerminalQuery.shared.takeTyped().reversed(), at: 0)
    let typed = TypedAhead.shared.take()
    if !typed.isEmpty { putBack(typed[...]) }
    // What the terminal has kept itself comes after all that; in its usual mode it has made a zero of Ctrl-D.
    let known = waiting.count
    if isReadable(0, within: 0), fill(4096) {
      for place in 0..<waiting.count - known where waiting[place] == 0 { waiting[place] = 4 }
    }
    write(Array("\u{1B}[?2004h".utf8))
  }

  /// Gives the terminal back as it was.
  func leave() {
    guard isEntered else { return }
    isEntered = false
    write(Array("\u{1B}[?2004l".utf8))
    tcsetattr(0, TCSADRAIN, &usual)
  }

  /// Takes Ctrl-C that was typed after Enter, while it was still a key: it is meant for the statement, and what was typed
  /// before it is dropped, as the terminal itself does it. To be called after `leave`.
  func passOnInterrupt() {
    // What came before the mode changed can be read at once, whatever it is.
    if isReadable(0, within: 0) { _ = fill(4096) }
    if let last = waiting.firstIndex(of: 3) {
      waiting.removeSubrange(last...)
      kill(getpid(), SIGINT)
    }
    // Answers of the terminal may be among them.
    TerminalQuery.shared.keep(waiting.reversed())
    waiting = []
  }

  // MARK: Writing

  /// Writes all bytes, in one call where the terminal takes them.
  func write(_ bytes: [UInt8]) {
    var done = 0
    while done < bytes.count {
      let wrote = bytes.withUnsafeBytes { Platform.write(1, $0.baseAddress.map { $0 + done }, bytes.count - done) }
      if wrote > 0 {
        done += wrote
      } else if wrote < 0, errno == EAGAIN {
        var poller = pollfd(fd: 1, events: Int16(POLLOUT), revents: 0)
        poll(&poller, 1, 1000)
      } else if wrote < 0, errno != EINTR {
        return
      }
    }
  }

  // MARK: Reading

  var hasInput: Bool { !waiting.isEmpty || isReadable(0, within: 0) }

  private func isReadable(_ descriptor: Int32, within milliseconds: Int32) -> Bool {
    var poller = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&poller, 1, milliseconds) > 0 && poller.revents != 0
  }

  /// Waits for whatever comes first; for ever where the time is below 0.
  func wait(milliseconds: Int32) -> Event {
    if !waiting.isEmpty { return .input }
    var pollers = [
      pollfd(fd: 0, events: Int16(POLLIN), revents: 0), pollfd(fd: changes, events: Int16(POLLIN), revents: 0),
    ]
    while true {
      let count = poll(&pollers, 2, milliseconds)
      if count == 0 { return .nothing }
      if count < 0 {
        if errno == EINTR { continue }
        return .input
      }
      if pollers[1].revents != 0 { return forgetChanges() ? .continued : .resized }
      return .input
    }
  }

  /// Reads what has been noted of changes.
  /// - Returns: whether the process had been stopped.
  @discardableResult
  func forgetChanges() -> Bool {
    var wasStopped = false
    var bytes = [UInt8](repeating: 0, count: 64)
    while changes >= 0 {
      let count = read(changes, &bytes, bytes.count)
      if count <= 0 { break }
      if bytes[..<count].contains(UInt8(ascii: "c")) { wasStopped = true }
    }
    return wasStopped
  }

  func byte(within milliseconds: Int32) -> UInt8? {
    if waiting.isEmpty {
      if milliseconds >= 0, !isReadable(0, within: milliseconds) { return nil }
      if !fill(1) { return nil }
    }
    guard let byte = waiting.popLast() else { return nil }
    typed.append(byte)
    return byte
  }

  func bytes() -> [UInt8] {
    if waiting.isEmpty, !fill(1 << 16) { return [] }
    defer { waiting = [] }
    return waiting.reversed()
  }

  func putBack(_ bytes: ArraySlice<UInt8>) {
    waiting += bytes.reversed()
    if typed.count >= bytes.count { typed.removeLast(bytes.count) }
  }

  private func fill(_ most: Int) -> Bool {
    var bytes = [UInt8](repeating: 0, count: most)
    while true {
      let count = read(0, &bytes, most)
      if count > 0 {
        // After what is waiting already.
        waiting.insert(contentsOf: bytes[..<count].reversed(), at: 0)
        return true
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN {
        _ = isReadable(0, within: -1)
        continue
      }
      isAtEnd = true
      return false
    }
  }
}
