import Base

/// The options of a script, `--eps 0.1`, as `args(eps=0.1)` declares them by their defaults.
struct ScriptOptions {
  private let defaults: RecordValue
  private let call: Call
  /// Takes the words that belong to no option.
  private static let rest = "words"

  init(_ defaults: RecordValue, _ call: Call) throws(LTDError) {
    self.defaults = defaults
    self.call = call
    for (name, value) in defaults.fields {
      if name == "help" {
        throw call.error(.value, "help is an option of every script", hint: "choose another name", at: "options")
      }
      if name == Self.rest, value.asList?.isEmpty != true {
        throw call.error(
          .type, "words takes the words that belong to no option; its default must be []", at: "options")
      }
      let isReadable: Bool =
        switch value {
        case .none, .bool, .int, .float, .string: true
        case .list(let list): list.items.allSatisfy { $0.isReadableWord }
        default: false
        }
      guard isReadable else {
        throw call.error(
          .type,
          "the default of \(name) must be an int, float, string, bool, none or a list of such, not \(value.kindText)",
          at: "options")
      }
    }
  }

  func read(_ words: [String]) throws(LTDError) -> Value {
    var values = defaults
    var given: Set<String> = []
    var others: [Value] = []
    var left = words[...]
    while let word = left.popFirst() {
      if word == "--" {
        others += left.map { Value($0) }
        break
      }
      guard word.hasPrefix("--") else {
        others.append(Value(word))
        continue
      }
      if word == "--help" { return try help() }
      let parts = word.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let written = String(parts.first ?? "")
      let (name, isNegated) = try option(written)
      guard given.insert(name).inserted else {
        throw call.error(.value, "the option --\(written) is given twice", hint: "leave one out")
      }
      let standard = defaults[name] ?? .none
      let text: String
      if parts.count > 1 {
        text = String(parts[1])
      } else if case .bool = standard {
        text = "true"
      } else if let next = left.first, !next.hasPrefix("--") {
        text = next
        left.removeFirst()
      } else {
        throw call.error(.value, "the option --\(written) needs a value", hint: "write \(usage(name))")
      }
      var value = try self.value(text, like: standard, "--\(written)")
      if isNegated, case .bool(let truth) = value { value = .bool(!truth) }
      RecordValue.set(name, value, in: &values)
    }
    if defaults[Self.rest] != nil {
      RecordValue.set(Self.rest, Value(others), in: &values)
    } else if let word = others.first {
      throw call.error(
        .value, "the word \(word.shortText(PrintOptions())) belongs to no option",
        hint: "the options are \(list); a default words=[] takes words that stand alone")
    }
    return .record(values)
  }

  private var names: [String] { defaults.keys.filter { $0 != Self.rest } }
  private var list: String { names.map(Self.written).joined(separator: ", ") }

  private static func written(_ name: String) -> String { "--" + dashed(name) }
  private static func dashed(_ name: String) -> String { String(name.map { $0 == "_" ? "-" : $0 }) }

  /// The option that is meant, and whether it is a flag that is taken back.
  private func option(_ written: String) throws(LTDError) -> (name: String, isNegated: Bool) {
    let dashed = Self.dashed(written)
    if let name = names.first(where: { Self.dashed($0) == dashed }) { return (name, false) }
    if dashed.hasPrefix("no-"), let name = names.first(where: { "no-" + Self.dashed($0) == dashed }),
      case .bool? = defaults[name]
    {
      return (name, true)
    }
    let close = nearest(dashed, among: names.map(Self.dashed)).map { "did you mean --\($0)?" }
    throw call.error(
      .value, "there is no option --\(written)",
      hint: close ?? "the options are \(list); --help explains them")
  }

  private func value(_ text: String, like standard: Value, _ option: String) throws(LTDError) -> Value {
    func fail(_ wanted: String) -> LTDError {
      call.error(.value, "\(option) must be \(wanted), not \(Value(text).shortText(PrintOptions()))")
    }
    switch standard {
    case .bool:
      switch text {
      case "true", "yes", "on", "1": return .bool(true)
      case "false", "no", "off", "0": return .bool(false)
      default: throw fail("true or false")
      }
    case .int:
      guard let number = Int(text) else { throw fail("an int") }
      return .int(number)
    case .float:
      guard let number = Self.number(text) else { throw fail("a number") }
      return .float(number)
    case .list(let items):
      if text.isEmpty { return Value([Value]()) }
      let sample = items.items.first ?? Value("")
      var values: [Value] = []
      for part in text.split(separator: ",", omittingEmptySubsequences: false) {
        values.append(try value(CoreStrings.trimmed(String(part)), like: sample, "an element of \(option)"))
      }
      return Value(values)
    default: return Value(text)
    }
  }

  /// A number, or a fraction such as 8/255.
  private static func number(_ text: String) -> Double? {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { CoreStrings.trimmed(String($0)) }
    // What stands after a zero byte would not be looked at.
    guard !text.utf8.contains(0), let first = parts.first.flatMap({ Double($0) }) else { return nil }
    if parts.count == 1 { return first }
    guard parts.count == 2, let second = Double(parts[1]), second != 0 else { return nil }
    return first / second
  }

  // MARK: Help

  private func usage(_ name: String) -> String {
    switch defaults[name] {
    case .bool(let isSet): isSet ? "--no-\(Self.dashed(name))" : Self.written(name)
    case .int: "\(Self.written(name)) INT"
    case .float: "\(Self.written(name)) NUMBER"
    case .list: "\(Self.written(name)) A,B,…"
    default: "\(Self.written(name)) TEXT"
    }
  }

  private func help() throws(LTDError) -> Value {
    let path = call.site?.source.name ?? "script.ltd"
    let script = path.split(separator: "/").last.map(String.init) ?? path
    let words = defaults[Self.rest] == nil ? "" : " [word …]"
    let rows = names.map { name in
      [usage(name), defaults[name].map { $0.isNone ? "" : "default: \($0.shortText(PrintOptions()))" } ?? ""]
    }
    let lines =
      ["usage: ltd \(script) [option …]\(words)", ""]
      + AlignedText(rows + [["--help", "show this text"]], sides: [.left]).lines(indent: 2)
    try call.write(lines.joined(separator: "\n") + "\n")
    call.session.exitCode = 0
    throw LTDError(.interrupted, "exit")
  }
}

extension Value {
  fileprivate var isReadableWord: Bool {
    switch self {
    case .bool, .int, .float, .string: true
    default: false
    }
  }
}
