import Base
import Datasets
import Interpreter
import Tensors

// Data sets that are read from files.

extension BuiltinTable {
  static let dataFiles: [Builtin] = [
    files("mnist", "handwritten digits, 28×28 grey, 10 classes", like: "fashion_mnist", mnist),
    files("fashion_mnist", "clothing, 28×28 grey, 10 classes", like: "mnist", fashionMNIST),
    files("cifar10", "photographs, 32×32 RGB, 10 classes", like: "cifar100", cifar10),
    files("cifar100", "photographs, 32×32 RGB, 100 classes", like: "cifar10", cifar100),
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
        folder.classes = try call.list("classes").map { name in
          guard let name = name.asString else {
            throw call.error(
              .type, "classes must be a number or names of folders; one item is \(name.described)", at: "classes")
          }
          return name
        }
      }
      return Value(DatasetObject(try folder.load(progress: call.session.progress(quiet: false))))
    },
  ]

  /// An entry that reads official files from a folder.
  private static func files(
    _ name: String, _ content: String, like: String,
    _ read: @escaping @Sendable (String, Int?, Int?) throws -> (train: Dataset, test: Dataset)
  ) -> Builtin {
    Builtin(
      "\(name)(dir: string, train: int | none = none, test: int | none = none) -> list",
      "The official files in a folder: [train, test]; \(content).",
      details: """
        Pixel values are divided by 255. Missing, truncated, mislabelled or foreign files are refused with a sentence that says \
        what is wrong with which file; files that train and test leave out need not be there.

        - dir: the folder with the official files, as they are or unpacked.
        - train, test: how many of the first examples to take, from 0 to as many as there are; all when left out.
        """,
      seeAlso: [like, "glyphs", "take"], search: ["load", "download", "images", "torchvision"], family: "data"
    ) { call in
      try call.requireFiles()
      let (train, test) = try read(
        call.string("dir"), call.optionalInt("train"), call.optionalInt("test"))
      return pair(train, test)
    }
  }
}
