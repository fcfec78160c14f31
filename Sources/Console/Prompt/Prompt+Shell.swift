import Base
import Help
import Interpreter
import Platform

/// What people do in a shell beside their work: where they are, what is there, a clear screen, a page that can be scrolled.
extension Prompt {
  /// `:cd folder`.
  func changeFolder(_ rest: String) {
    let home = Terminal.environment("HOME") ?? "/"
    let folder = rest.isEmpty || rest == "~" ? home : rest.hasPrefix("~/") ? home + rest.dropFirst() : rest
    guard chdir(folder) == 0 else {
      return problem(
        "the folder '\(folder)' cannot be entered: \(String(cString: strerror(errno)))", hint: ":ls shows what is here")
    }
    showFolder()
  }

  /// `:pwd`.
  func showFolder() {
    guard let path = getcwd(nil, 0) else { return problem("the folder that paths begin at is gone", hint: ":cd") }
    defer { free(path) }
    output.write(String(cString: path) + "\n")
  }

  /// `:ls folder`: folders with a stroke at their ends; names that begin with a point are left out.
  func listFolder(_ rest: String) {
    let folder = rest.isEmpty ? "." : rest
    do throws(CoreError) {
      let names = try Folder.names(in: folder).filter { !$0.hasPrefix(".") }.sorted().map { name in
        safe(name) + (FileStatus("\(folder)/\(name)")?.isFolder == true ? "/" : "")
      }
      output.write(columns(names, width: session.printing.width, most: 1000))
    } catch {
      problem(error.message, hint: error.hint)
    }
  }

  /// A name without signs that would steer the terminal.
  private func safe(_ name: String) -> String {
    name.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F..<0xA0).contains($0.value) }
      ? name
      : String(
        String.UnicodeScalarView(
          name.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "?" : $0 }))
  }

  /// `:clear`.
  func clearScreen() {
    if Terminal.canDraw(1) { output.write("\u{1B}[H\u{1B}[2J\u{1B}[3J") }
  }

  /// Where nobody has set less otherwise: bold text is shown, the page stays on the screen when it is left, and the last
  /// line says which keys there are, since nobody has to know less.
  private static let lessOptions = "-RX -PSpace goes on, q returns to ltd?e (this is the end).$"

  /// Shows a text that is taller than the screen in `$PAGER`, or in less where that is not set.
  /// - Returns: false where the text is to be written as it is.
  func page(_ text: String) -> Bool {
    guard editor is LibeditEditor, Terminal.canDraw(1) else { return false }
    var size = winsize()
    guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 1 else { return false }
    guard text.utf8.count(where: { $0 == UInt8(ascii: "\n") }) >= Int(size.ws_row) else { return false }
    let pager = Terminal.environment("PAGER") ?? "less"
    if pager.isEmpty || pager == "cat" { return false }
    let file = "\(Terminal.environment("TMPDIR") ?? "/tmp")/ltd-page-\(getpid())"
    guard (try? AtomicFile.replace(file, parts: [Array(text.utf8)], mode: 0o600)) != nil else { return false }
    defer { unlink(file) }
    output.flush()
    // Read from standard input, so that no pager names the file, which is gone before anybody can end us.
    let status = ChildProcess.foreground(
      "/bin/sh",
      ["-c", "exec < \"$1\"; rm -f \"$1\"; LESS=\"${LESS-\(Self.lessOptions)}\" exec \(pager)", "PAGER", file])
    return status != 126 && status != 127
  }
}
