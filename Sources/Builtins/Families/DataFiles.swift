import Base
import Datasets
import Interpreter
import Tensors

// Data sets that are read from files.

extension BuiltinTable {
  static let dataFiles: [Builtin] = [
    files("mnist", "handwritten digits, 28×28 grey, 10 classes", like: "fashion_mnist", mnist),
    files("fashion_mnist", "clothing, 28×28 grey, 10 classes", like: "mnist", fashionMNIST),
    files(
      "cifar10", "photographs, 32×32 RGB, 10 classes", like: "cifar100",
      archives: "; of the binary or the Python version, or the .tar.gz of either, which stays packed", cifar10),
    files(
      "cifar100", "photographs, 32×32 RGB, 100 classes", like: "cifar10",
      archives: "; of the binary or the Python version, or the .tar.gz of either, which stays packed", cifar100),
    corrupted("cifar10_c", 10),
    corrupted("cifar100_c", 100),
    Builtin(
      """
      load_dataset(path: string, labels: string | none = none, layout: string | none = none, \
      label: string | none = none, shape: list | none = none, scale: float | none = none, classes: int | none = none) \
      -> dataset | list
      """,
      "Images and labels in a file of NumPy (.npz, .npy) or in a table of numbers (.csv, .csv.gz).",
      details: """
        An archive has arrays called images and labels, image and label, x and y, or data and targets. With train, val or \
        test in the names, as x_train, there is a data set for each part, and several come as a list in that order. \
        Images are bytes, or floats in [0, 1]; labels are whole numbers [n] or [n, 1], or one-hot rows, which the name of \
        the data set then says. Nothing is guessed that fits in two ways.

        A table has a line for each image, with or without a header, its pixels row by row.

        - labels: the .npy file of the labels, where path is an .npy file.
        - layout: "nhwc", "nchw" or "nhw", where it cannot be told by the 1 or 3 channels.
        - label: the column of the labels in a table: "first", "last" or its name; the column called label, class, \
        target or y when left out.
        - shape: [channels, height, width] of the images of a table; a grey square when left out.
        - scale: what the pixels of a table are divided by; 255 for bytes when left out.
        - classes: how many classes there are; up to the largest label when left out.
        """,
      examples: [
        Example(
          """
          write_text("/tmp/ltd-table.csv", "0,16,8,0,1\\n16,0,0,8,0"); \
          load_dataset("/tmp/ltd-table.csv", label="last", scale=16)
          """, "dataset ltd-table: 2 images 1×2×2, 2 classes")
      ],
      seeAlso: ["image_folder", "cifar10_c", "batches"],
      search: ["npz", "npy", "numpy", "csv", "keras", "medmnist", "arrays", "own data"],
      values: [
        "path": .files([".npz", ".npy", ".csv"]), "labels": .files([".npy"]),
        "layout": .words(ImageLayout.allCases.map(\.rawValue)),
      ],
      family: "data"
    ) { call in
      try call.requireFiles()
      let path = try call.string("path")
      if let classes = try call.optionalInt("classes"), !(1...100_000).contains(classes) {
        throw call.error(
          .value, "classes must be from 1 to 100000, not \(classes)", hint: "leave it out, or count the classes",
          at: "classes")
      }
      func refuse(_ settings: [String], _ form: String) throws {
        for name in settings where try !call[name].isNone {
          throw call.error(.value, "\(name) is for \(form), and '\(path)' is none", hint: "leave \(name) out", at: name)
        }
      }
      if ArrayFile.isNumPy(path) {
        try refuse(["label", "shape", "scale"], "tables of numbers")
        let layout =
          try call["layout"].isNone
          ? nil : call.choice("layout", ImageLayout.allCases.map { ($0.rawValue, $0) })
        let file = ArrayFile(
          path, labels: try call.optionalString("labels"), layout: layout, classes: try call.optionalInt("classes"))
        let sets = try file.load().map { Value(DatasetObject($0)) }
        return sets.count == 1 ? sets[0] : Value(sets)
      }
      guard NumberTable.isTable(path) else {
        throw call.error(
          .value, "'\(path)' ends neither as a NumPy file (.npz, .npy) nor as a table (.csv, .csv.gz)",
          hint: "image_folder reads folders of photographs, cifar10 and mnist their own files", at: "path")
      }
      try refuse(["labels", "layout"], "NumPy files")
      let table = NumberTable(
        path, label: try call.optionalString("label"), shape: try call["shape"].isNone ? nil : call.ints("shape"),
        scale: try call.optionalFloat("scale"), classes: try call.optionalInt("classes"))
      return Value(DatasetObject(try table.load()))
    },
    Builtin(
      """
      image_folder(path: string, list: string | none = none, classes: int | list | none = none, resize: int | none = 256, \
      crop: int | none = 224, interpolation: string = "bilinear", grey: bool = false, stream: bool | none = none) -> dataset
      """,
      "Photographs in a folder: a folder of JPEG and PNG files for each class, as ImageNet is laid out.",
      details: """
        Classes are the folders in the order of their names, as torchvision's ImageFolder numbers them; names that begin with \
        a dot are left out. Images become RGB, are resized and cropped as by torchvision's Resize and CenterCrop, and \
        divided by 255.

        A list chooses and orders the images. It is a text of lines with a path, as RobustBench's list of 5,000, or a path and a \
        class; or a CSV table with a header and the columns file, class_index and class_name, of which the last two may be \
        missing. A class is a number or the name of a folder; where none is given it is the folder of the path. Paths are \
        within the folder.

        Images of up to 1 GiB in all are decoded at once and kept as bytes. More are decoded when a batch needs them, while \
        the one before is computed; results are the same.

        - list: a file that names the images.
        - classes: how many classes there are, where a list gives numbers: classes=1000; or the names of the folders in the \
        order of the labels.
        - resize: length of the shorter side; none leaves images as they are.
        - crop: side of the square that is cut out of the middle; none keeps all.
        - interpolation: "bilinear" or "bicubic".
        - grey: images become grey, of one channel.
        - stream: true decodes images whenever a batch needs them, false keeps all in memory.
        """,
      examples: [
        Example(
          """
          for name in ["cat", "dog"] { make_folder("/tmp/ltd-pictures/" + name); \
          save_png(rand([3, 40, 50]), "/tmp/ltd-pictures/" + name + "/1.png") }; \
          image_folder("/tmp/ltd-pictures", resize=32, crop=32)
          """,
          "dataset ltd-pictures: 2 images 3×32×32, 2 classes")
      ],
      seeAlso: ["cifar10", "batches", "take"],
      search: ["imagenet", "jpeg", "png", "photographs", "ImageFolder", "torchvision", "DataLoader", "robustbench"],
      values: [
        "path": .folders, "list": .files([".txt", ".csv"]),
        "interpolation": .words(Interpolation.allCases.map(\.rawValue)),
      ],
      family: "data"
    ) { call in
      try call.requireFiles()
      let interpolation = try call.choice("interpolation", Interpolation.allCases.map { ($0.rawValue, $0) })
      var folder = ImageFolder(
        try call.string("path"),
        preparation: try ImagePreparation(
          resize: call.optionalInt("resize"), crop: call.optionalInt("crop"), interpolation: interpolation,
          isGrey: call.bool("grey")))
      folder.list = try call.optionalString("list")
      folder.isStreamed = try call.optionalBool("stream")
      if let count = try call["classes"].asInt {
        guard (1...100_000).contains(count) else {
          throw call.error(
            .value, "classes must be from 1 to 100000, not \(count)", hint: "classes=1000 is ImageNet's number",
            at: "classes")
        }
        folder.classCount = count
      } else if try !call["classes"].isNone {
        folder.classes = try call.names("classes")
      }
      return Value(DatasetObject(try folder.load(progress: call.session.progress(quiet: false))))
    },
  ]

