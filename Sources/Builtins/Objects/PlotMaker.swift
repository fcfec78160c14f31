import Base
import Drawing
import Interpreter

/// What `plot` was asked for, and the chart of a table that follows from it.
struct PlotMaker {
  enum Kind: String, CaseIterable { case auto, line, points, bars, histogram, heat }

  let call: Call
  let kind: Kind
  let logX: Bool
  let logY: Bool
  let title: String

  init(_ call: Call) throws {
    self.call = call
    kind = try call.choice("kind", Kind.allCases.map { ($0.rawValue, $0) })
    (logX, logY) = (try call.bool("log_x"), try call.bool("log_y"))
    title = try call.string("title")
  }

  /// The names that an argument gives: one, or several in a list; nil where it is none.
  func names(_ argument: String) throws -> [String]? {
    let value = try call[argument]
    if value.isNone { return nil }
    if let name = value.asString { return [name] }
    guard let list = value.asList, !list.isEmpty else {
      throw call.error(
        .type, "\(argument) of plot must be the name of a column, or a list of names, not \(value.described)",
        hint: "plot(rows, x=\"epoch\", y=[\"natural\", \"robust\"])", at: argument)
    }
    return try list.map { item in
      guard let name = item.asString else {
        throw call.error(
          .type, "\(argument) of plot must be names of columns; one item is \(item.described)",
          hint: "plot(rows, x=\"epoch\", y=[\"natural\", \"robust\"])", at: argument)
      }
      return name
    }
  }

  /// The name that an argument gives where only one makes sense.
  func oneName(_ argument: String) throws -> String? {
    guard let names = try names(argument) else { return nil }
    guard names.count == 1 else {
      throw call.error(
        .value, "such a plot has one \(argument), not \(names.count)", hint: "\(argument)=\"\(names[0])\"", at: argument
      )
    }
    return names[0]
  }

  func column(_ name: String, _ argument: String, of table: PlotTable) throws -> PlotTable.Column {
    if let column = table[name] { return column }
    let names = table.columns.map(\.name)
    throw call.error(
      .name, "the table has no column \"\(name)\"",
      hint: nearestNames(to: name, in: names).first.map { "did you mean \"\($0)\"?" }
        ?? "it has " + names.prefix(12).map { "\"\($0)\"" }.joined(separator: ", "), at: argument)
  }

  /// Refuses an argument that would not be used.
  func refuse(_ arguments: [String], _ reason: String) throws {
    for argument in arguments where call.isGiven(argument) {
      throw call.error(
        .value, "\(argument) of plot would not be used: \(reason)", hint: "leave \(argument) out", at: argument)
    }
  }

  func label(_ argument: String, _ usual: String) throws -> String { try call.optionalString(argument) ?? usual }

  // MARK: A table

