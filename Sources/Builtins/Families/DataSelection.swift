import Base
import Datasets
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  /// Choosing, splitting, renaming and changing the examples of data sets.
  static let dataSelection: [Builtin] = [
    Builtin(
      "take(data: dataset, n: int) -> dataset", "The first n examples, or all where there are fewer.",
      details: "- n: how many examples.",
      examples: [
        Example(
          "glyphs(n=40)[0].take(5)", "dataset glyphs train: 5 images 1×28×28, 10 classes, with exact label posteriors")
      ],
      seeAlso: ["hold_out", "shuffled"], search: ["head", "subset", "first", "limit"], family: "data"
    ) { call in
      let n = try call.int("n")
      guard n >= 0 else { throw call.error(.value, "n of take must be at least 0, not \(n)", at: "n") }
      return Value(DatasetObject(try call.object("data", as: DatasetObject.self).data.take(n)))
    },
    Builtin(
      "shuffled(data: dataset, seed: int = 0) -> dataset", "The same examples in an order drawn from the seed.",
      examples: [Example("len(shuffled(glyphs(n=40)[0], seed=3))", "40")],
      seeAlso: ["take", "hold_out"], search: ["random", "permutation"], family: "data"
    ) { call in
      let seed = try call.seed("seed")
      return Value(DatasetObject(try call.object("data", as: DatasetObject.self).data.shuffled(seed: seed)))
    },
    Builtin(
      "batches(data: dataset, size: int > 0, seed: int | none = none) -> list[dataset]",
      "The examples in batches of this size, each a data set with images and labels; the last may be smaller.",
      details: """
        - size: examples in a batch.
        - seed: draws the order, as `shuffled` does; without one the examples stay in order. Give each epoch another.
        """,
      examples: [
        Example("[len(b) for b in batches(glyphs(n=10, test=0)[0], 4, seed=1)]", "[4, 4, 2]"),
        Example(
          "train, test = glyphs(n=6, seed=1); for b in batches(train, 4) { print(b.images.shape, b.labels) }",
          "[4, 1, 28, 28] tensor i64 [4]  0 9 1 9\n[2, 1, 28, 28] tensor i64 [2]  5 8"),
      ],
      seeAlso: ["sgd", "shuffled", "take", "fit"],
      search: ["dataloader", "minibatch", "training loop", "epoch", "loop"],
      family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let seed = try call["seed"].isNone ? nil : call.seed("seed")
      let ordered = seed.map { data.shuffled(seed: $0) } ?? data
      var batches: [Value] = []
      for positions in ordered.batches(of: try call.int("size")) {
        try call.poll(at: batches.count)
        batches.append(Value(DatasetObject(try ordered.subset(positions))))
      }
      return Value(batches)
    },
    Builtin(
      "hold_out(data: dataset, fraction: float, seed: int = 0) -> list[dataset]",
      "Two data sets: a random share of the examples, and the rest.",
      details:
        """
        Use it to hold examples back for choosing a temperature or a checkpoint; never choose on the test set.

        - fraction: share of the examples in the first data set, from 0 to 1.
        """,
      examples: [Example("a, b = hold_out(glyphs(n=40)[0], 0.75); [len(a), len(b)]", "[30, 10]")],
      seeAlso: ["random_split", "take", "shuffled"], search: ["validation", "split"], family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let (first, second) = try data.split(call.float("fraction"), seed: call.seed("seed"))
      return pair(first, second)
    },
    Builtin(
      "random_split(data: dataset, parts: list, seed: int = 0, stratified: bool = false) -> list[dataset]",
      "Disjoint random parts of a data set.",
      details: """
        - parts: shares of the examples, together at most 1, or whole numbers of examples. A share is rounded, and the \
        last part takes what is left where shares add up to 1.
        - seed: the same seed makes the same parts.
        - stratified: whether each part has of every class its share of what the parts before it leave, to within one \
        example.
        """,
      examples: [
        Example("[len(part) for part in random_split(glyphs(n=40)[0], [0.8, 0.1, 0.1])]", "[32, 4, 4]"),
        Example("[len(part) for part in random_split(glyphs(n=40)[0], [5, 5], stratified=true)]", "[5, 5]"),
      ],
      seeAlso: ["hold_out", "stratified", "take"], search: ["validation", "train_test_split", "subset", "split"],
      family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let sizes = try call.partSizes("parts", of: data.count)
      let parts = try data.parts(sizes, seed: call.seed("seed"), isStratified: call.bool("stratified"))
      return Value(parts.map { Value(DatasetObject($0)) })
    },
    Builtin(
      "stratified(data: dataset, n: int, seed: int = 0) -> dataset",
      "Random examples of which every class has its share.",
      details: """
        Counts are rounded by largest remainders, so that each class is within one example of its share.

        - n: how many examples.
        """,
      examples: [
        Example("stratified(relabel(glyphs(n=40)[0], [0] * 5 + [1] * 5), 10).class_counts", "[4, 6]")
      ],
      seeAlso: ["random_split", "take", "only"], search: ["balanced", "subset", "sample"], family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      return Value(DatasetObject(try data.stratified(call.int("n"), seed: call.seed("seed"))))
    },
    Builtin(
      "only(data: dataset, classes: list) -> dataset",
      "The examples of some classes, which are then 0, 1, … in this order.",
      details: """
        Where labels are soft or the posterior is known, examples that give a share to another class are left out.

        - classes: numbers or names of classes, each once.
        """,
      examples: [Example("only(glyphs(n=100)[0], [3, \"8\"]).class_names", "[\"3\", \"8\"]")],
      seeAlso: ["relabel", "stratified"], search: ["filter", "classes", "binary", "subset"], family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let classes = try call.list("classes").map { item in
        if let name = item.asString { return try data.classNamed(name) }
        guard let label = item.asInt else {
          throw call.error(
            .type, "classes of only must be numbers or names of classes; one item is \(item.described)",
            hint: "only(data, [3, 8])", at: "classes")
        }
        return label
      }
      return Value(DatasetObject(try data.only(classes)))
    },
    Builtin(
      "relabel(data: dataset, map: list | record, class_names: list | none = none) -> dataset",
      "The same images with other classes: classes joined, renamed or left out.",
      details: """
        Shares of soft labels and of posteriors add up where classes are joined.

        - map: the new class of each old one in a list, none for what is left out; or new names by old ones in a \
        record, where classes that are not named keep their names.
        - class_names: those of the new classes of a list; when left out, the names that are joined.
        """,
      examples: [
        Example("relabel(glyphs(n=40)[0], [0, 1] * 5).class_names", "[\"0+2+4+6+8\", \"1+3+5+7+9\"]"),
        Example(
          "relabel(only(glyphs(n=40)[0], [3, 4, 9]), {\"4\": \"open\", \"9\": \"open\"}).class_names",
          "[\"3\", \"open\"]"),
      ],
      seeAlso: ["only"], search: ["classes", "rename", "merge", "superclass", "coarse"], family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let (map, names) = try call.classMap(of: data)
      return Value(DatasetObject(try data.relabelled(with: map, classNames: names)))
    },
    Builtin(
      "joined(a: dataset, b: dataset) -> dataset",
      "The examples of two data sets with the same classes, one after the other.",
      details: """
        Images are copied and examples numbered anew. Where one has soft labels, classes of the other become such. Posteriors \
        stay where both have them.

        - a, b: with images of one shape and the same class names.
        """,
      examples: [Example("a, b = glyphs(n=8); len(joined(a, b))", "10")],
      seeAlso: ["only", "take"], search: ["concatenate", "concat", "append", "merge", "union"], family: "data"
    ) { call in
      let (a, b) = (
        try call.object("a", as: DatasetObject.self).data, try call.object("b", as: DatasetObject.self).data
      )
      return Value(DatasetObject(try a.concatenated(with: b)))
    },
    Builtin(
      "dataset(images: tensor, labels: tensor, classes: int | none = none, class_names: list | none = none, name: string = \"images\") -> dataset",
      "A data set of tensors.",
      details: """
        - images: [n, channels, height, width] with values in [0, 1].
        - labels: classes [n], whole numbers from 0, or soft labels [n, classes], rows of probabilities.
        - classes: how many classes there are; up to the largest label when left out.
        - class_names: a name for each class; the numbers when left out.
        - name: what it is called in tables.
        """,
      examples: [
        Example("dataset(rand([2, 1, 8, 8]), [0, 1], classes=10)", "dataset images: 2 images 1×8×8, 10 classes"),
        Example("dataset(rand([1, 3, 8, 8]), [[0.5, 0.5]]).soft_labels", "tensor f32 [1, 2]\n  0.5 0.5"),
      ],
      seeAlso: ["glyphs", "load_tensors", "mnist"],
      search: ["TensorDataset", "own data", "from tensors", "soft labels", "numpy"], family: "data"
    ) { call in
      let images = try call.tensor("images")
      let labels = try call.tensor("labels")
      let names = try call.classNames(of: labels)
      let isSoft = labels.dtype == .float32 && labels.count > 0
      let data =
        isSoft
        ? try Dataset(images: images, softLabels: labels, classNames: names, name: call.string("name"))
        : try Dataset(images: images, labels: call.labels("labels"), classNames: names, name: call.string("name"))
      return Value(DatasetObject(data))
    },
    Builtin(
      "augmented(data: dataset, augment: string | augmentation | list, seed: int = 0, epoch: int = 1) -> dataset",
      "The images as training would see them in one epoch, to look at.",
      details: """
        The same bits as in `fit(…, augment=…, seed=…)`. Labels are soft where images were mixed.

        - augment: as in `fit`.
        - seed: that of `fit`.
        - epoch: counts from 1.
        """,
      examples: [
        Example("augmented(glyphs(n=8)[0], [crop_flip(padding=2), mixup()]).soft_labels.shape", "[8, 10]"),
        Example("save_png(augmented(glyphs(n=20)[0], cutout(size=8)).images, \"/tmp/ltd-example.png\")", ""),
      ],
      seeAlso: ["fit", "crop_flip", "mixup", "save_png"], search: ["data augmentation", "transforms", "preview"],
      family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let epoch = try call.int("epoch")
      guard epoch >= 1 else {
        throw call.error(.value, "epoch of augmented must be at least 1, not \(epoch)", hint: "epoch=1", at: "epoch")
      }
      let list = try call.augmentations("augment")
      return Value(DatasetObject(try data.augmented(by: list, seed: call.seed("seed"), epoch: epoch - 1)))
    },
  ]
}

