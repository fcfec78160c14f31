/// A script with what it should print, read from its comments.
///
/// `# expect: text` says a line of output, `# expect error: text` an error of that line, `# expect exit: n` the exit
/// status; `# args:`, `# stdin:`, `# timeout:` and `# skip:` say how the script is run (Tests/scripts/README.md has all of
/// them). The comments are found by following string literals, so that a `#` within one is not taken for a comment. A
/// script with any expectation must print exactly the expected lines, in order, and no other errors; one without must only
/// end well. It runs in a process of its own (ScriptTest+Run.swift), the examples of its `##` comments in a session of this
/// one.
public struct ScriptTest: Sendable {
  /// Seconds a script may take that sets no limit itself.
  public static let defaultSeconds: Double = 30

  /// What a comment says.
  package struct Expected: Equatable, Sendable {
    /// The line of the script, from 1: of the comment, or for an error of the last code before it.
    package var line: Int
    /// What is expected, without a newline.
    package var text: String
  }

  /// The file of the script.
  package var path: String
  /// The lines that it must print, in order; nothing is compared where there are neither these nor `errors`.
  package var output: [Expected] = []
  /// Parts of the messages of the errors that it must report.
  package var errors: [Expected] = []
  /// The exit status that it must have; nil for 0, or for any other than 0 where errors are expected.
  package var exit: Int32?
  /// The words after its name.
  package var arguments: [String] = []
  /// What stands on its standard input.
  package var input = ""
  /// Why it is not run; nil where it is.
  package var skipped: String?
  /// Its own time limit in seconds, if it sets one.
  package var seconds: Double?
  /// Comments that look like one of ours and are not.
  package var problems: [Expected] = []

  /// Reads the expectations of a script.
  package init(path: String, text: String) {
    self.path = path
    var quote: String?
    var codeLine = 1
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let number = index + 1
      let (comment, hasCode) = Self.directive(in: line, quote: &quote)
      if hasCode { codeLine = number }
      if let comment { read(comment, line: number, codeLine: codeLine) }
    }
  }

  /// Whether the script says anything about what it prints.
  var isStrict: Bool { !output.isEmpty || !errors.isEmpty }

  private mutating func read(_ comment: String, line: Int, codeLine: Int) {
    func value(_ name: String) -> String? {
      guard comment.hasPrefix(name) else { return nil }
      let rest = comment.dropFirst(name.count)
      return String(rest.first == " " ? rest.dropFirst() : rest)
    }
    if let text = value("expect:") {
      output.append(Expected(line: line, text: text))
    } else if let text = value("expect error:") ?? value("expect runtime error:") {
      errors.append(Expected(line: codeLine, text: text))
    } else if comment == "expect error" {
      errors.append(Expected(line: codeLine, text: ""))
    } else if let text = value("expect exit:"), let code = Int32(text) {
      exit = code
    } else if let text = value("args:") {
      arguments += splitWords(text)
    } else if let text = value("stdin:") {
      input += text + "\n"
    } else if let text = value("skip:") {
      skipped = text
    } else if let text = value("timeout:"), let seconds = Double(text), seconds > 0 {
      self.seconds = seconds
    } else if comment.hasPrefix("expect") {
      problems.append(Expected(line: line, text: comment))
    }
  }

  private static let names = ["expect", "args:", "stdin:", "skip:", "timeout:"]

  /// The comment of a line when it is one of ours, and whether code stands before it. Follows string literals, so that
  /// a `#` within one is not taken for a comment.
  /// - Parameter quote: the mark of a triple-quoted string that a line begins in.
  private static func directive(in line: Substring, quote: inout String?) -> (comment: String?, hasCode: Bool) {
    var rest = line
    var hasCode = quote != nil
    while let character = rest.first {
      if let open = quote {
        if character == "\\", open.first == "\"" {
          rest = rest.dropFirst(2)
        } else if rest.hasPrefix(open) {
          rest = rest.dropFirst(open.count)
          quote = nil
        } else {
          rest = rest.dropFirst()
        }
        continue
      }
      if character == "\"" || character == "'" {
        let triple = String(repeating: character, count: 3)
        quote = rest.hasPrefix(triple) ? triple : String(character)
        rest = rest.dropFirst(quote?.count ?? 1)
        hasCode = true
        continue
      }
      rest = rest.dropFirst()
      if character == "#" {
        let comment = trimmed(rest)
        if names.contains(where: { comment.hasPrefix($0) }) { return (comment, hasCode) }
      } else if character != " ", character != "\t", character != "\r" {
        hasCode = true
      }
    }
    if quote?.count == 1 { quote = nil }
    return (nil, hasCode)
  }
}

/// A string without white space at its ends.
func trimmed<Text: StringProtocol>(_ text: Text) -> String where Text.SubSequence == Substring {
  let start = text.drop { $0.isWhitespace }
  guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
  return String(start[...last])
}

/// The words of a string, between white space; quotes keep a word with spaces together.
func splitWords(_ text: String) -> [String] {
  var words: [String] = []
  var word = ""
  var isInWord = false
  var quote: Character?
  for character in text {
    if character == quote {
      quote = nil
    } else if quote == nil, character == "\"" || character == "'" {
      quote = character
      isInWord = true
    } else if quote == nil, character.isWhitespace {
      if isInWord { words.append(word) }
      word = ""
      isInWord = false
    } else {
      word.append(character)
      isInWord = true
    }
  }
  return isInWord ? words + [word] : words
}
