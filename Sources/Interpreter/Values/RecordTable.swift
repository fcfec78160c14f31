/// A list of records, printed in aligned columns: numbers to the right, text to the left.
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
    let shownRows = rows.prefix(options.items)
    var cellOptions = options
    cellOptions.items = 6
    cellOptions.characters = 60
    cellOptions.depth = 3
    var table: [[String]] = []
    var isNumeric: [Bool] = []
    for column in columns {
      let values = shownRows.map { $0[column]?.plain }
      isNumeric.append(values.allSatisfy { $0.map { $0.isNumber || $0.isNone } ?? true })
      table.append(RecordTable.cells(values, cellOptions))
    }
    var widths: [Int] = []
    for (place, column) in columns.enumerated() {
      widths.append(max(RecordTable.width(column), table[place].map(RecordTable.width).max() ?? 0))
    }
    // Columns that do not fit are left out, with a note.
    var shownColumns = 0
    var total = 0
    for width in widths {
      let next = total + width + (shownColumns > 0 ? 2 : 0)
      if shownColumns > 0, next > options.width { break }
      total = next
      shownColumns += 1
    }
    var lines: [String] = []
    func line(_ cells: [String]) {
      var text = ""
      for place in 0..<shownColumns {
        if place > 0 { text += "  " }
        let room = String(repeating: " ", count: max(0, widths[place] - RecordTable.width(cells[place])))
        text += isNumeric[place] ? room + cells[place] : cells[place] + room
      }
      while text.hasSuffix(" ") { text.removeLast() }
      lines.append(text)
    }
    line(columns)
    for row in shownRows.indices { line(table.map { $0[row] }) }
    var notes: [String] = []
    if rows.count > shownRows.count { notes.append("\(rows.count - shownRows.count) more rows") }
    if shownColumns < columns.count {
      notes.append("\(columns.count - shownColumns) more columns: " + columns[shownColumns...].joined(separator: ", "))
    }
    if !notes.isEmpty { lines.append("… " + notes.joined(separator: "; ")) }
    return lines.joined(separator: "\n")
  }

  /// Floats of a column share their number of decimals: four significant digits of the largest, none that are all zero.
  private static func cells(_ values: [Value?], _ options: PrintOptions) -> [String] {
    var decimals = 0
    for case .float(let number)? in values where number.isFinite && number != 0 {
      let magnitude = abs(number)
      let text = Operations.printed(number, "g", 4, false)
      if text.contains("e") || magnitude >= 1e9 || magnitude < 1e-5 {
        decimals = -1
        break
      }
      if let point = text.firstIndex(of: ".") {
        decimals = max(decimals, text.distance(from: point, to: text.endIndex) - 1)
      }
    }
    return values.map { value in
      switch value {
      case nil: return ""
      case Value.none?: return "none"
      case .string(let text)?:
        let short = String(text.text.unicodeScalars.prefix(options.characters))
        let line = short.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "⏎")
        return text.count > options.characters ? line + "…" : line
      case .float(let number)? where number.isFinite:
        return decimals < 0
          ? Operations.printed(number, "g", 4, false) : Operations.printed(number, "f", decimals, false)
      case let value?: return value.shortText(options)
      }
    }
  }

  private static func width(_ text: String) -> Int { text.unicodeScalars.count }
}
