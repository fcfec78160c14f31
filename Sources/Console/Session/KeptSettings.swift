import Base
import Interpreter
import Platform

// What `:set` has changed, and the start-up file: both are read before the first prompt.

extension Prompt {
  /// `$XDG_CONFIG_HOME/ltd/settings`, or `~/.config/ltd/settings`: a line for each setting, its name and its value.
  static var settingsPath: String? { startupPath.map { Folder.of($0) + "settings" } }

  /// Takes over the settings of earlier sessions; a line that says nothing is named and left alone.
  func readSettings() {
    guard let path = Prompt.settingsPath, access(path, F_OK) == 0 else { return }
    guard let text = try? FileReader.text(of: path) else { return note("the settings in \(path) could not be read") }
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      guard words.count == 2, let setting = Setting(rawValue: words[0]), change(setting, to: words[1]) else {
        note("\(path) has a line that sets nothing: \(line)")
        continue
      }
    }
  }

  /// Writes a setting that was accepted.
  func keep(_ setting: Setting, _ value: String) {
    guard runner.options.readsStartupFile, let path = Prompt.settingsPath, !isStarting else { return }
    let old = (try? FileReader.text(of: path)) ?? ""
    var lines = old.split(separator: "\n").map(String.init).filter { !$0.hasPrefix(setting.rawValue + " ") }
    lines.append("\(setting.rawValue) \(value)")
    do throws(CoreError) {
      try Folder.make(Folder.of(path), mode: 0o700)
      try AtomicFile.replace(path, parts: [Array((lines.joined(separator: "\n") + "\n").utf8)], mode: 0o600)
    } catch {
      note("the setting is not kept: \(error.message)")
    }
  }

  /// Runs the start-up file statement by statement, so that an error drops nothing but its own statement. Lines may be
  /// commands as well.
  func readStartupFile() {
    guard let path = Prompt.startupPath, access(path, F_OK) == 0, let text = runner.text(ofScript: path) else { return }
    isStarting = true
    defer { isStarting = false }
    var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)[...]
    while let first = lines.first {
      let start = lines.startIndex
      if trimmed(first).isEmpty {
        lines.removeFirst()
        continue
      }
      if trimmed(first).hasPrefix(":") {
        lines.removeFirst()
        command(trimmed(first))
        continue
      }
      var count = 1
      while count < lines.count, !isWhole(lines.prefix(count).joined(separator: "\n")) { count += 1 }
      let statement = lines.prefix(count).joined(separator: "\n")
      // What is never whole has its error in its first line.
      lines.removeFirst(isComplete(statement) ? count : 1)
      _ = runner.run(Source(name: path, text: statement, firstLine: start + 1))
      Interrupts.clear()
      if exitStatus != nil { return }
    }
  }
}
