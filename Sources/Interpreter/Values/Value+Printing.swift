import Base

extension Value {
  /// Kind and value in a few words for messages: `the string "abc"`, `a list of 3`.
  public var described: String {
    if isFollowed { return plain.described }
    var options = PrintOptions()
    options.characters = 30
    switch self {
    case .none: return "none"
    case .bool, .int, .float: return "\(typeName) \(shortText(options))"
    case .string: return "the string \(shortText(options))"
    case .list(let list): return "a list of \(list.items.count.of("element"))"
    case .record(let record): return "a record of \(record.count.of("field"))"
    case .function(let function): return function.isNamed ? "the function \(function.name)" : Code.nameless
    default: return kindText
    }
  }

  /// What `print` and the prompt show. Strings are shown without quotes.
  public func text(_ options: PrintOptions) -> String {
    switch plain {
    case .string(let text): text.text
    case .object(let object): object.text(options)
    case .list(let list):
      RecordTable(list)?.text(options) ?? wrapped(list, options)
    case .record(let record): fieldByField(record, options)
    default: shortText(options)
    }
  }

  /// One line, as within a list: strings in quotes.
  public func shortText(_ options: PrintOptions) -> String {
    var writer = ValueWriter(options: options)
    writer.write(self, depth: 0)
    return writer.text
  }

  /// A list over several lines when one is too short.
  private func wrapped(_ list: ListValue, _ options: PrintOptions) -> String {
    let line = shortText(options)
    guard options.width < .max, line.unicodeScalars.count > options.width, list.items.count > 1 else { return line }
    var lines: [String] = []
    var current = "["
    let shown = list.items.prefix(options.items)
    for (place, item) in shown.enumerated() {
      let piece = item.shortText(options) + (place + 1 < list.items.count ? "," : "")
      if current.count > 1, current.unicodeScalars.count + piece.unicodeScalars.count + 1 > options.width {
        lines.append(current)
        current = " " + piece
      } else {
        current += current == "[" ? piece : " " + piece
      }
    }
    if list.items.count > shown.count { current += " … \(list.items.count - shown.count) more" }
    lines.append(current + "]")
    return lines.joined(separator: "\n")
  }
}

extension Value {
  /// A record on one line where that is wide enough, else with a line for each field: its name, and the value beside it. A
  /// list of records stands below its name, as a table, and so does a record that again needs several lines. Floats have
  /// six significant digits there, unless the options say how many.
  private func fieldByField(_ record: RecordValue, _ options: PrintOptions) -> String {
    let line = shortText(options)
    guard options.width < .max, line.unicodeScalars.count > options.width, options.depth > 1 else { return line }
    let names = record.layout.names.prefix(options.items).map { name in
      var writer = ValueWriter(options: options)
      writer.writeName(name)
      return writer.text + ":"
    }
    let indent = min(names.map(\.unicodeScalars.count).max() ?? 0, options.width / 3) + 1
    var inner = options
    inner.digits = options.digits ?? 6
    inner.depth -= 1
    inner.width = max(20, options.width - 2)
    if options.height < .max { inner.height = max(6, options.height - names.count) }
    var lines: [String] = []
    for (place, name) in names.enumerated() {
      if options.mustStop?() == true { break }
      let value = record[place].plain
      let short = value.shortText(inner)
      if options.width - indent >= short.unicodeScalars.count, !value.isTable {
        lines.append(name + String(repeating: " ", count: max(1, indent - name.unicodeScalars.count)) + short)
        continue
      }
      let text = value.isLong ? value.text(inner) : short
      lines.append(name)
      lines += text.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
    }
    if record.count > names.count { lines.append("… \(record.count - names.count) more fields") }
    return lines.joined(separator: "\n")
  }

  /// Whether it is a list that prints as a table.
  private var isTable: Bool {
    guard case .list(let list) = self, case .record? = list.items.first else { return false }
    return RecordTable(list) != nil
  }

  /// Whether its text within a record may take several lines.
  private var isLong: Bool {
    switch self {
    case .list, .record: true
    default: false
    }
  }
}

extension Unicode.Scalar {
  /// How a control character is written where data are shown, so that none of them reaches the terminal; `nil` of others.
  var escapedControl: String? {
    switch self {
    case "\n": "\\n"
    case "\t": "\\t"
    case "\r": "\\r"
    default: properties.generalCategory == .control ? "\\u{\(String(value, radix: 16))}" : nil
    }
  }
}

/// Writes values on one line within the limits of the options.
private struct ValueWriter {
  let options: PrintOptions
  var text = ""
  private var itemsToQuestion = ValueWriter.itemsPerQuestion
  private var isStopped = false

  private static let itemsPerQuestion = 4_096

  init(options: PrintOptions) { self.options = options }

  /// Whether the item with an index is left out, and so are all after it.
  private mutating func isFull(at place: Int) -> Bool {
    if let mustStop = options.mustStop {
      itemsToQuestion -= 1
      if itemsToQuestion <= 0 {
        itemsToQuestion = ValueWriter.itemsPerQuestion
        if !isStopped { isStopped = mustStop() }
      }
    }
    return isStopped || place >= options.items || text.utf8.count > options.bytes
  }

  mutating func write(_ value: Value, depth: Int) {
    switch value.plain {
    case .none: text += "none"
    case .bool(let truth): text += truth ? "true" : "false"
    case .int(let number): text += String(number)
    case .float(let number): text += Operations.text(number, digits: options.digits)
    case .string(let string): writeQuoted(string.text)
    case .range(let range):
      text += "\(range.start)..\(range.end)" + (range.step == 1 ? "" : " by \(range.step)")
    case .function(let function): text += function.isNamed ? "<function \(function.name)>" : "<function>"
    case .object(let object): text += object.shortText(options)
    case .error(let error): text += "<error: \(error.diagnostic.message)>"
    case .module(let module): text += "<module \(module.name)>"
    case .list(let list):
      guard depth < options.depth else {
        text += "[…]"
        return
      }
      text += "["
      for (place, item) in list.items.enumerated() {
        if place > 0 { text += ", " }
        if isFull(at: place) {
          text += "… \(list.items.count - place) more"
          break
        }
        write(item, depth: depth + 1)
      }
      text += "]"
    case .record(let record):
      guard depth < options.depth else {
        text += "{…}"
        return
      }
      text += "{"
      for (place, name) in record.layout.names.enumerated() {
        if place > 0 { text += ", " }
        if isFull(at: place) {
          text += "… \(record.count - place) more"
          break
        }
        writeName(name)
        text += ": "
        write(record[place], depth: depth + 1)
      }
      text += "}"
    }
  }

  mutating func writeName(_ name: String) {
    let isPlain =
      !name.isEmpty
      && name.unicodeScalars.enumerated().allSatisfy { place, scalar in
        scalar == "_" || scalar.properties.isAlphabetic || (place > 0 && scalar.properties.numericType != nil)
      }
    if isPlain { text += name } else { writeQuoted(name) }
  }

  private mutating func writeQuoted(_ string: String) {
    text += "\""
    var count = 0
    for scalar in string.unicodeScalars {
      if count >= options.characters {
        text += "…"
        break
      }
      count += 1
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "{": text += "{{"
      case "}": text += "}}"
      default:
        if let escaped = scalar.escapedControl { text += escaped } else { text.unicodeScalars.append(scalar) }
      }
    }
    text += "\""
  }
}