  func chart(of table: PlotTable) throws -> Chart {
    let groups = try names("by")?.map { try column($0, "by", of: table) } ?? []
    if kind == .histogram { return try histogram(of: table, groups) }
    if kind == .heat { return try heat(of: table) }
    try refuse(["bins"], "it is the number of bars of kind=\"histogram\"")
    try refuse(["value"], "it is what the colours of kind=\"heat\" mean")
    let given = try names("y")
    let errors = try names("error")
    let taken = Set(groups.map(\.name) + (given ?? []) + (errors ?? []))
    let x: PlotTable.Column
    if let name = try oneName("x") {
      x = try column(name, "x", of: table)
    } else if let first = table.columns.first(where: { !taken.contains($0.name) }),
      given != nil || table.columns.contains(where: { $0.name != first.name && $0.numbers != nil })
    {
      x = first
    } else {
      x = PlotTable.Column("row", (0..<table.count).map(Double.init))
    }
    var ys = try given?.map { try column($0, "y", of: table) } ?? []
    if given == nil {
      ys = table.columns.filter {
        $0.numbers != nil && $0.name != x.name && !taken.contains($0.name) && !isEnd($0.name, of: table)
      }
    }
    for y in ys where y.numbers == nil {
      let texts = y.texts
      let index = texts.indices.first { Double(texts[$0]) == nil } ?? 0
      throw call.error(
        .type, "column \"\(y.name)\" has no numbers to draw: row \(index) has \"\(texts.isEmpty ? "" : texts[index])\"",
        hint: "y= names columns of numbers", at: "y")
    }
    guard !ys.isEmpty else {
      throw call.error(
        .value, "the table has no column of numbers to draw" + (given == nil ? " beside \"\(x.name)\"" : ""),
        hint: table.count == 0 ? "it has no rows" : "y= names one", at: "data")
    }
    guard ys.count <= 40 else {
      throw call.error(
        .value, "a plot of \(ys.count) columns cannot be read", hint: "say which: y=[\"\(ys[0].name)\", …]", at: "data")
    }
    let areBars = kind == .bars || kind == .auto && x.numbers == nil
    // Rows that belong together, in the order in which they come first.
    var keys: [String] = []
    var rows: [String: [Int]] = [:]
    for row in 0..<table.count {
      try StopSignal.poll(at: row)
      let key = groups.map { group in group.numbers == nil ? group.text(row) : "\(group.name) \(group.text(row))" }
        .joined(separator: ", ")
      if rows[key] == nil { keys.append(key) }
      rows[key, default: []].append(row)
    }
    if table.count == 0 { (keys, rows) = ([""], ["": []]) }
    guard keys.count * ys.count <= 100 else {
      throw call.error(
        .value, "\(keys.count * ys.count) series in one plot cannot be read",
        hint: "choose some of the rows, or group by a column with fewer values", at: "by")
    }
    var categories: [String] = []
    var placeOf: [String: Int] = [:]
    if areBars || x.numbers == nil {
      for row in 0..<table.count where placeOf[x.text(row)] == nil {
        placeOf[x.text(row)] = categories.count
        categories.append(x.text(row))
      }
    }
    var series: [Series] = []
    for y in ys {
      let numbers = y.numbers ?? []
      let (low, high) = try ends(of: y, errors, table)
      try requirePositive(numbers, of: y.name, isLog: logY, "log_y")
      for key in keys {
        let rows = rows[key] ?? []
        let name = key.isEmpty ? y.name : ys.count > 1 ? "\(y.name), \(key)" : key
        if areBars {
          series.append(try bars(name, rows, x, placeOf, numbers, low, high))
        } else {
          series.append(line(name, rows, x, placeOf, numbers, low, high))
        }
      }
    }
    if logX, areBars || x.numbers == nil { try refuse(["log_x"], "the x axis has names") }
    try requirePositive(x.numbers ?? [], of: x.name, isLog: logX, "log_x")
    let measured = ys.count == 1 ? ys[0].name : ""
    if areBars {
      return Chart(
        title: title, x: .init(try label("y_label", measured), isLog: logY, reaches: logY ? [] : [0]),
        y: .init(try label("x_label", ""), categories: categories), series: series, showsLegend: try call.bool("legend")
      )
    }
    return Chart(
      title: title,
      x: .init(try label("x_label", x.name), isLog: logX, categories: x.numbers == nil ? categories : nil),
      y: .init(try label("y_label", measured), isLog: logY), series: series, showsLegend: try call.bool("legend"))
  }

  /// Whether a column has an end of the interval of another one.
  private func isEnd(_ name: String, of table: PlotTable) -> Bool {
    for ending in ["_low", "_high"] where name.hasSuffix(ending) {
      if table[String(name.dropLast(ending.count))] != nil { return true }
    }
    return (name == "low" || name == "high") && table["low"] != nil && table["high"] != nil
  }

  /// The ends of the error bars of a column.
  private func ends(
    of y: PlotTable.Column, _ errors: [String]?, _ table: PlotTable
  ) throws -> (low: [Double]?, high: [Double]?) {
    guard let errors else {
      guard let low = table["\(y.name)_low"]?.numbers, let high = table["\(y.name)_high"]?.numbers else {
        return (nil, nil)
      }
      return (low, high)
    }
    guard errors.count <= 2 else {
      throw call.error(
        .value, "error of plot must be one column, a half width, or two with the ends, not \(errors.count)",
        hint: "error=\"std\", or error=[\"low\", \"high\"]", at: "error")
    }
    let columns = try errors.map { name in
      let found = try column(name, "error", of: table)
      guard let numbers = found.numbers else {
        throw call.error(.type, "column \"\(name)\" has no numbers for error bars", hint: "error=\"std\"", at: "error")
      }
      return numbers
    }
    if columns.count == 2 { return (columns[0], columns[1]) }
    let numbers = y.numbers ?? []
    return (zip(numbers, columns[0]).map { $0 - $1 }, zip(numbers, columns[0]).map { $0 + $1 })
  }

