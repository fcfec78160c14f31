import Base
import Datasets
import Drawing
import Interpreter
import Networks
import Robustness
import Tensors

extension BuiltinTable {
  static let plots: [Builtin] = [
    Builtin(
      "plot(data: list | tensor | range | record | evaluation | certificate | diagnosis, x: string | list | none = none, y: string | list | none = none, by: string | list | none = none, kind: string = \"auto\", error: string | list | none = none, value: string | none = none, log_x: bool = false, log_y: bool = false, title: string = \"\", x_label: string | none = none, y_label: string | none = none, legend: bool = true, bins: int | none = none) -> figure",
      "A figure of a table, of numbers, of an evaluation or of a training: lines, points, bars, a histogram or a heat map.",
      details: """
        The figure is drawn where it is printed: by the prompt, by `print` and by `show`; `save_plot` writes it to a file. \
        rows.plot(…) is the same as plot(rows, …).

        A list of records is a table of columns, and so is a record of lists. An evaluation draws its accuracies with their \
        intervals, the report of fit its losses and accuracies, whatif its temperatures. A list of numbers or a tensor [n] \
        is a line over its indices, a tensor [n, m] a heat map, or with another kind a line for each row.

        - data: what is drawn.
        - x: the column along the x axis; the first one when left out.
        - y: the column, or the columns, that are drawn; all other columns of numbers when left out. A column `acc` with \
        columns `acc_low` and `acc_high` beside it has error bars.
        - by: the column, or the columns, whose values tell the series apart.
        - kind: "line", "points", "bars", "histogram" (of x), "heat" (a cell for each pair of x and y, or the table as it \
        is printed), or "auto": bars where x has names, else lines, which go from left to right.
        - error: the column of the half widths of error bars, or two columns with their ends.
        - value: of a heat map, the column that its colours show.
        - log_x, log_y: whether equal factors are equally far apart; numbers up to 0 are then an error.
        - title: a line above the figure.
        - x_label, y_label: what stands at the axes, with units; names of columns when left out.
        - legend: whether several series are named.
        - bins: how many bars a histogram has.
        """,
      examples: [
        Example(
          "plot([{attack: \"fgsm\", accuracy: 0.75}, {attack: \"pgd\", accuracy: 0.5}])",
          """
          fgsm ████████████████████████████████████████████████████████████████▊ 0.750
          pgd  ███████████████████████████████████████████▏ 0.500
                                              accuracy
          """),
        Example("len(plot([3, 1, 4, 1, 5], title=\"digits\").data)", "5"),
      ],
      seeAlso: ["show", "compare", "confusion", "save_plot"],
      search: [
        "chart", "graph", "figure", "matplotlib", "line plot", "scatter", "bar chart", "histogram", "heatmap", "axis",
        "legend", "imshow", "plt",
      ],
      family: "pictures"
    ) { call in
      Value(FigureObject(try call.plotted()))
    },
    Builtin(
      "save_plot(figure: figure, path: string, width: float = 640, height: float = 360, scale: float = 2) -> none",
      "Writes a figure to a file as SVG, PNG or PDF; the end of the path says which.",
      details: """
        Equal figures make equal files. The file is written as write_text does it.

        - figure: what plot, show, compare or confusion has returned.
        - width: of the picture in points, 1/72 inch.
        - height: of each chart in points; sheets of images are as tall as they have to be.
        - scale: pixels for each point of a PNG.
        """,
      examples: [Example("save_plot(plot([1, 4, 9]), \"/tmp/ltd-example.svg\")", "")],
      seeAlso: ["plot", "save_png", "write_text"], search: ["svg", "pdf", "png", "export", "savefig", "figure"],
      family: "pictures"
    ) { call in
      try call.prepareToWrite()
      try call.object("figure", as: FigureObject.self).figure.save(
        to: call.string("path"), width: call.float("width"), height: call.float("height"), scale: call.float("scale"))
      return .none
    },
    Builtin(
      "confusion(model: model | evaluation, data: dataset | none = none, share: bool = false) -> figure",
      "How often each class is taken for each other: a row for each true class, a column for each predicted one.",
      details: """
        The table is the figure's `data`. statistics.confusion makes it of labels and predictions.

        - model: a model, or an evaluation, whose natural predictions are counted.
        - data: the examples that the model is shown; an evaluation has its own.
        - share: shares of the examples of each class in place of counts.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); c = confusion(mlp(seed=1), test); sum([sum(values(row)[1:]) for row in c.data])",
          "10")
      ],
      seeAlso: ["evaluate", "statistics.confusion", "plot"],
      search: ["confusion matrix", "confusion_matrix", "errors by class", "heatmap"], family: "pictures"
    ) { call in
      Value(FigureObject(try call.confusion()))
    },
  ]
}

extension Call {
  /// The figure of `plot`.
  fileprivate func plotted() throws -> Figure {
    let maker = try PlotMaker(self)
    let data = try self["data"]
    switch data {
    case .object(let object as EvaluationObject):
      return try maker.bars(object.evaluation)
    case .object(let object as CertificateObject):
      return try maker.bars(object.certificate)
    case .object(let object as DiagnosisObject):
      return try maker.figure(of: object)
    case .object(let object as TensorObject): return Figure(try maker.chart(of: object.tensor))
    case .record(let record): return try maker.figure(of: record)
    case .range: return Figure(try maker.chart(of: PlotTable.numbers(data) ?? []))
    case .list(let list):
      guard let first = list.items.first else {
        throw error(.value, "there is nothing to plot: the list is empty", hint: "plot([1, 4, 9])", at: "data")
      }
      if case .record = first {
        let records = list.items.compactMap(\.asRecord)
        guard records.count == list.items.count else {
          throw error(
            .type, "a table must have records only, and this list has other items too", hint: "plot([{a: 1}, {a: 2}])",
            at: "data")
        }
        return try maker.figure(of: records)
      }
      if let numbers = try PlotTable.numbers(data) { return Figure(try maker.chart(of: numbers)) }
      if first.asList != nil, let tensor = try? Tensor.operand(data) { return Figure(try maker.chart(of: tensor)) }
      let odd = list.items.first { !$0.isNumber && !$0.isNone } ?? first
      throw error(
        .type, "plot needs numbers or records in a list; one item is \(odd.described)",
        hint: "plot([1, 4, 9]), or plot(rows, x=\"epoch\", y=\"loss\")", at: "data")
    default:
      throw error(.type, "plot cannot draw \(data.described)", hint: "plot(rows, x=\"epoch\", y=\"loss\")", at: "data")
    }
  }

  /// The figure of `confusion`.
  fileprivate func confusion() throws -> Figure {
    let names: [String]
    let (labels, predictions): ([Int], [Int])
    let title: String
    if let found = try self["model"].asObject as? EvaluationObject {
      if isGiven("data") {
        throw error(
          .value, "data of confusion would not be used: the evaluation has its own", hint: "leave data out", at: "data")
      }
      let evaluation = try found.evaluation
      (names, labels) = (evaluation.classNames, evaluation.labels)
      predictions = evaluation.naturalVerdicts.map(\.prediction)
      title = "\(evaluation.model) on \(evaluation.data)"
    } else {
      let model = try object("model", as: ModelObject.self)
      guard let data = try optionalObject("data", as: DatasetObject.self)?.data else {
        throw error(
          .value, "confusion needs the data set that the model is shown", hint: "confusion(net, test)", at: "model")
      }
      (names, labels) = (data.classNames, data.labels)
      predictions = try softLabels(of: model.model, on: .data(data), temperature: .fixed(1), parameters: model.tracked)
        .argmax(axis: 1).ints()
      title = "\(model.model.name) on \(data.name)"
    }
    let size = max(names.count, (predictions.max() ?? -1) + 1)
    var counts = [Double](repeating: 0, count: size * size)
    for (label, prediction) in zip(labels, predictions) where label < size && label >= 0 && prediction >= 0 {
      counts[label * size + prediction] += 1
    }
    if try bool("share") {
      for row in 0..<size {
        let total = counts[row * size..<(row + 1) * size].reduce(0, +)
        for column in 0..<size { counts[row * size + column] = total > 0 ? counts[row * size + column] / total : .nan }
      }
    }
    let shown = (0..<size).map { $0 < names.count ? names[$0] : "\($0)" }
    guard let field = NumberField(height: size, width: size, values: counts, rows: shown, columns: shown) else {
      throw error(.value, "there are no classes to count", at: "data")
    }
    return Figure(Chart(title: title, x: .init("predicted"), y: .init("class"), field: field))
  }
}

extension PlotMaker {
  private static let ofTables = ["x", "y", "by", "error", "value"]

  /// Shares with their intervals as bars from 0 to 1.
  private func bars(_ lines: [(name: String, accuracy: Accuracy)], _ name: String) throws -> Figure {
    try refuse(
      Self.ofTables + ["bins", "log_x"], "there are the accuracies with their intervals; .rows has them as a table")
    guard kind == .auto || kind == .bars else {
      throw call.error(
        .value, "these accuracies are drawn as bars", hint: "plot(evaluation.rows, kind=…) draws the table as you like",
        at: "kind")
    }
    let values = lines.map(\.accuracy.value)
    try requirePositive(values, of: "accuracy", isLog: logY, "log_y")
    let intervals = lines.map(\.accuracy.interval)
    let series = Series(
      "accuracy", .bars, x: values, y: values.indices.map(Double.init), low: intervals.map(\.low),
      high: intervals.map(\.high))
    return Figure(
      Chart(
        title: title.isEmpty ? name : title,
        x: .init(try label("y_label", "accuracy, 95 % interval"), isLog: logY, reaches: logY ? [] : [0, 1]),
        y: .init(try label("x_label", ""), categories: lines.map(\.name)), series: [series], showsLegend: false))
  }

  func bars(_ evaluation: Evaluation) throws -> Figure {
    try bars(
      [("natural", evaluation.naturalAccuracy)] + evaluation.attacks.map { ($0.attack, $0.accuracy) }
        + (evaluation.attacks.count > 1 ? [("worst case", evaluation.worstCase)] : []),
      "\(evaluation.model) on \(evaluation.n) images of \(evaluation.data)")
  }

  func bars(_ certificate: Certificate) throws -> Figure {
    try bars(
      [("natural", certificate.natural), ("not broken", certificate.unbroken), ("certified", certificate.certified)],
      "\(certificate.model) on \(certificate.n) images of \(certificate.data)")
  }

  func figure(of diagnosis: DiagnosisObject) throws -> Figure {
    try refuse(
      Self.ofTables + ["kind", "bins", "log_x", "log_y", "x_label", "y_label", "legend"],
      "a diagnosis is drawn in one way")
    return diagnosis.figure(title: title)
  }

  // MARK: Numbers

  func chart(of numbers: [Double]) throws -> Chart {
    try refuse(Self.ofTables, "these are numbers without names; plot({x: xs, y: ys}, x=\"x\") draws ys over xs")
    if kind == .histogram { return try histogram([("", numbers)], name: "") }
    try refuse(["bins"], "it is the number of bars of kind=\"histogram\"")
    guard kind != .heat else {
      throw call.error(
        .value, "a heat map needs rows and columns, not \(numbers.count) numbers", hint: "kind=\"line\"", at: "kind")
    }
    let indices = numbers.indices.map(Double.init)
    if kind == .bars {
      try refuse(["log_x"], "the x axis has names")
      try requirePositive(numbers, of: "data", isLog: logY, "log_y")
      return Chart(
        title: title, x: .init(try label("y_label", ""), isLog: logY, reaches: logY ? [] : [0]),
        y: .init(try label("x_label", ""), categories: numbers.indices.map(String.init)),
        series: [Series("", .bars, x: numbers, y: indices)])
    }
    return try lines([("", numbers)])
  }

  /// Lines over indices.
  private func lines(_ parts: [(name: String, values: [Double])]) throws -> Chart {
    for part in parts {
      try requirePositive(part.values, of: part.name.isEmpty ? "data" : part.name, isLog: logY, "log_y")
    }
    if logX { try requirePositive(parts.contains { !$0.values.isEmpty } ? [0] : [], of: "index", isLog: true, "log_x") }
    let series = parts.map { part in
      Series(part.name, kind == .points ? .points : .line, x: part.values.indices.map(Double.init), y: part.values)
    }
    return Chart(
      title: title, x: .init(try label("x_label", "index"), isLog: logX),
      y: .init(try label("y_label", ""), isLog: logY),
      series: series, showsLegend: try call.bool("legend"))
  }

  func chart(of tensor: Tensor) throws -> Chart {
    let numbers = PlotTable.numbers(of: tensor)
    if kind == .histogram {
      try refuse(Self.ofTables, "a tensor has no columns with names")
      return try histogram([("", numbers)], name: "")
    }
    switch tensor.shape.count {
    case 0, 1: return try chart(of: numbers)
    case 2:
      let (height, width) = (tensor.shape[0], tensor.shape[1])
      try refuse(Self.ofTables + ["bins"], "a tensor has no columns with names")
      if kind == .auto || kind == .heat {
        try refuse(["log_x", "log_y"], "a heat map has no such axis")
        guard let field = NumberField(height: height, width: width, values: numbers) else {
          throw call.error(.shape, "a tensor \(tensor.shape) cannot be drawn", at: "data")
        }
        return Chart(
          title: title, x: .init(try label("x_label", "")), y: .init(try label("y_label", "")), field: field)
      }
      guard height <= 40, kind != .bars else {
        throw call.error(
          .shape, "\(height) rows cannot be told apart as \(kind == .bars ? "bars" : "lines")",
          hint: "kind=\"heat\", or plot(x[0])",
          at: "data")
      }
      return try lines((0..<height).map { ("row \($0)", Array(numbers[$0 * width..<($0 + 1) * width])) })
    default:
      throw call.error(
        .shape, "a tensor of shape \(tensor.shape) has too many axes for a plot",
        hint: tensor.shape.count <= 4
          ? "show(x) draws images; plot(x, kind=\"histogram\") its values" : "plot(x[0, 0])",
        at: "data")
    }
  }

  // MARK: Records

  func figure(of records: [RecordValue]) throws -> Figure {
    let table = try PlotTable(records: records)
    let isOpen = !(Self.ofTables + ["kind", "log_x", "log_y", "x_label", "y_label"]).contains { call.isGiven($0) }
    if isOpen, let figure = try temperatures(table) { return figure }
    return Figure(try chart(of: table))
  }

  /// What `whatif` returns: probabilities and nats, which share no axis, over temperatures in equal factors.
  private func temperatures(_ table: PlotTable) throws -> Figure? {
    let names = Set(table.columns.map(\.name))
    guard names.isSuperset(of: ["T", "confidence", "entropy", "true_class", "cross_entropy"]),
      let temperatures = table["T"]?.numbers, temperatures.allSatisfy({ $0 > 0 })
    else { return nil }
    func chart(_ columns: [String], _ label: String, _ reaches: [Double], title: String) throws -> Chart {
      let order = temperatures.indices.sorted { temperatures[$0] < temperatures[$1] }
      return Chart(
        title: title, x: .init("T", isLog: temperatures.count > 2), y: .init(label, reaches: reaches),
        series: columns.compactMap { name in
          table[name]?.numbers.map { values in
            Series(name, .line, x: order.map { temperatures[$0] }, y: order.map { values[$0] })
          }
        }, showsLegend: try call.bool("legend"))
    }
    return Figure(
      title: title.isEmpty ? "soft labels at each temperature" : title,
      panels: [
        .chart(try chart(["confidence", "second", "true_class", "posterior_gap"], "probability", [0, 1], title: "")),
        .chart(try chart(["entropy", "cross_entropy"], "nats", [0], title: "")),
      ])
  }

  func figure(of record: RecordValue) throws -> Figure {
    if let epochs = record["epochs"]?.asList, let first = epochs.first?.asRecord, first["epoch"] != nil,
      first["loss"] != nil
    {
      return try training(record, epochs.compactMap(\.asRecord))
    }
    guard record.count > 0 else {
      throw call.error(
        .value, "there is nothing to plot: the record is empty", hint: "plot({train: xs, test: ys})", at: "data")
    }
    if record.values.allSatisfy({ $0.plain.asDouble != nil }) {
      let columns = [
        try PlotTable.Column("name", record.keys.map { Value($0) }), try PlotTable.Column("value", record.values),
      ]
      return Figure(try chart(of: PlotTable(columns)))
    }
    var columns: [PlotTable.Column] = []
    for (name, value) in record.fields {
      if let numbers = try PlotTable.numbers(value) {
        columns.append(PlotTable.Column(name, numbers))
      } else if let items = value.asList {
        columns.append(try PlotTable.Column(name, items))
      } else {
        throw call.error(
          .type, "plot of a record needs numbers, or a list of them in each field; \(name) is \(value.described)",
          hint: "plot({train: xs, test: ys})", at: "data")
      }
    }
    if !Self.ofTables.contains(where: { call.isGiven($0) }), columns.allSatisfy({ $0.numbers != nil }) {
      if kind == .histogram { return Figure(try histogram(columns.map { ($0.name, $0.numbers ?? []) }, name: "")) }
      if kind == .auto || kind == .line || kind == .points {
        return Figure(try lines(columns.map { ($0.name, $0.numbers ?? []) }))
      }
    }
    guard let first = columns.first, columns.allSatisfy({ $0.count == first.count }) else {
      throw call.error(
        .shape,
        "columns of a table must be equally long: "
          + columns.map { "\($0.name) has \($0.count)" }.joined(separator: ", "),
        hint: "without x, y and by each list is a line of its own", at: "data")
    }
    return Figure(try chart(of: PlotTable(columns)))
  }

  /// The report of `fit`: its losses, and below them its accuracies.
  private func training(_ report: RecordValue, _ epochs: [RecordValue]) throws -> Figure {
    let isOpen = !(Self.ofTables + ["kind", "x_label", "y_label", "log_x", "bins"]).contains { call.isGiven($0) }
    let table = try PlotTable(records: epochs)
    guard isOpen else { return Figure(try chart(of: table)) }
    let x = table["epoch"]?.numbers ?? []
    let columns = table.columns.filter { $0.numbers != nil && !["epoch", "lr", "seconds"].contains($0.name) }
    func series(_ isWanted: (String) -> Bool) -> [Series] {
      columns.filter { isWanted($0.name) }.map { Series($0.name, .line, x: x, y: $0.numbers ?? []) }
    }
    let (losses, shares) = (series { $0.contains("loss") }, series { !$0.contains("loss") })
    for loss in losses { try requirePositive(loss.y, of: loss.name, isLog: logY, "log_y") }
    var panels: [Figure.Panel] = []
    let legend = try call.bool("legend")
    if !losses.isEmpty {
      panels.append(
        .chart(Chart(x: .init("epoch"), y: .init("loss", isLog: logY), series: losses, showsLegend: legend)))
    }
    if !shares.isEmpty {
      panels.append(
        .chart(Chart(x: .init("epoch"), y: .init("accuracy", reaches: [0, 1]), series: shares, showsLegend: legend)))
    }
    return Figure(title: title.isEmpty ? report["method"]?.asString ?? "" : title, panels: panels)
  }
}