extension Call {
  /// The sizes of parts of a whole: whole numbers, or shares of it.
  fileprivate func partSizes(_ name: String, of count: Int) throws -> [Int] {
    let items = try list(name)
    if items.allSatisfy({ $0.asInt != nil }) { return try ints(name) }
    let shares = try numbers(name) ?? []
    let sum = shares.reduce(0, +)
    guard shares.allSatisfy({ $0 >= 0 }), sum <= 1 + 1e-9 else {
      throw error(
        .value, "shares must be at least 0 and add up to at most 1, not to \(sum.shortest)",
        hint: "\(name)=[0.8, 0.1, 0.1], or whole numbers of examples", at: name)
    }
    // Bounds are rounded, not sizes, so that parts that are the whole take all.
    var (start, end) = (0, 0.0)
    return shares.map { share in
      end += share
      let bound = min(count, Int((end * Double(count)).rounded()))
      defer { start = bound }
      return max(0, bound - start)
    }
  }

  /// Strings in a list; nil for `none`.
  fileprivate func strings(_ name: String) throws -> [String]? {
    guard let list = try optionalList(name) else { return nil }
    return try list.map { item in
      guard let text = item.asString else {
        throw error(
          .type, "\(name) of \(self.name) must be a list of strings; one item is \(item.described)", at: name)
      }
      return text
    }
  }