  /// A logarithm has no place for 0 and below.
  func requirePositive(_ numbers: [Double], of name: String, isLog: Bool, _ argument: String) throws {
    guard isLog, let row = numbers.firstIndex(where: { $0 <= 0 }) else { return }
    let count = numbers.filter { $0 <= 0 }.count
    throw call.error(
      .value,
      "a logarithmic axis must have numbers above 0: \"\(name)\" has \(numbers[row].shortest) in row \(row)"
        + (count > 1 ? ", and \(count - 1) more" : ""),
      hint: "leave \(argument) out, or leave such rows out", at: argument)
  }

  private func line(
    _ name: String, _ rows: [Int], _ x: PlotTable.Column, _ placeOf: [String: Int], _ y: [Double], _ low: [Double]?,
    _ high: [Double]?
  ) -> Series {
    func place(_ row: Int) -> Double { x.numbers?[row] ?? Double(placeOf[x.text(row)] ?? 0) }
    var rows = rows
    let form: Series.Form = kind == .points ? .points : .line
    // A line goes from left to right; equal places keep their order.
    if form == .line, !zip(rows, rows.dropFirst()).allSatisfy({ !(place($0) > place($1)) }) {
      rows = rows.enumerated().sorted {
        let (a, b) = (place($0.element), place($1.element))
        return a < b || (!(b < a) && $0.offset < $1.offset)
      }.map(\.element)
    }
    return Series(
      name, form, x: rows.map(place), y: rows.map { y[$0] }, low: low.map { low in rows.map { low[$0] } },
      high: high.map { high in rows.map { high[$0] } })
  }

  private func bars(
    _ name: String, _ rows: [Int], _ x: PlotTable.Column, _ placeOf: [String: Int], _ y: [Double], _ low: [Double]?,
    _ high: [Double]?
  ) throws -> Series {
    var seen: Set<Int> = []
    for row in rows where !seen.insert(placeOf[x.text(row)] ?? 0).inserted {
      throw call.error(
        .value,
        "\(rows.filter { x.text($0) == x.text(row) }.count) rows have the \(x.name) \"\(x.text(row))\": a bar shows one",
        hint: "tell them apart by a column: by=\"…\", or take their mean first: tables.group", at: "x")
    }
    return Series(
      name, .bars, x: rows.map { y[$0] }, y: rows.map { Double(placeOf[x.text($0)] ?? 0) },
      low: low.map { low in rows.map { low[$0] } }, high: high.map { high in rows.map { high[$0] } })
  }

  // MARK: Histograms and heat maps

  private func histogram(of table: PlotTable, _ groups: [PlotTable.Column]) throws -> Chart {
    try refuse(["error"], "a histogram counts")
    try refuse(["value"], "it is what the colours of kind=\"heat\" mean")
    let x = try names("x")
    if x != nil { try refuse(["y"], "a histogram has one column, that of x") }
    let given = try x ?? names("y")
    let columns =
      try given?.map { try column($0, x == nil ? "y" : "x", of: table) }
      ?? table.columns.first { $0.numbers != nil && !groups.map(\.name).contains($0.name) }.map { [$0] } ?? []
    for column in columns where column.numbers == nil {
      throw call.error(.type, "column \"\(column.name)\" has no numbers to count", hint: "x= names one", at: "x")
    }
    guard !columns.isEmpty else {
      throw call.error(.value, "the table has no column of numbers to draw", hint: "x= names one", at: "data")
    }
    var parts: [(name: String, values: [Double])] = []
    for column in columns {
      let numbers = column.numbers ?? []
      guard !groups.isEmpty else {
        parts.append((columns.count > 1 ? column.name : "", numbers))
        continue
      }
      var keys: [String] = []
      var values: [String: [Double]] = [:]
      for row in 0..<table.count {
        let key = groups.map { $0.numbers == nil ? $0.text(row) : "\($0.name) \($0.text(row))" }.joined(separator: ", ")
        if values[key] == nil { keys.append(key) }
        values[key, default: []].append(numbers[row])
      }
      parts += keys.map { (columns.count > 1 ? "\(column.name), \($0)" : $0, values[$0] ?? []) }
    }
    return try histogram(parts, name: columns.count == 1 ? columns[0].name : "")
  }

