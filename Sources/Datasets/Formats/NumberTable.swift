import Base
import Tensors

/// Images as lines of numbers with commas: the pixels of an image, row by row, and its label in one of the columns.
///
/// A first line that holds a word is a header. Every line has as many numbers as the first; one that has not, or holds
/// something else, is an error that names it. The file may be compressed with gzip, and memory grows with what it holds.
public struct NumberTable: Sendable {
  /// The file.
  public var path: String
  /// The column of the labels: "first", "last" or a name of the header; nil is the column that the header calls label,
  /// class, target or y.
  public var label: String?
  /// Channels, height and width; nil is a grey square of as many pixels as there are.
  public var shape: [Int]?
  /// What pixels are divided by; nil is 255 where the largest is between 128 and 255, and 1 where none is above 1.
  public var scale: Double?
  /// How many classes there are; nil is up to the largest label.
  public var classes: Int?

  /// A file and how it is to be read.
  public init(
    _ path: String, label: String? = nil, shape: [Int]? = nil, scale: Double? = nil, classes: Int? = nil
  ) {
    self.path = path
    self.label = label
    self.shape = shape
    self.scale = scale
    self.classes = classes
  }

  /// Whether a path ends as those of tables do.
  public static func isTable(_ path: String) -> Bool {
    [".csv", ".csv.gz", ".txt", ".txt.gz", ".data"].contains { path.hasSuffix($0) }
  }

  private static let expected = "lines of pixels and a label, with commas"

  /// The data set of the file.
  ///
  /// - Throws: `io` where the file cannot be read, and for the first line that is not as it should be; `value` for
  ///   settings that do not fit it.
  public func load() throws(CoreError) -> Dataset {
    let table = try numbers()
    let place = try labelColumn(table)
    let pixels = table.width - 1
    let shape = try imageShape(pixels)
    let rows = table.values.count / table.width
    var labels: [Int] = []
    var high: Float = 0
    var low: Float = 0
    var isWhole = true
    for row in 0..<rows {
      try StopSignal.poll(at: row)
      let start = row * table.width
      guard let label = Int(exactly: table.values[start + place]), label >= 0, label < classes ?? 100_000 else {
        throw wrong(
          table.lines[row], "has the label \(Double(table.values[start + place]).shortest)",
          hint:
            "labels are whole numbers from 0\(classes.map { " to \($0 - 1)" } ?? ""); label=… says which column they are"
        )
      }
      labels.append(label)
      for i in start..<start + table.width where i != start + place {
        let value = table.values[i]
        (low, high) = (min(low, value), max(high, value))
        if value != value.rounded() { isWhole = false }
      }
    }
    guard low >= 0 else {
      throw CoreError(
        .io, "'\(path)' has pixels from \(low) to \(high); they are at least 0",
        hint: "undo the normalisation: it belongs to the model, as mean and std", argument: "path")
    }
    let scale = try divisor(high)
    let count = classes ?? (labels.max() ?? 0) + 1
    let source: InMemoryImages
    if isWhole, scale == 255 {
      source = InMemoryImages(bytes: try pick(table, place) { UInt8($0) }, shape: shape)
    } else {
      source = InMemoryImages(floats: try pick(table, place) { $0 / Float(scale) }, shape: shape)
    }
    let base = path.split(separator: "/").last.map(String.init) ?? path
    return Dataset(
      name: base.split(separator: ".").first.map(String.init) ?? base, classNames: (0..<count).map(String.init),
      labels: labels, ids: Array(labels.indices), source: source)
  }

  private func pick<Value>(_ table: Table, _ place: Int, _ convert: (Float) -> Value) throws(CoreError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(table.values.count)
    for start in stride(from: 0, to: table.values.count, by: table.width) {
      try StopSignal.poll(at: start / table.width)
      for i in start..<start + table.width where i != start + place { values.append(convert(table.values[i])) }
    }
    return values
  }

  private func wrong(_ line: Int, _ problem: String, hint: String? = nil) -> CoreError {
    .file(path, "is not right in line \(line), which \(problem)", hint: hint ?? "expected \(Self.expected)")
  }

  private func divisor(_ high: Float) throws(CoreError) -> Double {
    if let scale {
      guard scale > 0, scale.isFinite, Double(high) <= scale else {
        throw CoreError(
          .value, "scale must be at least \(Double(high).shortest), the largest pixel, not \(scale.shortest)",
          hint: "pixels are divided by it: scale=255 for bytes", argument: "scale")
      }
      return scale
    }
    if high <= 1 { return 1 }
    guard high >= 128, high <= 255 else {
      throw CoreError(
        .value, "'\(path)' has pixels up to \(Double(high).shortest): what stands for white must be said",
        hint: "scale=255 for bytes, scale=16 for the digits of scikit-learn", argument: "scale")
    }
    return 255
  }