  /// The names of the classes of a data set of tensors, where they are given or their number is.
  fileprivate func classNames(of labels: Tensor) throws -> [String]? {
    let names = try strings("class_names")
    guard let classes = try optionalInt("classes") else { return names }
    guard (1...100_000).contains(classes) else {
      throw error(.value, "classes must be from 1 to 100000, not \(classes)", hint: "classes=10", at: "classes")
    }
    guard names == nil || names?.count == classes else {
      throw error(
        .value, "there are \(names?.count ?? 0) class_names for \(classes) classes", hint: "leave classes out",
        at: "classes")
    }
    return names ?? (0..<classes).map(String.init)
  }

  /// The new class of each class of a data set, and the names of the new ones.
  fileprivate func classMap(of data: Dataset) throws -> (map: [Int?], names: [String]) {
    let names = try strings("class_names")
    guard let record = try self["map"].asRecord else {
      let map = try list("map").map { item -> Int? in
        if item.isNone { return nil }
        guard let label = item.asInt, label >= 0, label < 100_000 else {
          throw error(
            .value,
            "map of relabel must have the number of a new class, or none, for each old one; one item is "
              + item.described, hint: "map=[0, 0, 1]", at: "map")
        }
        return label
      }
      let count = (map.compactMap(\.self).max() ?? 0) + 1
      let own = (0..<count).map { new in
        zip(data.classNames, map).filter { $0.1 == new }.map(\.0).joined(separator: "+")
      }
      return (map, names ?? own.enumerated().map { $1.isEmpty ? "\($0)" : $1 })
    }
    guard names == nil else {
      throw error(
        .value, "a record has the names itself: class_names would not be used", hint: "leave class_names out",
        at: "class_names")
    }
    var given: [String: String?] = [:]
    for (name, value) in record.fields {
      _ = try data.classNamed(name)
      guard value.isNone || value.asString != nil else {
        throw error(
          .type, "map of relabel must have new names, or none, by old ones; '\(name)' has \(value.described)",
          hint: "{cat: \"animal\", dog: \"animal\"}", at: "map")
      }
      given[name] = .some(value.asString)
    }
    var new: [String] = []
    let map = data.classNames.map { old -> Int? in
      guard let name = given[old] ?? .some(old) else { return nil }
      if let label = new.firstIndex(of: name) { return label }
      new.append(name)
      return new.count - 1
    }
    return (map, new)
  }
}
