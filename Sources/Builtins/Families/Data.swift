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
      difficulty: float = 0.5, pairs: list | none = none, channels: int = 1) -> list[dataset]
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
      seeAlso: ["glyphs", "write_text"], search: ["image", "picture", "imshow", "write", "export"],
      values: ["path": .files([".png"])],
      family: "data"
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