  private func imageShape(_ pixels: Int) throws(CoreError) -> [Int] {
    if let shape {
      guard shape.count == 3, shape.allSatisfy({ $0 > 0 && $0 <= 1 << 20 }), shape.reduce(1, *) == pixels else {
        throw CoreError(
          .value, "'\(path)' has \(pixels) pixels in a line, which do not fill the shape \(shape)",
          hint: "shape is [channels, height, width]", argument: "shape")
      }
      return shape
    }
    let side = Int(Double(pixels).squareRoot().rounded())
    guard pixels > 0, side * side == pixels else {
      throw CoreError(
        .value, "'\(path)' has \(pixels) pixels in a line, which are no square",
        hint: "say what they are: shape=[channels, height, width]", argument: "shape")
    }
    return [1, side, side]
  }

  private func labelColumn(_ table: Table) throws(CoreError) -> Int {
    let names = table.header.map { $0.lowercased() }
    switch label {
    case "first": return 0
    case "last": return table.width - 1
    case .some(let name):
      guard let place = table.header.firstIndex(of: name) else {
        let known = table.header.prefix(3) + table.header.dropFirst(3).suffix(1)
        throw CoreError(
          .value,
          "'\(path)' has no column '\(name)'\(known.isEmpty ? ": it has no header" : "; there are \(known.joined(separator: ", ")) …")",
          hint: "label=\"first\" or label=\"last\"", argument: "label")
      }
      return place
    case nil:
      for name in ["label", "class", "target", "y"] {
        if let place = names.firstIndex(of: name) { return place }
      }
      throw CoreError(
        .value, "which column of '\(path)' holds the labels must be said", hint: "label=\"first\" or label=\"last\"",
        argument: "label")
    }
  }

  // MARK: Reading

  private struct Table {
    var header: [String] = []
    var width = 0
    var values: [Float] = []
    /// The line of each row.
    var lines: [Int] = []
  }

  private func numbers() throws(CoreError) -> Table {
    let reader = try FileReader(path, expected: Self.expected)
    var table = Table()
    var rest: [UInt8] = []
    var line = 0
    while true {
      let part = try reader.next(1 << 20)
      if line == 0, rest.isEmpty, let kind = FileKind(part.prefix(FileKind.prefixSize), size: nil), kind != .text {
        throw .file(path, "is \(kind.rawValue)", hint: "expected \(Self.expected)")
      }
      rest += part
      var start = 0
      while let end = rest[start...].firstIndex(of: 0x0A) {
        line += 1
        try add(rest[start..<end], line, &table)
        start = end + 1
      }
      rest.removeFirst(start)
      guard rest.count <= 1 << 26 else { throw wrong(line + 1, "has more than 64 MiB") }
      if part.isEmpty { break }
      try StopSignal.poll()
    }
    if !rest.isEmpty { try add(rest[...], line + 1, &table) }
    guard !table.values.isEmpty else { throw .file(path, "has no lines of numbers", hint: "expected \(Self.expected)") }
    return table
  }

  private func add(_ line: ArraySlice<UInt8>, _ number: Int, _ table: inout Table) throws(CoreError) {
    let line = line.last == 0x0D ? line.dropLast() : line
    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { return }
    var count = 0
    var start = line.startIndex
    while true {
      let end = line[start...].firstIndex(of: 0x2C) ?? line.endIndex
      guard let value = Self.number(line[start..<end]) else {
        if table.values.isEmpty || table.width == 0, table.header.isEmpty {
          table.values.removeAll()
          table.header = Self.header(line)
          table.width = table.header.count
          return
        }
        let cell = String(decoding: line[start..<end].prefix(40), as: UTF8.self)
        throw wrong(number, "has '\(cell)' in column \(count + 1), which is no number")
      }
      table.values.append(value)
      count += 1
      if end == line.endIndex { break }
      start = end + 1
    }
    if table.width == 0 { table.width = count }
    guard count == table.width else {
      throw wrong(number, "has \(count) numbers, the first \(table.width)")
    }
    guard count > 1 else { throw wrong(number, "has one number alone") }
    table.lines.append(number)
  }

  private static func header(_ line: ArraySlice<UInt8>) -> [String] {
    let line = line.starts(with: [0xEF, 0xBB, 0xBF]) ? line.dropFirst(3) : line
    return line.split(separator: 0x2C, omittingEmptySubsequences: false).map { cell in
      var cell = String(decoding: cell, as: UTF8.self)[...].trimmed
      if cell.count >= 2, cell.first == "\"", cell.last == "\"" { cell = cell.dropFirst().dropLast() }
      return String(cell)
    }
  }

  /// A finite number; whole ones without a sign, which most are, the quick way.
  private static func number(_ cell: ArraySlice<UInt8>) -> Float? {
    if (1...7).contains(cell.count) {
      var value = 0
      var isPlain = true
      for byte in cell {
        guard (0x30...0x39).contains(byte) else {
          isPlain = false
          break
        }
        value = value * 10 + Int(byte) - 0x30
      }
      if isPlain { return Float(value) }
    }
    guard cell.count <= 64, cell.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "x") }) else {
      return nil
    }
    let text = String(decoding: cell, as: UTF8.self)[...].trimmed
    guard let value = Float(String(text)), value.isFinite else { return nil }
    return value
  }
}
