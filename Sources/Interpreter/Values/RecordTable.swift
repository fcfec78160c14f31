import Base

/// A list of records, printed as a table in aligned columns: numbers to the right, strings to the left.
///
/// The columns are the names of all fields, in the order in which the records show them first; a record without a field
/// has an empty cell. A reader must be able to tell rows apart, so cells are cut short only as far as values that differ
/// still look different, and the floats of a column share one number of decimals, which grows until they differ too.
/// Of more rows than `PrintOptions.items` and the height allow, the first and the last are shown; columns beyond the width
/// are left out. Then a last line tells the size of the whole. No control character of a cell is written.
struct RecordTable {
  private let rows: [RecordValue]
  private let columns: [String]

  /// `nil` when the list is empty or holds anything but records.
  init?(_ list: ListValue) {
    guard !list.items.isEmpty else { return nil }
    var rows: [RecordValue] = []
    var columns: [String] = []
    var known: Set<String> = []
    var layout: RecordLayout?
    for item in list.items {
      guard case .record(let record) = item else { return nil }
      rows.append(record)
      if record.layout === layout { continue }
      layout = record.layout
      for name in record.keys where known.insert(name).inserted { columns.append(name) }
    }
    guard !columns.isEmpty else { return nil }
    self.rows = rows
    self.columns = columns
  }

  func text(_ options: PrintOptions) -> String {
    // Beside the rows there are the names of the columns, a row of `…` and the line that tells the size.
    let limit = max(1, min(options.items, options.height < .max ? options.height - 3 : .max))
    let isCut = rows.count > limit
    let shownRows = isCut ? Array(rows.prefix((limit + 1) / 2) + rows.suffix(limit / 2)) : rows
    var cellOptions = options
    cellOptions.items = 6
    cellOptions.characters = 60
    cellOptions.depth = 3
    var cells: [[String]] = []
    var sides: [AlignedText.Side] = []
    for column in columns {
      let values = shownRows.map { $0[column]?.plain }
      let isNumeric = values.allSatisfy { $0.map { $0.isNumber || $0.isNone } ?? true }
      sides.append(isNumeric ? .right : .left)
      cells.append(RecordTable.cells(values, cellOptions))
    }
    var lines = shownRows.indices.map { row in cells.map { $0[row] } }
    if isCut { lines.insert(columns.map { _ in "…" }, at: (limit + 1) / 2) }
    let table = AlignedText([columns.map(RecordTable.oneLine)] + lines, sides: sides)
    // Columns that do not fit are left out, with a note.
    var shownColumns = 0
    var total = 0
    for width in table.widths {
      let next = total + width + (shownColumns > 0 ? 2 : 0)
      if shownColumns > 0, next > options.width { break }
      total = next
      shownColumns += 1
    }
    var text = table.lines(columns: shownColumns)
    if isCut || shownColumns < columns.count {
      let hidden = columns[shownColumns...].map(RecordTable.oneLine).joined(separator: ", ")
      text.append(
        "… \(rows.count.of("row")) × \(columns.count.of("column"))"
          + (hidden.isEmpty ? "" : "; not shown: \(hidden)"))
    }
    return text.joined(separator: "\n")
  }

  /// A string without line breaks and other control characters.
  private static func oneLine(_ text: some StringProtocol) -> String {
    var line = ""
    for scalar in text.unicodeScalars {
      if scalar == "\n" {
        line += "⏎"
      } else if let escaped = scalar.escapedControl {
        line += escaped
      } else {
        line.unicodeScalars.append(scalar)
      }
    }
    return line
  }

  /// The cells of a column. Values that differ have cells that differ, as far as full precision and some lines go.
  private static func cells(_ values: [Value?], _ options: PrintOptions) -> [String] {
    let numberText = RecordTable.numberText(values)
    var options = options
    for _ in 0..<4 {
      let texts = values.map { text($0, options, numberText) }
      guard areSomeAlike(values, texts) else { return texts }
      options.characters *= 4
      options.items *= 4
      options.depth += 4
    }
    return values.map { text($0, options, numberText) }
  }

  private static func text(_ value: Value?, _ options: PrintOptions, _ number: (Double) -> String) -> String {
    switch value {
    case nil: return ""
    case Value.none?: return "none"
    case .string(let text)?:
      let line = oneLine(String(text.text.unicodeScalars.prefix(options.characters)))
      return text.count > options.characters ? line + "…" : line
    case .float(let value)? where value.isFinite: return number(value)
    case let value?: return value.shortText(options)
    }
  }

  /// Whether two strings, lists, records or objects that differ were cut to the same cell.
  private static func areSomeAlike(_ values: [Value?], _ texts: [String]) -> Bool {
    var first: [String: HashKey] = [:]
    for (value, text) in zip(values, texts) where text.contains("…") {
      switch value {
      case .string?, .list?, .record?, .object?: break
      default: continue
      }
      let key = HashKey(value ?? .none)
      if let other = first[text] {
        if other != key { return true }
      } else {
        first[text] = key
      }
    }
    return false
  }

  /// How the finite floats of a column are written: with the decimals that leave each of them four significant digits,
  /// none that are all zero; with more where numbers would else look alike, and all those of numbers that are short
  /// (settings such as 0.0625 or 0.00015).
  private static func numberText(_ values: [Value?]) -> (Double) -> String {
    var (floats, whole): (Set<Double>, Set<Double>) = ([], [])
    for case let value? in values {
      switch value {
      case .float(let number): if number.isFinite { floats.insert(number) }
      case .int(let number): whole.insert(Double(number))
      default: break
      }
    }
    guard !floats.isEmpty else { return { Operations.text($0) } }
    let numbers = floats.union(whole)
    var least = 4
    for digits in 5...6 where floats.contains(where: { has($0, digits) && !has($0, digits - 1) }) { least = digits }
    for digits in least...15 {
      let write = numberText(floats, digits: digits)
      if Set(numbers.map(write)).count == numbers.count { return write }
    }
    return { Operations.text($0) }
  }

  /// Whether this many significant digits write the number exactly.
  private static func has(_ number: Double, _ digits: Int) -> Bool {
    Double(number.general(digits)) == number
  }

  private static func numberText(_ numbers: Set<Double>, digits: Int) -> (Double) -> String {
    var decimals = 0
    for number in numbers where number != 0 {
      let text = number.general(digits)
      if text.contains("e") || abs(number) >= 1e9 || abs(number) < 1e-5 {
        return { $0.general(digits) }
      }
      if let point = text.firstIndex(of: ".") {
        decimals = max(decimals, text.distance(from: point, to: text.endIndex) - 1)
      }
    }
    return { $0.fixed(decimals) }
  }
}
