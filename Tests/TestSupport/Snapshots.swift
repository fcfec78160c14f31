import Foundation

/// Programs with the messages they are given, in text files: `=== name`, the program, `---`, the messages.
/// `LTD_RECORD=1 swift test --filter SnapshotTests` writes the messages anew; review the difference.
public struct Snapshots: Sendable {
  public struct Case: Sendable {
    public var name: String
    public var program: String
    public var expected: String
  }

  public let folder: URL

  public init(folder: URL) { self.folder = folder }

  public var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }

  public func cases(in file: String) throws -> [Case] {
    var cases: [Case] = []
    var isProgram = false
    for line in try String(contentsOf: folder.appending(path: file), encoding: .utf8).components(separatedBy: "\n") {
      if line.hasPrefix("=== ") {
        cases.append(Case(name: String(line.dropFirst(4)), program: "", expected: ""))
        isProgram = true
      } else if line == "---", isProgram {
        isProgram = false
      } else if let last = cases.indices.last {
        if isProgram { cases[last].program += line + "\n" } else { cases[last].expected += line + "\n" }
      }
    }
    return cases.map { item in
      var item = item
      if item.program.hasSuffix("\n") { item.program.removeLast() }
      while item.expected.hasSuffix("\n") { item.expected.removeLast() }
      return item
    }
  }

  /// Holds the cases of a file against what `messages` gives for their programs, or records that.
  /// - Returns: the cases that differ, with what came.
  public func differences(in file: String, _ messages: (String) -> String) throws -> [String] {
    var recorded = ""
    var differences: [String] = []
    for item in try cases(in: file) {
      var actual = messages(item.program)
      while actual.hasSuffix("\n") { actual.removeLast() }
      if actual.isEmpty { actual = "no error" }
      recorded += "=== \(item.name)\n\(item.program)\n---\n\(actual)\n\n"
      if actual != item.expected { differences.append("\(item.name):\n\(actual)") }
    }
    guard ProcessInfo.processInfo.environment["LTD_RECORD"] != nil else { return differences }
    try recorded.write(to: folder.appending(path: file), atomically: true, encoding: .utf8)
    return []
  }

  /// The messages of folders of sources that no snapshot shows, other than those listed in the file `out-of-reach`, and
  /// those listed there for no reason.
  /// - Parameters:
  ///   - calls: what stands before a message, such as `fail(`; `(.kind, ` always counts.
  ///   - partCalls: what stands before a part of a message.
  public func unseenMessages(of sources: URL..., calls: [String] = [], partCalls: [String] = []) throws -> [String] {
    let shown = try files.flatMap { try cases(in: $0) }.flatMap { $0.expected.split(separator: "\n") }
      .compactMap { line in
        ["error: ", "warning: "].first { line.hasPrefix($0) }.map { String(line.dropFirst($0.count)) }
      }
      .flatMap(Self.endings)
    let list = try String(contentsOf: folder.appending(path: "out-of-reach"), encoding: .utf8)
    var listed = Set(list.split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init))
    let sites = try sources.flatMap { folder in
      try MessageSite.all(below: folder, calls: calls)
        + MessageSite.all(below: folder, kinds: nil, calls: partCalls).map(\.anywhere)
    }
    let unseen = sites.filter { site in !shown.contains { site.covers($0) } }
    let missing = unseen.filter { !listed.contains($0.message) }.map(\.description)
    listed.subtract(unseen.map(\.message))
    return missing + listed.sorted().map { "out-of-reach: \($0)" }
  }

  /// A message, and what is left of it without the places put before it: `layer 'fc1': …`.
  private static func endings(_ message: String) -> [String] {
    let parts = message.components(separatedBy: ": ")
    return parts.indices.map { parts[$0...].joined(separator: ": ") }
  }
}

/// A place in the sources that raises a message.
struct MessageSite: CustomStringConvertible {
  var place: String
  /// What stands between the values that are put in.
  var parts: [String]

  var message: String { parts.joined(separator: "…") }
  var description: String { "\(place): \(message)" }
  /// With any words before and after it.
  var anywhere: MessageSite { MessageSite(place: place, parts: [""] + parts + [""]) }

  /// Whether a message may have come from here.
  func covers(_ message: String) -> Bool {
    guard let first = parts.first, let last = parts.last, message.hasPrefix(first) else { return false }
    if parts.count == 1 { return message == first }
    var rest = message.dropFirst(first.count)
    for part in parts.dropFirst().dropLast() where !part.isEmpty {
      guard let range = rest.range(of: part) else { return false }
      rest = rest[range.upperBound...]
    }
    return rest.hasSuffix(last)
  }

  private static let allKinds = "syntax|name|type|shape|value|io|numeric|memory|limit|warning"

  static func all(below folder: URL, kinds: String? = allKinds, calls: [String]) throws -> [MessageSite] {
    let starts =
      (kinds.map { ["\\(\\s*\\.(?:\($0)),\\s*"] } ?? [])
      + calls.map { NSRegularExpression.escapedPattern(for: $0) + "\\s*" }
    if starts.isEmpty { return [] }
    let pattern = try NSRegularExpression(pattern: "(?:" + starts.joined(separator: "|") + ")(?=\")")
    let names = FileManager.default.enumerator(atPath: folder.path)?.compactMap { $0 as? String } ?? []
    return try names.filter { $0.hasSuffix(".swift") }.sorted().flatMap { name in
      let text = try String(contentsOf: folder.appending(path: name), encoding: .utf8)
      let matches = pattern.matches(in: text, range: NSRange(text.startIndex..., in: text))
      return matches.compactMap { match -> MessageSite? in
        guard let range = Range(match.range, in: text) else { return nil }
        let line = text[..<range.lowerBound].count { $0 == "\n" } + 1
        return MessageSite(place: "\(name):\(line)", parts: literals(text[range.upperBound...]))
      }
    }
  }

  /// The string literals at the start of a text, joined with `+`: their parts between interpolations.
  private static func literals(_ text: Substring) -> [String] {
    let first = literal(text)
    var parts = first.parts
    var rest = text.dropFirst(first.length).drop(while: \.isWhitespace)
    while rest.first == "+" {
      rest = rest.dropFirst().drop(while: \.isWhitespace)
      guard rest.first == "\"" else { return parts + [""] }
      let next = literal(rest)
      parts = parts.dropLast() + [(parts.last ?? "") + (next.parts.first ?? "")] + next.parts.dropFirst()
      rest = rest.dropFirst(next.length).drop(while: \.isWhitespace)
    }
    return parts
  }

  /// The string literal at the start of a text: its parts between interpolations, and its length.
  private static func literal(_ text: Substring) -> (parts: [String], length: Int) {
    var parts = [""]
    var rest = text.dropFirst()
    while let character = rest.popFirst(), character != "\"" {
      guard character == "\\", let next = rest.popFirst() else {
        parts[parts.count - 1].append(character)
        continue
      }
      guard next == "(" else {
        parts[parts.count - 1].append(next == "n" ? "\n" : next)
        continue
      }
      var depth = 1
      while depth > 0, let inner = rest.first {
        if inner == "\"" {
          rest = rest.dropFirst(literal(rest).length)
          continue
        }
        if inner == "(" { depth += 1 }
        if inner == ")" { depth -= 1 }
        rest = rest.dropFirst()
      }
      parts.append("")
    }
    return (parts, text.count - rest.count)
  }
}
