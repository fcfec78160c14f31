import Base
import Platform

/// The statements of past sessions, kept in a private file.
///
/// One entry a line, `\` and line breaks written as `\\` and `\n`. Each statement is appended as soon as it is
/// submitted, so that sessions side by side do not lose each other's and a crash loses none.
package final class History {
  /// Entries this session has seen, oldest first.
  package private(set) var entries: [String] = []
  /// How many entries are kept.
  package var size: Int {
    didSet { trim() }
  }
  private let path: String?

  /// The longest statement that is kept, in bytes.
  static let longestEntry = 64 << 10

  /// - Parameters:
  ///   - path: nil for a history that is not kept.
  ///   - size: how many entries are kept.
  package init(path: String?, size: Int = 10_000) {
    self.path = path
    self.size = size
  }

  /// `$XDG_STATE_HOME/ltd/history`, or `~/.local/state/ltd/history`; nil where there is no home.
  package static var defaultPath: String? {
    if let state = Terminal.environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/ltd/history" }
    guard let home = Terminal.environment("HOME"), home.hasPrefix("/") else { return nil }
    return home + "/.local/state/ltd/history"
  }

  /// Reads the file; a file that has grown to twice the size is cut down.
  /// - Returns: what went wrong, if anything.
  package func load() -> String? {
    guard let path else { return nil }
    if access(path, F_OK) != 0 { return nil }
    do throws(CoreError) {
      let bytes = try FileReader.bytes(of: path, limit: 64 << 20)
      entries = bytes.split(separator: UInt8(ascii: "\n")).map { Self.decode(String(decoding: $0, as: UTF8.self)) }
    } catch {
      return "the history could not be read: \(error.message)"
    }
    let tooMany = entries.count > size &* 2
    trim()
    return tooMany ? rewrite(path) : nil
  }

  /// Adds a statement and appends it to the file; one that repeats the last is not added.
  /// - Returns: what went wrong, if anything.
  package func add(_ statement: String) -> String? {
    guard !statement.isEmpty, statement != entries.last, statement.utf8.count <= Self.longestEntry else { return nil }
    entries.append(statement)
    trim()
    guard let path else { return nil }
    func notKept(_ error: CoreError) -> String { "the history is not kept: \(error.message)" }
    do throws(CoreError) { try Folder.make(Folder.of(path), mode: 0o700) } catch { return notKept(error) }
    // Without waiting: a pipe in its place that nobody reads from must not hang the prompt.
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0o600)
    if descriptor < 0 { return notKept(.cannot("write", path)) }
    defer { close(descriptor) }
    // One write under a lock: another session is either before or after it, or cutting the file down.
    flock(descriptor, LOCK_EX)
    let line = Array((Self.encode(statement) + "\n").utf8)
    let written = line.withUnsafeBytes { writeSome(descriptor, $0.baseAddress, $0.count) }
    return written == line.count ? nil : notKept(.cannot("write", path))
  }

  private func trim() {
    if entries.count > size { entries.removeFirst(entries.count - max(0, size)) }
  }

  /// Writes the kept entries to a new file that then takes the place of the old one.
  private func rewrite(_ path: String) -> String? {
    let text = entries.map { Self.encode($0) + "\n" }.joined()
    do throws(CoreError) {
      try AtomicFile.replace(path, parts: [Array(text.utf8)], mode: 0o600)
      return nil
    } catch {
      return "the history was not cut down: \(error.message)"
    }
  }

  static func encode(_ statement: String) -> String {
    var text = ""
    for character in statement.unicodeScalars {
      switch character {
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      default: text.unicodeScalars.append(character)
      }
    }
    return text
  }

  static func decode(_ line: String) -> String {
    var text = ""
    var escaped = false
    for character in line.unicodeScalars {
      if escaped {
        text.unicodeScalars.append(character == "n" ? "\n" : character)
        escaped = false
      } else if character == "\\" {
        escaped = true
      } else {
        text.unicodeScalars.append(character)
      }
    }
    return text
  }
}
