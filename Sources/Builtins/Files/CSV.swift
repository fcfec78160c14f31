import Base
import Interpreter
import Tensors

/// Tables as comma-separated values (RFC 4180).
///
/// Reading has two steps. First the bytes are split into rows of cells, with quotes undone and a byte order mark left out.
/// Then each column becomes ints, floats or bools if all of its cells are such, and strings otherwise. A cell in quotes is
/// always a string, an unquoted empty one is none, and so are the cells that a short row lacks.
///
/// Writing quotes what reading would take for something else. So a table comes back with the same types as long as a column
/// holds values of one type; where strings stand among numbers or bools, all of them come back as strings.
enum CSV {
  private struct Cell {
    var text: String
    var isQuoted: Bool
  }

  private struct Row {
    var line: Int
    var cells: [Cell]
  }

  // MARK: Reading

  /// A list of records, one for each row.
  static func rows(_ text: String, separator: UInt8, hasHeader: Bool) throws -> Value {
    var rows = try split(text, separator)
    guard let first = rows.first else { return Value([Value]()) }
    if hasHeader { rows.removeFirst() }
    let names = first.cells.enumerated().map { place, cell in
      hasHeader && (cell.isQuoted || !cell.text.isEmpty) ? cell.text : "column_\(place + 1)"
    }
    var known: Set<String> = []
    if let twice = names.first(where: { !known.insert($0).inserted }) {
      throw LTDError(.value, "two columns are called \(twice)", hint: "header=false calls them column_1, column_2, …")
    }
    // A blank line is a row only where a row has one cell.
    if names.count > 1 { rows.removeAll { $0.cells.count == 1 && $0.cells[0].text.isEmpty && !$0.cells[0].isQuoted } }
    for row in rows where row.cells.count > names.count {
      throw LTDError(
        .value, "line \(row.line) has \(row.cells.count) cells for \(names.count) columns",
        hint: "put a cell that holds the separator in double quotes")
    }
    var columns: [[Value]] = []
    for place in names.indices {
      try StopSignal.poll()
      let cells = rows.map { place < $0.cells.count ? $0.cells[place] : Cell(text: "", isQuoted: false) }
      columns.append(try values(cells))
    }
    var records: [Value] = []
    records.reserveCapacity(rows.count)
    for row in rows.indices {
      try poll(at: row)
      records.append(Value(fields: zip(names, columns).map { ($0, $1[row]) }))
    }
    return Value(records)
  }

  private static func poll(at place: Int) throws {
    try StopSignal.poll(at: place)
  }

  /// The cells of one column: numbers or bools if all are, else strings; an empty cell is none.
  private static func values(_ cells: [Cell]) throws -> [Value] {
    func all(_ read: (String) -> Value?) throws -> [Value]? {
      var values: [Value] = []
      for (place, cell) in cells.enumerated() {
        try poll(at: place)
        if !cell.isQuoted, cell.text.isEmpty {
          values.append(.none)
        } else if !cell.isQuoted, let value = read(cell.text) {
          values.append(value)
        } else {
          return nil
        }
      }
      return values
    }
    if let ints = try all({ int($0).map { .int($0) } }) { return ints }
    if let floats = try all({ float($0).map { .float($0) } }) { return floats }
    if let bools = try all({ $0 == "true" ? .bool(true) : $0 == "false" ? .bool(false) : nil }) { return bools }
    return cells.map { !$0.isQuoted && $0.text.isEmpty ? Value.none : Value($0.text) }
  }

  /// Not a number where a zero stands first, as in 007.
  private static func int(_ text: String) -> Int? {
    let digits = text.drop { $0 == "-" }
    return digits.count > 1 && digits.first == "0" ? nil : Int(text)
  }

  private static func float(_ text: String) -> Double? {
    let digits = text.drop { $0 == "-" }
    if digits.count > 1, digits.first == "0", digits.dropFirst().first?.isNumber == true { return nil }
    guard let first = digits.unicodeScalars.first, "0123456789.ni".unicodeScalars.contains(first) else { return nil }
    // `Double` would not look at what stands after a zero byte.
    return text.utf8.contains { $0 == UInt8(ascii: "x") || $0 == 0 } ? nil : Double(text)
  }

