import Base

/// A text that names images and, where it says so, their classes.
///
/// Two forms are read. A table has a header with a column of files (`file`, `path`, `filename` or `image`) and may have one
/// of classes (`class_index`, `label`, `class` or `wnid`) and one of their names (`class_name`). Without a header a line is
/// a path, as in RobustBench's list of 5,000, or a path and a class after a comma, a tab or a space. Empty lines and lines
/// that begin with # are passed over.
struct ImageList {
  struct Item {
    let line: Int
    /// Within the folder of images.
    let path: String
    /// A number, or the name of a class; nil leaves it to the folder of the path.
    let label: String?
    let className: String?
  }

  let path: String
  private(set) var items: [Item] = []

  private static let expected = "lines of a path, or of a path and a class, or a table with a column 'file'"

  /// - Throws: `io` where it cannot be read, `value` for a line that is of neither form.
  init(_ path: String) throws(CoreError) {
    self.path = path
    let text = try FileReader.text(of: path, limit: 1 << 28)
    var columns: (file: Int, label: Int?, name: Int?, count: Int)?
    var isFirst = true
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      try StopSignal.poll(at: index)
      let line = line.trimmed
      if line.isEmpty || line.hasPrefix("#") { continue }
      if isFirst {
        isFirst = false
        columns = Self.columns(line)
        if columns != nil { continue }
      }
      let (file, label, name): (String, String?, String?)
      if let columns {
        let cells = Self.cells(line)
        guard cells.count == columns.count else {
          throw wrong(index + 1, "has \(cells.count) cells, its header \(columns.count)")
        }
        (file, label, name) = (cells[columns.file], columns.label.map { cells[$0] }, columns.name.map { cells[$0] })
      } else if ImageFolder.isImage(line) {
        (file, label, name) = (String(line), nil, nil)
      } else {
        let cut = line.lastIndex { ",\t ".contains($0) } ?? line.startIndex
        var start = line[..<cut].trimmed
        if start.last == "," { start = start.dropLast().trimmed }
        guard ImageFolder.isImage(start) else { throw wrong(index + 1, "names no image: '\(line.prefix(60))'") }
        (file, label, name) = (String(start), String(line[line.index(after: cut)...]), nil)
      }
      let parts = file.split(separator: "/", omittingEmptySubsequences: false)
      guard !file.hasPrefix("/"), !parts.contains(".."), !file.utf8.contains(0), !file.isEmpty else {
        throw wrong(index + 1, "leaves the folder of images: '\(file.prefix(60))'")
      }
      let inside = file.hasPrefix("./") ? String(file.dropFirst(2)) : file
      items.append(Item(line: index + 1, path: inside, label: label?.isEmpty == true ? nil : label, className: name))
    }
    guard !items.isEmpty else { throw .file(path, "names no images", hint: "expected \(Self.expected)").about("list") }
  }

  /// An error about a line.
  func wrong(_ line: Int, _ problem: String, hint: String? = nil) -> CoreError {
    .file(path, "is not right in line \(line), which \(problem)", hint: hint ?? "expected \(Self.expected)").about(
      "list")
  }

  private static func columns(_ line: Substring) -> (file: Int, label: Int?, name: Int?, count: Int)? {
    let names = cells(line).map { $0.lowercased() }
    let find = { (wanted: [String]) in wanted.lazy.compactMap { names.firstIndex(of: $0) }.first }
    guard let file = find(["file", "path", "filename", "image"]) else { return nil }
    return (file, find(["class_index", "label", "class", "wnid"]), find(["class_name"]), names.count)
  }

  /// The cells of a line of a table; a cell in quotes may hold commas.
  private static func cells(_ line: Substring) -> [String] {
    var cells: [String] = []
    var cell = ""
    var isQuoted = false
    var rest = line[...]
    while let character = rest.popFirst() {
      switch character {
      case "\"" where isQuoted && rest.first == "\"":
        cell.append("\"")
        rest.removeFirst()
      case "\"": isQuoted.toggle()
      case "," where !isQuoted:
        cells.append(cell)
        cell = ""
      default: cell.append(character)
      }
    }
    return cells + [cell]
  }
}

extension Substring {
  /// Without white space on both sides.
  var trimmed: Substring {
    var part = drop(while: \.isWhitespace)
    while let last = part.last, last.isWhitespace { part.removeLast() }
    return part
  }
}

extension CoreError {
  /// The same error, with another argument at fault.
  func about(_ argument: String) -> CoreError { CoreError(kind, message, hint: hint, argument: argument) }
}
