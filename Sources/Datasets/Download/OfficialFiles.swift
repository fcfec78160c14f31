import Base

/// A file as its authors publish it, told from every other by its size and its hashes.
public struct OfficialFile: Sendable {
  /// Its name, the same everywhere.
  public let name: String
  /// How many bytes it has.
  public let size: Int
  /// Its MD5, which the authors state.
  let md5: String
  /// Its SHA-256.
  let sha256: String

  /// A file with its hashes in hexadecimal digits.
  public init(_ name: String, size: Int, md5: String, sha256: String) {
    self.name = name
    self.size = size
    self.md5 = md5
    self.sha256 = sha256
  }

  /// Whether a digest is that of this file.
  func matches(_ digest: FileDigest) -> Bool { digest.sha256Text == sha256 && digest.md5Text == md5 }
}

/// The files of a data set in one of its official forms, with where they are published.
///
/// The sizes and MD5s of CIFAR are those of the page of its authors, those of MNIST and Fashion-MNIST the ones that
/// torchvision checks; the SHA-256 of each is published by several projects that use the same file. All files are gzip
/// data, so that what is something else is seen at its first bytes.
public struct OfficialFiles: Sendable {
  /// What the data set is called in the language, which is also its folder on a mirror.
  public let name: String
  /// What the data set is called by its authors.
  public let title: String
  /// The form that the files have; nil where there is only one.
  public let form: String?
  /// The files to take.
  public let files: [OfficialFile]
  /// Where they are published: what goes before the name of a file, in the order in which they are tried.
  public let addresses: [String]
  /// The folder in the archive and the files in it that are unpacked; nil where files are read as they are.
  public let content: (folder: String, names: [String])?

  /// Files of a data set.
  public init(
    _ name: String, title: String, form: String? = nil, files: [OfficialFile], addresses: [String],
    content: (folder: String, names: [String])? = nil
  ) {
    self.name = name
    self.title = title
    self.form = form
    self.files = files
    self.addresses = addresses
    self.content = content
  }

  /// How many bytes all files have.
  var size: Int { files.reduce(0) { $0 + $1.size } }

  /// The files that can be downloaded, a data set in each of its forms; the first form is the usual one.
  public static let all: [OfficialFiles] = [
    OfficialFiles(
      "mnist", title: "MNIST",
      files: [
        OfficialFile(
          "train-images-idx3-ubyte.gz", size: 9_912_422, md5: "f68b3c2dcbeaaa9fbdd348bbdeb94873",
          sha256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
        OfficialFile(
          "train-labels-idx1-ubyte.gz", size: 28_881, md5: "d53e105ee54ea40749a09fcbcd1e9432",
          sha256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
        OfficialFile(
          "t10k-images-idx3-ubyte.gz", size: 1_648_877, md5: "9fb629c4189551a2d022fa330f9573f3",
          sha256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        OfficialFile(
          "t10k-labels-idx1-ubyte.gz", size: 4_542, md5: "ec29112dd5afa0611ce80d1b7f02629c",
          sha256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
      ],
      // The page of the authors answers no more; these are what torchvision and TensorFlow take them from.
      addresses: [
        "https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/",
      ]),
    OfficialFiles(
      "fashion_mnist", title: "Fashion-MNIST",
      files: [
        OfficialFile(
          "train-images-idx3-ubyte.gz", size: 26_421_880, md5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
          sha256: "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
        OfficialFile(
          "train-labels-idx1-ubyte.gz", size: 29_515, md5: "25c81989df183df01b3e8a0aad5dffbe",
          sha256: "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
        OfficialFile(
          "t10k-images-idx3-ubyte.gz", size: 4_422_102, md5: "bef4ecab320f06d8554ea6380940ec79",
          sha256: "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        OfficialFile(
          "t10k-labels-idx1-ubyte.gz", size: 5_148, md5: "bb300cfdad3c16e7a12a480ee83cd310",
          sha256: "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
      ],
      addresses: [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
      ]),
    OfficialFiles(
      "cifar10", title: "CIFAR-10", form: "binary",
      files: [
        OfficialFile(
          "cifar-10-binary.tar.gz", size: 170_052_171, md5: "c32a1d4ab5d03f1284b67883e8d87530",
          sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")
      ],
      addresses: toronto,
      content: (
        "cifar-10-batches-bin", (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin", "batches.meta.txt"]
      )),
    OfficialFiles(
      "cifar10", title: "CIFAR-10", form: "python",
      files: [
        OfficialFile(
          "cifar-10-python.tar.gz", size: 170_498_071, md5: "c58f30108f718f92721af3b95e74349a",
          sha256: "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce")
      ],
      addresses: toronto,
      content: ("cifar-10-batches-py", (1...5).map { "data_batch_\($0)" } + ["test_batch", "batches.meta"])),
    OfficialFiles(
      "cifar100", title: "CIFAR-100", form: "binary",
      files: [
        OfficialFile(
          "cifar-100-binary.tar.gz", size: 168_513_733, md5: "03b5dce01913d631647c71ecec9e9cb8",
          sha256: "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec")
      ],
      addresses: toronto,
      content: ("cifar-100-binary", ["train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"])),
    OfficialFiles(
      "cifar100", title: "CIFAR-100", form: "python",
      files: [
        OfficialFile(
          "cifar-100-python.tar.gz", size: 169_001_437, md5: "eb9058c3a382ffc7106e4002c42a8d85",
          sha256: "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7")
      ],
      addresses: toronto, content: ("cifar-100-python", ["train", "test", "meta"])),
  ]

  private static let toronto = ["https://www.cs.toronto.edu/~kriz/", "https://cave.cs.toronto.edu/kriz/"]
}