  func histogram(_ parts: [(name: String, values: [Double])], name: String) throws -> Chart {
    try refuse(["log_x"], "a histogram has equal bins")
    guard parts.count <= 20 else {
      throw call.error(.value, "\(parts.count) histograms in one plot cannot be read", hint: "choose some", at: "data")
    }
    let bins = try call.optionalInt("bins")
    if let bins, !(1...1000).contains(bins) {
      throw call.error(.value, "bins of plot must be from 1 to 1000, not \(bins)", hint: "bins=20", at: "bins")
    }
    let edges = Series.edges(for: parts.flatMap(\.values), bins: bins)
    // One histogram stands; several are lines through the middle of their bins, which can be told apart.
    let series = parts.map { part -> Series in
      let counted = Series.histogram(part.name, of: part.values, edges: edges)
      guard parts.count > 1 else { return counted }
      let middles = zip(edges, edges.dropFirst()).map { $0 / 2 + $1 / 2 }
      return Series(part.name, .line, x: middles, y: counted.y.map { logY && $0 == 0 ? .nan : $0 })
    }
    return Chart(
      title: title, x: .init(try label("x_label", name)),
      y: .init(try label("y_label", "count"), isLog: logY, reaches: logY ? [] : [0]), series: series,
      showsLegend: try call.bool("legend"))
  }

  private func heat(of table: PlotTable) throws -> Chart {
    try refuse(["by", "error", "bins", "log_x", "log_y"], "a heat map has a colour for each pair of x and y")
    let (xName, yName) = (try oneName("x"), try oneName("y"))
    guard let xName, let yName else {
      try refuse(
        ["x", "y", "value"], "a cell for each pair needs x and y; without both the table is drawn as it is printed")
      // A table as it is printed: a column of names, and columns of numbers.
      let labels = table.columns.first { $0.numbers == nil } ?? table.columns.first { $0.name == "label" }
      let columns = table.columns.filter { $0.numbers != nil && $0.name != labels?.name }
      guard !columns.isEmpty else {
        throw call.error(
          .value, "the table has no column of numbers to draw", hint: "x=, y= and value= name three", at: "data")
      }
      let values = (0..<table.count).flatMap { row in columns.map { $0.numbers?[row] ?? .nan } }
      guard
        let field = NumberField(
          height: table.count, width: columns.count, values: values,
          rows: labels.map { labels in (0..<table.count).map { labels.text($0) } } ?? [], columns: columns.map(\.name))
      else { throw call.error(.value, "the table is too large to draw", at: "data") }
      return Chart(
        title: title, x: .init(try label("x_label", "")), y: .init(try label("y_label", labels?.name ?? "")),
        field: field)
    }
    let (x, y) = (try column(xName, "x", of: table), try column(yName, "y", of: table))
    let named = try call.optionalString("value")
    let value =
      try named.map { try column($0, "value", of: table) }
      ?? table.columns.first { $0.numbers != nil && $0.name != xName && $0.name != yName }
    guard let value, let numbers = value.numbers else {
      throw call.error(
        .value, "a heat map needs a column of numbers for its colours", hint: "value=\"accuracy\"", at: "value")
    }
    func places(_ column: PlotTable.Column) -> (names: [String], of: [Int]) {
      var order = Array(0..<table.count)
      if let numbers = column.numbers {
        order.sort { numbers[$0] < numbers[$1] || (numbers[$0] == numbers[$1] && $0 < $1) }
      }
      var names: [String] = []
      var index: [String: Int] = [:]
      for row in order where index[column.text(row)] == nil {
        index[column.text(row)] = names.count
        names.append(column.text(row))
      }
      return (names, (0..<table.count).map { index[column.text($0)] ?? 0 })
    }
    let (columns, rows) = (places(x), places(y))
    let (size, isLarge) = columns.names.count.multipliedReportingOverflow(by: rows.names.count)
    guard !isLarge, size <= 10_000_000 else {
      throw call.error(
        .value, "a heat map of \(columns.names.count) × \(rows.names.count) cells is too large",
        hint: "kind=\"points\"",
        at: "data")
    }
    var values = [Double](repeating: .nan, count: size)
    for row in 0..<table.count {
      let place = rows.of[row] * columns.names.count + columns.of[row]
      guard values[place].isNaN else {
        throw call.error(
          .value, "two rows have the \(xName) \(x.text(row)) and the \(yName) \(y.text(row)): a cell shows one",
          hint: "take their mean first: tables.group", at: "data")
      }
      values[place] = numbers[row]
    }
    guard
      let field = NumberField(
        height: rows.names.count, width: columns.names.count, values: values, rows: rows.names, columns: columns.names)
    else { throw call.error(.value, "the table is too large to draw", at: "data") }
    return Chart(
      title: title.isEmpty ? value.name : title, x: .init(try label("x_label", xName)),
      y: .init(try label("y_label", yName)), field: field)
  }
}
