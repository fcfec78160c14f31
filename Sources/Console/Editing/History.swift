import Base
import Platform

/// The statements of past sessions, kept in a private file and shared with the consoles that are open now.
///
/// One entry a line, `\` and line breaks written as `\\` and `\n`; after `\@` follow when and where it ran. Each statement
/// is appended as soon as it is submitted, so that sessions side by side do not lose each other's and a crash loses none;
/// how it ended is a line of its own that begins with `\#`. Lines of earlier versions, without all that, are read too.
package final class History {
  /// How a statement ended.
  package enum Outcome: String, Sendable {
    case success = "ok"
    case failure = "failed"
    case interrupted = "stopped"
  }

  /// A statement, and what is known of its last run.
  package struct Entry: Equatable, Sendable {
    package var text: String
    /// When it was submitted, in seconds since 1970.
    package var time: Double?
    /// The folder that it ran in.
    package var folder: String?
    /// How long it ran.
    package var seconds: Double?
    package var outcome: Outcome?
    /// The session and the number of the entry in it.
    var id: String?
  }

  /// Oldest first.
  package private(set) var entries: [Entry] = []
  /// The texts of the entries.
  package private(set) var texts: [String] = []
  /// How many entries are kept.
  package var size: Int {
    didSet { trim() }
  }
  private let path: String?
  /// Marks this session's lines in the file.
  private let session: String
  private var count = 0
  /// What was submitted last and has not ended.
  private var running: (index: Int, id: String)?
  /// How much of the file has been read, and which file that was.
  private var position = 0
  private var file: FileIdentity?

  private struct FileIdentity: Equatable {
    var device: dev_t
    var number: ino_t
  }

  /// As much of the file is read at most, from its end.
  private static let most = 64 << 20

  /// - Parameters:
  ///   - path: nil for a history that is not kept.
  ///   - size: how many entries are kept.
  package init(path: String?, size: Int = 10_000) {
    self.path = path
    self.size = size
    session = String(getpid(), radix: 36) + "-" + String(UInt64.random(in: 0..<1 << 40), radix: 36)
  }

  /// `$XDG_STATE_HOME/ltd/history`, or `~/.local/state/ltd/history`; nil where there is no home.
  package static var defaultPath: String? {
    if let state = Terminal.environment("XDG_STATE_HOME"), state.hasPrefix("/") { return state + "/ltd/history" }
    guard let home = Terminal.environment("HOME"), home.hasPrefix("/") else { return nil }
    return home + "/.local/state/ltd/history"
  }

  /// The folder of the process; empty where it is gone.
  static var currentFolder: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
  }

  /// Lines that could not be written yet, as on a full disk.
  private var unwritten = ""
  private static let mostUnwritten = 1 << 20

  // MARK: Reading

  /// Whether the file has been read: of thousands of entries that takes longer than all else that a prompt needs.
  package private(set) var isLoaded = false

  /// Reads the file; a file that has grown to twice the size is cut down.
  /// - Returns: what went wrong, if anything.
  package func load() -> String? {
    isLoaded = true
    let problem = read(isFirst: true)
    let tooMany = entries.count > max(size, 1) &* 2
    trim()
    return problem ?? (tooMany ? rewrite() : nil)
  }

  /// Reads what other consoles have added since.
  package func refresh() {
    if path == nil || !isLoaded { return }
    _ = read(isFirst: false)
    trim()
  }

  private func read(isFirst: Bool) -> String? {
    guard let path else { return nil }
    let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    if descriptor < 0 {
      return errno == ENOENT || errno == ENOTDIR
        ? nil : "the history could not be read: \(CoreError.cannot("read", path).message)"
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      return isFirst ? "the history could not be read: \(path) is no file" : nil
    }
    let found = FileIdentity(device: status.st_dev, number: status.st_ino)
    let size = Int(status.st_size)
    if file == found, size == position { return nil }
    // Another file is there: somebody has cut it down, and all it has is known but what was added since.
    let isAnother = !isFirst && (file.map { $0 != found } ?? false || size < position)
    let known = isAnother ? Set(entries.compactMap(\.id)) : []
    var start = isFirst || isAnother ? 0 : position
    let isCut = size - start > Self.most
    if isCut { start = size - Self.most }
    var bytes = [UInt8](repeating: 0, count: max(0, size - start))
    let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, off_t(start)) }
    guard count >= 0 else {
      return isFirst ? "the history could not be read: \(CoreError.cannot("read", path).message)" : nil
    }
    var text = bytes[..<count]
    if isCut { text = text.drop { $0 != UInt8(ascii: "\n") }.dropFirst() }
    // A line that is still being written is read the next time.
    let end = text.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? (isFirst ? text.endIndex : text.startIndex)
    file = found
    position = start + end
    for line in text[..<end].split(separator: UInt8(ascii: "\n")) {
      take(line, isFirst: isFirst, known: known, isAnother)
    }
    return isCut ? "the history has more than \(Self.most >> 20) MiB: the oldest entries are left out" : nil
  }

  private func take(_ line: ArraySlice<UInt8>, isFirst: Bool, known: Set<String>, _ isAnother: Bool) {
    let backslash = UInt8(ascii: "\\")
    if line.count > 1, line.first == backslash, line[line.startIndex + 1] == UInt8(ascii: "#") {
      if isFirst || !isAnother { end(String(decoding: line.dropFirst(2), as: UTF8.self)) }
      return
    }
    guard let entry = Self.entry(line) else { return }
    if !isFirst {
      if entry.id.map({ known.contains($0) || $0.hasPrefix(session + ".") }) ?? isAnother { return }
    }
    append(entry)
  }

  private func append(_ entry: Entry) {
    entries.append(entry)
    texts.append(entry.text)
  }

  /// The line `\#id seconds outcome`, and the time of the run where the statement was there already.
  private func end(_ line: String) {
    let words = line.split(separator: " ")
    guard words.count >= 3, !words[0].hasPrefix(session + ".") else { return }
    guard let index = entries.lastIndex(where: { $0.id.map { $0 == words[0] } ?? false }) else { return }
    entries[index].seconds = Double(words[1])
    entries[index].outcome = Outcome(rawValue: String(words[2]))
    if words.count > 3 { entries[index].time = Double(words[3]) }
  }

  // MARK: Adding

  /// Adds a statement and appends it to the file; one that repeats the last is not added.
  /// - Returns: what went wrong, if anything.
  package func add(_ statement: String, time: Double = secondsSince1970(), folder: String? = nil) -> String? {
    guard !statement.isEmpty else { return nil }
    if statement == texts.last, let last = entries.last {
      running = last.id.map { (entries.count - 1, $0) }
      entries[entries.count - 1].time = time
      return nil
    }
    count += 1
    let id = "\(session).\(count)"
    let entry = Entry(text: statement, time: time, folder: folder ?? Self.currentFolder, id: id)
    append(entry)
    trim()
    running = entries.isEmpty ? nil : (entries.count - 1, id)
    return write(Self.line(entry))
  }

  /// Notes how the statement that was added last ended.
  package func finish(_ outcome: Outcome, seconds: Double) {
    guard let running, entries.indices.contains(running.index), entries[running.index].id == running.id else { return }
    self.running = nil
    entries[running.index].outcome = outcome
    entries[running.index].seconds = seconds
    let time = entries[running.index].time.map { " \(Int($0))" } ?? ""
    _ = write("\\#\(running.id) \(Self.text(seconds: seconds)) \(outcome.rawValue)\(time)\n")
  }

  /// Appends a line to the file, after those that could not be written before.
  private func write(_ line: String) -> String? {
    guard let path else { return nil }
    unwritten += line
    func notKept(_ error: CoreError) -> String {
      if unwritten.utf8.count > Self.mostUnwritten { unwritten = "" }
      return "the history is not kept: \(error.message)"
    }
    do throws(CoreError) { try Folder.make(Folder.of(path), mode: 0o700) } catch { return notKept(error) }
    // Without waiting: a pipe in its place that nobody reads from must not hang the prompt.
    let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_CLOEXEC, 0o600)
    if descriptor < 0 { return notKept(.cannot("write", path)) }
    defer { close(descriptor) }
    // One write under a lock: another session is either before or after it, or cutting the file down.
    flock(descriptor, LOCK_EX)
    let end = lseek(descriptor, 0, SEEK_END)
    let bytes = Array(unwritten.utf8)
    let written = bytes.withUnsafeBytes { writeSome(descriptor, $0.baseAddress, $0.count) }
    guard written == bytes.count else {
      let reason = written < 0 ? errno : ENOSPC
      // Half of a line would make one with the next.
      if written > 0, end >= 0 { _ = ftruncate(descriptor, end) }
      errno = reason
      return notKept(.cannot("write", path))
    }
    unwritten = ""
    return nil
  }

  private func trim() {
    let excess = entries.count - max(0, size)
    guard excess > 0 else { return }
    entries.removeFirst(excess)
    texts.removeFirst(excess)
    if let index = running?.index { running?.index = index - excess }
  }

  /// Writes the kept entries to a new file that then takes the place of the old one.
  private func rewrite() -> String? {
    guard let path else { return nil }
    let text = entries.map { Self.line($0) }.joined()
    do throws(CoreError) {
      try AtomicFile.replace(path, parts: [Array(text.utf8)], mode: 0o600)
      var status = stat()
      if stat(path, &status) == 0 {
        file = FileIdentity(device: status.st_dev, number: status.st_ino)
        position = text.utf8.count
      }
      return nil
    } catch {
      return "the history was not cut down: \(error.message)"
    }
  }

  // MARK: Lines

  /// `text\@id time seconds outcome folder`, `-` for what is not known; the text alone for entries of earlier versions.
  static func line(_ entry: Entry) -> String {
    guard let id = entry.id else { return encode(entry.text) + "\n" }
    let facts = [
      id, entry.time.map { "\(Int($0))" } ?? "-", entry.seconds.map { text(seconds: $0) } ?? "-",
      entry.outcome?.rawValue ?? "-", encode(entry.folder ?? "-"),
    ]
    return encode(entry.text) + "\\@" + facts.joined(separator: " ") + "\n"
  }

  private static func text(seconds: Double) -> String { seconds.fixed(3) }

  static func entry(_ line: ArraySlice<UInt8>) -> Entry? {
    let backslash = UInt8(ascii: "\\")
    var end = line.startIndex
    var isEncoded = false
    while end < line.endIndex {
      if line[end] == backslash {
        if end + 1 < line.endIndex, line[end + 1] == UInt8(ascii: "@") { break }
        isEncoded = true
        end += 1
      }
      end += 1
    }
    end = min(end, line.endIndex)
    let written = String(decoding: line[..<end], as: UTF8.self)
    var entry = Entry(text: isEncoded ? decode(written) : written)
    if entry.text.isEmpty { return nil }
    guard end < line.endIndex else { return entry }
    let facts = String(decoding: line[(end + 2)...], as: UTF8.self)
      .split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
    guard facts.count == 5 else { return entry }
    entry.id = String(facts[0])
    entry.time = Double(facts[1])
    entry.seconds = Double(facts[2])
    entry.outcome = Outcome(rawValue: String(facts[3]))
    entry.folder = facts[4] == "-" ? nil : decode(String(facts[4]))
    return entry
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
