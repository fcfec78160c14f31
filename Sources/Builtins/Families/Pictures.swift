import Base
import Datasets
import Devices
import Drawing
import Interpreter
import Robustness
import Tensors

extension BuiltinTable {
  static let pictures: [Builtin] = [
    Builtin(
      "show(x: tensor | dataset | list | record | figure, labels: tensor | list | string | int | none = none, names: list | none = none, n: int = 32, columns: int | none = none, title: string = \"\") -> figure",
      "Draws images with their labels, or a figure, and returns the figure.",
      details: """
        Two pixels stand in each character of a terminal with colours, real pixels in one that says it takes them (kitty, \
        sixel; kitty through tmux where its allow-passthrough is on), shades of characters elsewhere. Values are cut to \
        [0, 1]; a line below says so.

        - x: an image [h, w] or [c, h, w], images [n, c, h, w], a data set, an example or a batch of one, a list of \
        images or examples, or a figure.
        - labels: what stands below each image: classes [n], strings, or soft labels [n, classes], whose greatest shares \
        stand beside the image as bars, or two of them below it in a narrow window; a data set has its own.
        - names: the names of the classes; a data set has its own.
        - n: how many images are drawn at most. Those that have no room in the window are counted in a last line.
        - columns: images beside each other; as many as fit when left out.
        - title: a line above all.
        """,
      examples: [
        Example(
          "show(tensor([[0.0, 0.5, 1], [1, 0.5, 0]]))",
          """
                  ++++++++@@@@@@@@
                  ++++++++@@@@@@@@
                  ++++++++@@@@@@@@
                  ++++++++@@@@@@@@
          @@@@@@@@++++++++
          @@@@@@@@++++++++
          @@@@@@@@++++++++
          @@@@@@@@++++++++
          """)
      ],
      seeAlso: ["compare", "plot", "save_plot", "save_png"],
      search: ["image", "picture", "imshow", "display", "view", "look", "plt.imshow", "make_grid"], family: "pictures"
    ) { call in
      let figure =
        if let figure = try call["x"].asObject as? FigureObject {
          try call.shown(figure)
        } else {
          FigureObject(Figure(title: try call.string("title"), panels: [.images(try call.sheet())]))
        }
      try call.session.write(try call.session.text(of: Value(figure)) + "\n", drawing: figure)
      call.session.drawn = figure
      return Value(figure)
    },
    Builtin(
      "compare(x: tensor | dataset, x_adv: tensor | dataset, model: model | none = none, labels: tensor | list | none = none, names: list | none = none, n: int = 4, factor: float | none = none, title: string = \"\") -> figure",
      "A figure of images beside changed ones: the original, the perturbation enlarged, the result, and what a model says.",
      details: """
        The perturbation is drawn on grey: 0.5 + factor·(x_adv - x). The head of its column says the factor, and below each \
        stand its greatest and its Euclidean length.

        - x: images [n, c, h, w], one [c, h, w], or a data set.
        - x_adv: as many images of the same size.
        - model: its predictions and their probabilities stand below the originals and the results.
        - labels: the classes [n]; a data set has its own.
        - names: the names of the classes; a data set has its own.
        - n: how many pairs are drawn, from the first.
        - factor: what the perturbation is multiplied with; when left out the greatest round number with which all of it \
        is within the range of grey.
        - title: a line above all.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=8, seed=1); adv = perturb(mlp(), test, attack=fgsm(), eps=0.1); len(compare(test, adv, model=mlp(), n=1).data)",
          "3")
      ],
      seeAlso: ["show", "perturb", "save_plot"],
      search: ["adversarial", "perturbation", "difference", "diff", "noise", "before and after"], family: "pictures"
    ) { call in
      Value(FigureObject(Figure(title: try call.string("title"), panels: [.images(try call.pairs())])))
    },
  ]
}

/// Images that are to be drawn, as numbers, with what is known of them.
private struct Gallery {
  /// [n, c, h, w]
  var images: Tensor
  /// How many there are that are not among them.
  var left: Int
  var labels: [Int]?
  var soft: Tensor?
  var names: [String]?
}

extension Call {
  /// A figure again, which nothing of the other arguments changes.
  fileprivate func shown(_ figure: FigureObject) throws -> FigureObject {
    for name in ["labels", "names", "n", "columns", "title"] where isGiven(name) {
      throw error(
        .value, "\(name) of show would not be used: a figure is drawn as it is", hint: "show(figure)", at: name)
    }
    return figure
  }

  /// How many images at most.
  private func most() throws -> Int {
    let most = try int("n")
    guard (1...10_000).contains(most) else {
      throw error(.value, "n of \(name) must be from 1 to 10000, not \(most)", hint: "n=16", at: "n")
    }
    return most
  }

  /// Images of a tensor, checked.
  private func gallery(of tensor: Tensor, _ argument: String, most: Int) throws -> Gallery {
    var shape = tensor.shape
    if shape.count == 2 { shape = [1, 1] + shape } else if shape.count == 3 { shape = [1] + shape }
    guard shape.count == 4, shape[1] == 1 || shape[1] == 3 else {
      throw error(
        .shape,
        "\(argument) of \(name) must be images of 1 or 3 channels, [c, h, w] or [n, c, h, w], not \(tensor.shape)",
        hint: tensor.shape.count == 3
          ? "\(argument)[:, none] draws each channel by itself"
          : tensor.shape.count == 4
            ? "\(argument)[:, 0:1] has one channel"
            : "plot(\(argument)) draws numbers",
        at: argument)
    }
    guard shape[2] > 0, shape[3] > 0, shape[0] > 0 else {
      throw error(.shape, "\(argument) of \(name) has no pixels: its shape is \(tensor.shape)", at: argument)
    }
    guard shape[2] <= 16_384, shape[3] <= 16_384 else {
      throw error(
        .shape, "an image of \(shape[2]) × \(shape[3]) pixels is too large to draw", hint: "at most 16384 × 16384",
        at: argument)
    }
    let images = try tensor.detached().reshape(shape)
    let n = min(most, shape[0])
    return Gallery(images: try images.slice(axis: 0, 0, n), left: shape[0] - n)
  }

  private func gallery(of data: Dataset, _ argument: String, most: Int) throws -> Gallery {
    guard data.count > 0 else { throw error(.value, "the data set \(data.name) has no images", at: argument) }
    let n = min(most, data.count)
    let batch = try data.batch(Array(0..<n))
    var gallery = try gallery(of: batch.images, argument, most: n)
    (gallery.left, gallery.labels, gallery.names) = (data.count - n, Array(data.labels.prefix(n)), data.classNames)
    if case .soft(let rows) = batch.targets { gallery.soft = rows } else { gallery.soft = batch.posterior }
    return gallery
  }

  /// Whatever `show` takes as images.
  private func gallery(_ value: Value, most: Int) throws -> Gallery {
    switch value {
    case .object(let object as DatasetObject): return try gallery(of: object.data, "x", most: most)
    case .object(let object as TensorObject): return try gallery(of: object.tensor, "x", most: most)
    case .record(let record):
      guard let images = try (record["image"] ?? record["images"]).flatMap({ try Tensor.operand($0) }) else {
        throw error(
          .type,
          "a record is shown when it has an image or images, and this one has "
            + record.keys.prefix(8).joined(separator: ", "),
          hint: "show(train[0]), or print(record)", at: "x")
      }
      var found = try gallery(of: images, "x", most: most)
      let labels = try (record["label"] ?? record["labels"]).flatMap { try Tensor.operand($0) }
      if let labels, labels.dtype == .int64 { found.labels = labels.ints() }
      if let soft = try (record["soft_label"] ?? record["soft_labels"]).flatMap({ try Tensor.operand($0) }) {
        found.soft = soft.shape.count == 1 ? try soft.reshape([1] + soft.shape) : soft
      }
      return found
    case .list(let list):
      guard let first = list.items.first else {
        throw error(.value, "there is nothing to show: the list is empty", hint: "show(train)", at: "x")
      }
      if first.isNumber || first.asList != nil, let tensor = try Tensor.operand(value) {
        return try gallery(of: tensor, "x", most: most)
      }
      let parts = try list.items.prefix(most).map { try gallery($0, most: 1) }
      var joined = parts[0]
      for part in parts where part.images.shape != joined.images.shape {
        throw error(
          .shape,
          "images that are shown together must be equally large: one is \(Array(joined.images.shape[1...])), another \(Array(part.images.shape[1...]))",
          hint: "show them one by one", at: "x")
      }
      joined.images = try concat(parts.map(\.images), axis: 0)
      joined.labels = parts.allSatisfy { $0.labels?.count == 1 } ? parts.flatMap { $0.labels ?? [] } : nil
      let soft = parts.compactMap(\.soft)
      joined.soft = soft.count == parts.count && Set(soft.map(\.shape)).count == 1 ? try concat(soft, axis: 0) : nil
      joined.left = list.items.count - parts.count
      return joined
    default:
      throw error(
        .type, "show draws images, and \(value.described) is none",
        hint: "show(train), show(x[0]); plot(…) draws numbers",
        at: "x")
    }
  }

  private func classNames() throws -> [String]? {
    try optionalList("names").map { list in list.map { $0.asString ?? $0.shortText(PrintOptions()) } }
  }

  /// The sheet of `show`.
  fileprivate func sheet() throws -> ImageSheet {
    let columns = try optionalInt("columns")
    if let columns, !(1...1000).contains(columns) {
      throw error(.value, "columns of show must be from 1 to 1000, not \(columns)", hint: "columns=8", at: "columns")
    }
    var found = try gallery(self["x"], most: most())
    let count = found.images.shape[0]
    if let names = try classNames() { found.names = names }
    var captions = [[String]](repeating: [], count: count)
    func className(_ label: Int) -> String {
      if let names = found.names, names.indices.contains(label) { return names[label] }
      return "\(label)"
    }
    let given = try self["labels"]
    if given.isNone {
      if let labels = found.labels {
        for (index, label) in labels.prefix(count).enumerated() { captions[index] = [className(label)] }
      }
    } else {
      found.soft = nil
      let total = count + found.left
      func check(_ n: Int) throws {
        guard n == total || n == count else {
          throw error(
            .shape, "labels of show must be one for each of the \(total) images, not \(n)",
            hint: "labels=labels[0:\(total)]",
            at: "labels")
        }
      }
      if let list = given.asList, list.contains(where: { $0.asString != nil }) {
        try check(list.count)
        for index in 0..<count { captions[index] = [PlotTable.text(list[index])] }
      } else if let word = given.asString {
        try check(1)
        captions[0] = [word]
      } else if let tensor = try? Tensor.operand(given) {
        switch tensor.shape.count {
        case 0,
          1 where !(total == 1 && tensor.shape.count == 1 && tensor.dtype == .float32 && tensor.count > 1):
          try check(tensor.count)
          let texts =
            tensor.dtype == .float32 ? tensor.floats().map { $0.asTyped.general(4) } : tensor.ints().map(className)
          for index in 0..<count { captions[index] = [texts[index]] }
        default:
          let rows = tensor.shape.count == 1 ? try tensor.reshape([1] + tensor.shape) : tensor
          guard rows.shape.count == 2 else {
            throw error(
              .shape, "labels of show must be classes [n] or soft labels [n, classes], not of shape \(tensor.shape)",
              at: "labels")
          }
          try check(rows.shape[0])
          found.soft = rows
        }
      } else {
        throw error(
          .type, "labels of show must be classes, strings or soft labels, not \(given.described)",
          hint: "labels=[3, 7]",
          at: "labels")
      }
    }
    var shares = [[(name: String, share: Double)]](repeating: [], count: count)
    if let soft = found.soft, soft.shape.count == 2, soft.shape[0] >= count {
      let classes = soft.shape[1]
      let values = soft.floats()
      for index in 0..<count {
        let row = values[index * classes..<(index + 1) * classes].enumerated()
        // The greatest first, equal ones in order.
        shares[index] = row.sorted { $0.element > $1.element || ($0.element == $1.element && $0.offset < $1.offset) }
          .prefix(5).filter { $0.element >= 0.005 }.map { (className($0.offset), Double($0.element)) }
      }
    }
    let pictures = try pictures(of: found.images, captions, shares)
    var sheet = ImageSheet(pictures.pictures, columns: columns, notes: pictures.note.map { [$0] } ?? [])
    sheet.left = found.left
    return sheet
  }

  /// Images as pictures, and a remark on values that have no colour.
  private func pictures(
    of images: Tensor, _ captions: [[String]], _ shares: [[(name: String, share: Double)]]
  ) throws -> (pictures: [ImageSheet.Picture], note: String?) {
    let (channels, height, width) = (images.shape[1], images.shape[2], images.shape[3])
    let values =
      images.dtype == .float32
      ? images.floats() : images.dtype == .bool ? images.bools().map { $0 ? 1 : 0 } : images.ints().map { Float($0) }
    let size = channels * height * width
    var (low, high, odd) = (Float.infinity, -Float.infinity, 0)
    for (index, value) in values.enumerated() {
      try StopSignal.poll(at: index)
      if value.isNaN {
        odd += 1
      } else {
        low = min(low, value)
        high = max(high, value)
      }
    }
    var notes: [String] = []
    if low < -1e-6 || high > 1 + 1e-6 {
      notes.append("values from \(Double(low).general(3)) to \(Double(high).general(3)) are cut to 0…1")
    }
    if odd > 0 { notes.append("\(odd) value\(odd == 1 ? " is NaN" : "s are NaN"), drawn black") }
    let pictures = (0..<images.shape[0]).compactMap { index in
      ImageSheet.Picture(
        channels: channels, height: height, width: width, values: Array(values[index * size..<(index + 1) * size]),
        captions: captions[index], shares: shares[index])
    }
    return (pictures, notes.isEmpty ? nil : notes.joined(separator: "; "))
  }

  /// The sheet of `compare`: three images for each pair.
  fileprivate func pairs() throws -> ImageSheet {
    let most = try most()
    func gallery(_ argument: String) throws -> Gallery {
      if let data = try self[argument].asObject as? DatasetObject {
        return try self.gallery(of: data.data, argument, most: most)
      }
      return try self.gallery(of: tensor(argument), argument, most: most)
    }
    let (before, after) = (try gallery("x"), try gallery("x_adv"))
    guard before.images.shape == after.images.shape, before.left == after.left else {
      throw error(
        .shape,
        "x and x_adv of compare must be the same images: \(before.images.shape[0] + before.left) of \(Array(before.images.shape[1...])) beside "
          + "\(after.images.shape[0] + after.left) of \(Array(after.images.shape[1...]))",
        hint: "compare(x[0:4], x_adv[0:4])", at: "x_adv")
    }
    let count = before.images.shape[0]
    let names = try classNames() ?? before.names ?? after.names
    func className(_ label: Int) -> String {
      names.flatMap { $0.indices.contains(label) ? $0[label] : nil } ?? "\(label)"
    }
    var labels = before.labels
    if try !self["labels"].isNone {
      guard let given = try Tensor.operand(self["labels"]), given.dtype == .int64,
        given.count == count || given.count == count + before.left
      else {
        throw error(
          .shape, "labels of compare must be a class for each of the \(count + before.left) images",
          hint: "labels=test.labels", at: "labels")
      }
      labels = given.ints()
    }
    func said(_ images: Tensor) throws -> [String]? {
      guard let model = try optionalObject("model", as: ModelObject.self) else { return nil }
      let rows = try softLabels(of: model.model, on: .images(images), temperature: .fixed(1), parameters: model.tracked)
      let (classes, values) = (rows.shape[1], rows.floats())
      return (0..<count).map { index in
        let row = values[index * classes..<(index + 1) * classes]
        let best = row.indices.max { row[$0] < row[$1] } ?? row.startIndex
        return "\(className(best - row.startIndex)) \((Double(row[best]) * 100).fixed(0))%"
      }
    }
    let (first, second) = (try said(before.images), try said(after.images))
    let change = try (after.images - before.images).floats()
    let greatest = change.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
    let given = try optionalFloat("factor")
    if let given, !(given > 0 && given < 1e9) {
      throw error(
        .value, "factor of compare must be above 0 and below 1e9, not \(given.shortest)", hint: "factor=10",
        at: "factor")
    }
    let factor = given ?? Self.roundFactor(greatest > 0 ? 0.5 / Double(greatest) : 1)
    let size = before.images.count / count
    let grey = try Tensor(change.map { 0.5 + Float(factor) * $0 }, shape: before.images.shape)
    var captions: [[[String]]] = [[], [], []]
    for index in 0..<count {
      let own = change[index * size..<(index + 1) * size]
      let largest = own.reduce(Float(0)) { $1.isFinite ? max($0, abs($1)) : $0 }
      let length = own.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
      let label = labels.map { "is \(className($0[index]))" }
      captions[0].append([label, first?[index]].compactMap { $0 })
      captions[1].append(["max \((Double(largest) * 255).general(3))/255", "L2 \(length.general(3))"])
      captions[2].append([second?[index]].compactMap { $0 })
    }
    let none = [[(name: String, share: Double)]](repeating: [], count: count)
    let parts = try [before.images, grey, after.images].enumerated().map { try pictures(of: $1, captions[$0], none) }
    let mixed = (0..<count).flatMap { index in parts.map { $0.pictures[index] } }
    var sheet = ImageSheet(
      mixed, columns: 3, heads: ["original", "change ×\(factor.general(4))", "result"],
      notes: [parts[0].note.map { "original: \($0)" }, parts[2].note.map { "result: \($0)" }].compactMap { $0 })
    sheet.left = 0
    if before.left > 0 { sheet.notes.append("… \(before.left) more pairs") }
    return sheet
  }

  /// The greatest of 1, 1.5, 2, 3, 5 and 7 times a power of ten that is not above a factor.
  private static func roundFactor(_ factor: Double) -> Double {
    guard factor.isFinite, factor > 0 else { return 1 }
    var power = 1.0
    while power * 10 <= factor, power < 1e8 { power *= 10 }
    while power > factor, power > 1e-6 { power /= 10 }
    return power * (([1, 1.5, 2, 3, 5, 7] as [Double]).last { power * $0 <= factor * (1 + 1e-6) } ?? 1)
  }
}