  private static func split(_ text: String, _ separator: UInt8) throws -> [Row] {
    var bytes = Array(text.utf8)
    // The byte order mark that spreadsheets write.
    let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
    while bytes.starts(with: mark) { bytes.removeFirst(mark.count) }
    let (quote, feed, carriage) = (UInt8(ascii: "\""), UInt8(ascii: "\n"), UInt8(ascii: "\r"))
    var rows: [Row] = []
    var row = Row(line: 1, cells: [])
    var (place, line) = (0, 1)
    var count = 0
    while place < bytes.count {
      try poll(at: count)
      count += 1
      var cell: [UInt8] = []
      let isQuoted = bytes[place] == quote
      if isQuoted {
        let opened = line
        place += 1
        while true {
          guard place < bytes.count else {
            throw LTDError(
              .value, "the quotes that open in line \(opened) are not closed",
              hint: "write a quote within quotes twice: \"\"")
          }
          if bytes[place] == quote {
            place += 1
            guard place < bytes.count, bytes[place] == quote else { break }
          }
          if bytes[place] == feed { line += 1 }
          cell.append(bytes[place])
          place += 1
          try poll(at: cell.count)
        }
      }
      while place < bytes.count, bytes[place] != separator, bytes[place] != feed, bytes[place] != carriage {
        cell.append(bytes[place])
        place += 1
        try poll(at: cell.count)
      }
      row.cells.append(Cell(text: String(decoding: cell, as: UTF8.self), isQuoted: isQuoted))
      if place < bytes.count, bytes[place] == separator {
        place += 1
        if place < bytes.count { continue }
        row.cells.append(Cell(text: "", isQuoted: false))
      }
      if place + 1 < bytes.count, bytes[place] == carriage, bytes[place + 1] == feed { place += 1 }
      place += 1
      line += 1
      rows.append(row)
      row = Row(line: line, cells: [])
    }
    return rows
  }

  // MARK: Writing

  /// A header and a line for each record; columns in the order in which they first appear.
  static func text(_ rows: [Value], separator: String) throws -> String {
    var names: [String] = []
    var known: Set<String> = []
    var records: [RecordValue] = []
    for (place, row) in rows.enumerated() {
      try poll(at: place)
      guard let record = row.asRecord else {
        throw LTDError(.type, "a table must be a list of records; one row is \(row.described)")
      }
      records.append(record)
      for name in record.keys where known.insert(name).inserted { names.append(name) }
    }
    if names.isEmpty { return "" }
    // By bytes: a quote or a separator before a combining character is one all the same.
    let quote = UInt8(ascii: "\"")
    let special = Set(separator.utf8).union([quote, UInt8(ascii: "\n"), UInt8(ascii: "\r")])
    func quoted(_ text: String) throws -> String {
      var bytes = [quote]
      for byte in text.utf8 {
        try poll(at: bytes.count)
        bytes.append(byte)
        if byte == quote { bytes.append(quote) }
      }
      bytes.append(quote)
      return String(decoding: bytes, as: UTF8.self)
    }
    func cell(_ text: String) throws -> String {
      try text.utf8.contains(where: special.contains) ? quoted(text) : text
    }
    // In quotes a name that would be taken for none, or for a byte order mark.
    func title(_ name: String) throws -> String {
      try name.isEmpty || name.unicodeScalars.first == "\u{FEFF}" ? quoted(name) : cell(name)
    }
    var titles: [String] = []
    for name in names { titles.append(try title(name)) }
    var text = titles.joined(separator: separator) + "\n"
    var count = 0
    for record in records {
      var cells: [String] = []
      for name in names {
        try poll(at: count)
        count += 1
        let value = record[name]?.plain ?? Value.none
        switch value {
        case .none: cells.append("")
        case .bool(let truth): cells.append(truth ? "true" : "false")
        case .int(let number): cells.append(String(number))
        case .float(let number): cells.append(number.description)
        case .string(let string):
          // In quotes what would be read as something other than a string.
          let text = string.text
          let isOther = text.isEmpty || text == "true" || text == "false" || int(text) != nil || float(text) != nil
          cells.append(try isOther ? quoted(text) : cell(text))
        default:
          throw LTDError(
            .type, "a cell of CSV must be a number, a string, a bool or none; \(name) is \(value.described)",
            hint: "str(x) makes a string of it; to_json(rows) keeps lists and records")
        }
      }
      text += cells.joined(separator: separator) + "\n"
    }
    return text
  }
}