  /// An entry that reads official files from a folder.
  private static func files(
    _ name: String, _ content: String, like: String, archives: String = "",
    _ read: @escaping @Sendable (String, Int?, Int?) throws -> (train: Dataset, test: Dataset)
  ) -> Builtin {
    Builtin(
      "\(name)(dir: string, train: int | none = none, test: int | none = none) -> list[dataset]",
      "The official files\(archives.isEmpty ? " in a folder" : ""): [train, test]; \(content).",
      details: """
        Pixel values are divided by 255. Missing, truncated, mislabelled or foreign files are refused with a sentence that says \
        what is wrong with which file; files that train and test leave out need not be there. Where there are test files \
        alone, train is empty.

        - dir: the folder with the official files, as they are or unpacked\(archives).
        - train, test: how many of the first examples to take, from 0 to as many as there are; all when left out.
        """,
      seeAlso: [like, "glyphs", "take"], search: ["load", "download", "images", "torchvision"],
      values: ["dir": .folders],
      family: "data"
    ) { call in
      try call.requireFiles()
      let (train, test) = try read(
        call.string("dir"), call.optionalInt("train"), call.optionalInt("test"))
      return pair(train, test)
    }
  }

  /// An entry that reads the test images of CIFAR under a corruption.
  private static func corrupted(_ name: String, _ classes: Int) -> Builtin {
    Builtin(
      "\(name)(dir: string, corruption: string, severity: int = 5) -> dataset",
      "The 10,000 test images of CIFAR-\(classes) under a common corruption: a file of CIFAR-\(classes)-C.",
      details: """
        The reported figure is the mean accuracy over the fifteen common corruptions at each severity from 1 to 5. \
        Hendrycks and Dietterich 2019.

        - dir: the folder CIFAR-\(classes)-C, with fog.npy and the others, and labels.npy.
        - corruption: \(commonCorruptions.joined(separator: ", ")); and \(extraCorruptions.joined(separator: ", ")).
        - severity: from 1 to 5.
        """,
      seeAlso: ["cifar\(classes)", "accuracy", "load_dataset"],
      search: ["CIFAR-\(classes)-C", "common corruptions", "robustbench", "noise", "blur", "mCE"],
      values: ["dir": .folders, "corruption": .words(commonCorruptions + extraCorruptions)],
      family: "data"
    ) { call in
      try call.requireFiles()
      return Value(
        DatasetObject(
          try corruptedCIFAR(
            directory: call.string("dir"), corruption: call.string("corruption"), severity: call.int("severity"),
            classes: classes)))
    }
  }
}

extension Call {
  /// Names in a list; nil for `none`.
  fileprivate func names(_ name: String) throws -> [String]? {
    try optionalList(name)?.map { item in
      guard let text = item.asString else {
        throw error(.type, "\(name) of \(self.name) must be names; one item is \(item.described)", at: name)
      }
      return text
    }
  }
}
