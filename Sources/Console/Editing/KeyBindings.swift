/// The keys that ~/.editrc binds, found by comparing what libedit lists before and after it has read the file.
///
/// A key that is bound to something the console does itself, such as going through the history or to the end of a line, is
/// taken for the console's own key for that, since libedit knows neither the history nor more than one line. All other
/// bindings are libedit's business: it gets the bytes as they came.
struct KeyBindings {
  enum Meaning: Equatable {
    case key(Key)
    /// The bytes are for libedit.
    case libedit
  }

  /// Keys of one byte, where libedit inserts and where vi takes commands.
  private var main: [UInt8: String] = [:]
  private var commands: [UInt8: String] = [:]
  /// Longer ones, of both.
  private var sequences: [[UInt8]: String] = [:]
  private var sequencesBegin: (main: Set<UInt8>, commands: Set<UInt8>) = ([], [])

  /// No bindings.
  init() {}

  /// - Parameters:
  ///   - usual: what libedit lists without the user's file.
  ///   - own: what it lists with it.
  init(usual: String, own: String) {
    let (old, new) = (Listing(usual), Listing(own))
    main = new.main.filter { old.main[$0.key] != $0.value && $0.value != Self.leadIn }
    commands = new.commands.filter { old.commands[$0.key] != $0.value && $0.value != Self.leadIn }
    sequences = new.sequences.filter { old.sequences[$0.key] != $0.value }
    sequencesBegin = (
      Set(new.main.filter { $0.value == Self.leadIn }.keys), Set(new.commands.filter { $0.value == Self.leadIn }.keys)
    )
  }

  /// What the user wants of a key; nil where he has bound it to nothing.
  /// - Parameters:
  ///   - bytes: the bytes of the key as they came.
  ///   - inCommands: whether vi takes commands.
  func meaning(of bytes: [UInt8], inCommands: Bool) -> Meaning? {
    guard let first = bytes.first else { return nil }
    let function: String?
    if bytes.count == 1 {
      function = inCommands ? commands[first] : main[first]
    } else {
      let begins = inCommands ? sequencesBegin.commands : sequencesBegin.main
      function = begins.contains(first) ? sequences[bytes] : nil
    }
    guard let function else { return nil }
    return Self.ours[function].map { .key($0) } ?? .libedit
  }

  private static let leadIn = "ed-sequence-lead-in"

  /// Functions of libedit that are the console's, as the keys that do the same here.
  private static let ours: [String: Key] = [
    "ed-prev-history": .control(16), "ed-next-history": .control(14), "ed-search-prev-history": .named(.up),
    "ed-search-next-history": .named(.down), "ed-prev-line": .named(.up), "ed-next-line": .named(.down),
    "em-inc-search-prev": .control(19), "em-inc-search-next": .control(19), "vi-search-prev": .control(19),
    "vi-search-next": .control(19), "ed-newline": .control(13), "ed-end-of-file": .control(4),
    "em-delete-or-list": .control(4), "vi-list-or-eof": .control(4), "ed-tty-sigint": .control(3),
    "ed-tty-sigtstp": .control(26), "ed-clear-screen": .control(12), "ed-redisplay": .ignored, "ed-ignore": .ignored,
    "is undefined": .ignored, "ed-unassigned": .ignored, "ed-quoted-insert": .control(22),
    "ed-delete-prev-char": .control(127), "em-delete-prev-char": .control(127), "vi-delete-prev-char": .control(127),
    "ed-delete-next-char": .named(.delete), "ed-move-to-beg": .named(.home), "ed-move-to-end": .named(.end),
    "ed-prev-char": .named(.left), "ed-next-char": .named(.right), "ed-prev-word": .named(.left, .control),
    "em-next-word": .named(.right, .control), "ed-kill-line": .control(11), "vi-kill-line-prev": .control(21),
    "em-yank": .control(25), "ed-delete-prev-word": .control(23), "em-delete-next-word": .named(.delete, .control),
    "vi-undo": .control(31), "vi-undo-line": .control(31), "vi-command-mode": .escape,
  ]

  /// What `bind` of libedit writes, taken apart.
  private struct Listing {
    var main: [UInt8: String] = [:]
    var commands: [UInt8: String] = [:]
    var sequences: [[UInt8]: String] = [:]

    init(_ text: String) {
      enum Part { case main, commands, sequences, others }
      var part = Part.others
      for line in text.split(separator: "\n") {
        if !line.hasPrefix("\"") {
          part =
            line.hasPrefix("Standard")
            ? .main
            : line.hasPrefix("Alternative") ? .commands : line.hasPrefix("Multi-character") ? .sequences : .others
          continue
        }
        guard let arrow = line.firstRange(of: "->") else { continue }
        let function = String(line[arrow.upperBound...].drop { $0 == " " })
        let keys = line[..<arrow.lowerBound]
        let range = keys.firstRange(of: " to \"")
        let first = Self.bytes(keys[..<(range?.lowerBound ?? keys.endIndex)])
        guard let start = first.first, let end = range.map({ Self.bytes(keys[$0.upperBound...]).first }) ?? start else {
          continue
        }
        switch part {
        case .sequences: sequences[first] = function
        case .main where start <= end: for key in start...end { main[key] = function }
        case .commands where start <= end: for key in start...end { commands[key] = function }
        default: break
        }
      }
    }

    /// The bytes that libedit shows as `"^[[15~"`.
    private static func bytes(_ shown: Substring) -> [UInt8] {
      var rest = Array(shown.utf8)[...]
      while rest.last == UInt8(ascii: " ") { rest.removeLast() }
      if rest.count > 1, rest.last == UInt8(ascii: "\"") { rest.removeLast() }
      if rest.count > 1, rest.first == UInt8(ascii: "\"") { rest.removeFirst() }
      var bytes: [UInt8] = []
      while let byte = rest.popFirst() {
        if byte == UInt8(ascii: "^"), let next = rest.first, (0x3F...0x5F).contains(next) {
          rest.removeFirst()
          bytes.append(next ^ 0x40)
        } else if byte == UInt8(ascii: "\\"), rest.count >= 3, rest.prefix(3).allSatisfy({ (0x30...0x37).contains($0) })
        {
          bytes.append(rest.prefix(3).reduce(0) { $0 &* 8 &+ ($1 - 0x30) })
          rest.removeFirst(3)
        } else {
          bytes.append(byte)
        }
      }
      return bytes
    }
  }
}
