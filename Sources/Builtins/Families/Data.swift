import Base
import Datasets
import Drawing
import Interpreter
import Tensors

extension BuiltinTable {
  static let data: [Builtin] = [
    Builtin(
      """
      glyphs(n: int = 4000, test: int | none = none, ambiguity: float = 0.3, seed: int = 0, size: int = 28, \
      difficulty: float = 0.5, pairs: list | none = none, channels: int = 1) -> list
      """,
      "Built-in synthetic images of ten digits, some of them true blends of two: [train, test].",
      details: """
        Nothing is downloaded. `ambiguity` is the share of blends. A blend of digits a and b with weight w has the exact \
        label posterior {a: w, b: 1 - w}, kept as `posterior`; its one-hot label is drawn from that posterior. So it is \
        the one data set on which soft labels can be compared with the truth: `?judging_soft_labels` shows how.

        The posterior is exact at every difficulty and in every colour: the label is drawn from the classes and the \
        weight of the blend alone, and nothing else that the image shows depends on them. How well the weight can be \
        read from the image is another matter: noise hides it.

        - n: training images.
        - test: test images; a quarter of n when left out.
        - seed: the same seed makes the same images; image i does not depend on n.
        - size: height and width in pixels.
        - ambiguity: share of blends, from 0 to 1.
        - difficulty: how far pose, shape, stroke, contrast and noise vary, from 0 (but for blends and colours all \
        images of a class are alike) to 1 (twice the usual).
        - pairs: the pairs of digits that are blended, such as [[3, 8], [4, 9]]; every pair when left out.
        - channels: 1 for grey, 3 for coloured ink on coloured paper; colours say nothing of the class.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=40, seed=1); print(test)",
          "dataset glyphs test: 10 images 1×28×28, 10 classes, with exact label posteriors"),
        Example(
          "train, _ = glyphs(n=20, ambiguity=1, pairs=[[3, 8]], channels=3, difficulty=0.8); sort(unique(train.labels))",
          "[3, 8]"),
      ],
      seeAlso: ["mnist", "fashion_mnist", "cifar10"], search: ["synthetic", "toy", "soft labels", "posterior"],
      family: "data"
    ) { call in
      let (train, test) = try glyphs(
        n: call.int("n"), test: call.optionalInt("test"), ambiguity: call.float("ambiguity"),
        seed: call.seed("seed"), size: call.int("size"), difficulty: call.float("difficulty"),
        pairs: call.intRows("pairs"), channels: call.int("channels"))
      return pair(train, test)
    },
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
      "batches(data: dataset, size: int > 0, seed: int | none = none) -> list",
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
      "hold_out(data: dataset, fraction: float, seed: int = 0) -> list",
      "Two data sets: a random share of the examples, and the rest.",
      details:
        """
        Use it to hold examples back for choosing a temperature or a checkpoint; never choose on the test set.

        - fraction: share of the examples in the first data set, from 0 to 1.
        """,
      examples: [Example("a, b = hold_out(glyphs(n=40)[0], 0.75); [len(a), len(b)]", "[30, 10]")],
      seeAlso: ["take", "shuffled"], search: ["validation", "split", "random_split"], family: "data"
    ) { call in
      let data = try call.object("data", as: DatasetObject.self).data
      let (first, second) = try data.split(call.float("fraction"), seed: call.seed("seed"))
      return pair(first, second)
    },
    Builtin(
      "save_png(images: tensor, path: string, columns: int = 10, scale: int = 1) -> none",
      "Writes an image [c, h, w], or a grid of images [n, c, h, w], as a PNG file.",
      details:
        """
        The file is written as write_text does it.

        - images: [c, h, w] or [n, c, h, w] with values in [0, 1]; c is 1 for grey or 3 for RGB.
        - columns: images in a row of the grid.
        - scale: pixels for each pixel of the image, in both directions.
        """,
      examples: [Example("save_png(zeros([1, 4, 4]), \"/tmp/ltd-example.png\")", "")],
      seeAlso: ["glyphs", "write_text"], search: ["image", "picture", "imshow", "write", "export"], family: "data"
    ) { call in
      let images = try call.object("images", as: TensorObject.self).tensor
      try call.prepareToWrite()
      try writePNG(
        images.floats(), shape: images.shape, to: call.string("path"), columns: call.int("columns"),
        scale: call.int("scale"))
      return .none
    },
  ]

  static func pair(_ train: Dataset, _ test: Dataset) -> Value {
    Value([Value(DatasetObject(train)), Value(DatasetObject(test))])
  }
}
