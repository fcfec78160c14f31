import Base
import Tensors

/// A table of named tensors in a file: what PyTorch calls a state dict.
///
/// A file may hold several: weights and their running mean, the last and the best of a run, a list of them, the state of
/// an optimiser. Each is named by where it stands in the file.
public struct StateDict: Sendable {
  /// What holds the tensors.
  public enum Form: String, Sendable {
    /// A dictionary from names to tensors.
    case dictionary = "a dictionary"
    /// A list or tuple of tensors, named by their index.
    case list = "a list"
    /// One tensor, with nothing around it; its name is empty.
    case tensor = "a single tensor"
  }

  /// A tensor, as the file describes it.
  public struct Entry: Sendable {
    /// Its name within the table: "conv1.weight".
    public let name: String
    /// The size of each axis.
    public let shape: [Int]
    /// The type of its elements in the file: "float32", "float16", "bfloat16", "int8", "bool".
    public let elementType: String
  }

  /// Something in the table that is no tensor that can be read: a number, a string, an object, a sparse tensor.
  public struct Other: Sendable {
    /// Its name within the table.
    public let name: String
    /// What it is, as it ends a sentence: "the number 4", "the string 'resnet18'", "sparse", "a torch.device".
    public let what: String
  }

  /// Where the table stands in the file: "" at the top, else the keys and indices that lead to it, with points between
  /// them: "state_dict", "ema.0".
  public let key: String
  /// What holds the tensors.
  public let form: Form
  /// The tensors, in the order of the file.
  public let entries: [Entry]
  /// What stands beside them, in the order of the file, but for tables of their own.
  public let others: [Other]
}

/// A file of named tensors, whatever its format: all that loading a model knows of files.
///
/// Opening one reads and checks its table of contents; numbers are read tensor by tensor, when they are asked for.
/// A further format is a type that conforms, and a line in `weightFormats`.
public protocol WeightFile {
  /// The path of the file, for messages.
  var path: String { get }
  /// The name of the format for people: "safetensors", "PyTorch file (zip form)", "NumPy archive".
  var formatName: String { get }
  /// The strings that were saved with the tensors, such as the network they belong to; empty where the format has none.
  var metadata: [String: String] { get }
  /// Every table of tensors in it, in the order of the file, outer ones before those in them. A file without tensors
  /// has none.
  var stateDicts: [StateDict] { get }
  /// What of the file was left alone, a sentence each: "extra is sparse".
  var notes: [String] { get }
  /// One tensor, row-major: float types become float32, whole numbers int64.
  ///
  /// - Parameter key: the table that it stands in.
  /// - Throws: `io` where there is none of this name or it cannot be read, `value` where a number has no form here.
  func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor
}

extension WeightFile {
  /// The table at a place of the file, if there is one.
  public func stateDict(_ key: String) -> StateDict? { stateDicts.first { $0.key == key } }
}

/// A format of weight files.
struct WeightFormat: Sendable {
  /// The name of the format for people: "safetensors".
  let name: String
  /// How names of its files end.
  let endings: [String]
  /// Whether a file with such a beginning is of this format, or was.
  let recognises: @Sendable (FileReader) -> Bool
  let open: @Sendable (FileReader) throws(CoreError) -> any WeightFile
}

/// Every format that is read.
private let weightFormats: [WeightFormat] = [
  WeightFormat(
    name: "safetensors", endings: [".safetensors"], recognises: { SafeTensors.recognises($0) },
    open: { reader throws(CoreError) in try SafeTensors(reader) }),
  WeightFormat(
    name: "PyTorch", endings: [".pt", ".pth", ".bin", ".ckpt", ".tar"], recognises: { TorchLegacy.recognises($0) },
    open: { reader throws(CoreError) in try TorchLegacy(reader) }),
  WeightFormat(
    name: "NumPy", endings: [".npz", ".npy"], recognises: { NumPyFile.recognises($0) },
    open: { reader throws(CoreError) in try NumPyFile(reader) }),
]

/// How the names of files of weights end, for completion: what a file is, its content tells.
public let weightFileEndings: [String] = weightFormats.flatMap(\.endings)

/// Opens a file of weights of any format that is read.
///
/// - Throws: `io` where it cannot be read, is of no known format, or is damaged.
public func openWeights(_ path: String) throws(CoreError) -> any WeightFile {
  let names = weightFormats.map(\.name).joined(separator: ", ")
  let reader = try FileReader(path, expected: "a file of weights: \(names)")
  if let format = weightFormats.first(where: { $0.recognises(reader) }) { return try format.open(reader) }
  let kind = FileKind(reader.beginning[...], size: reader.size)
  switch kind {
  case .zip, .torch, .numpyArchive: return try openArchive(reader, names)
  case let kind?: throw foreign(kind, path, names)
  // What nothing is known of is reported by the first format, which says what it lacks.
  case nil: return try weightFormats[0].open(reader)
  }
}

/// What a zip archive holds shows in its directory.
private func openArchive(_ reader: FileReader, _ formats: String) throws(CoreError) -> any WeightFile {
  let archive = try ZipArchive(reader)
  let names = archive.entries.map(\.name)
  if names.contains(where: { $0 == "constants.pkl" || $0.hasSuffix("/constants.pkl") }) {
    throw .file(
      reader.path, "is a TorchScript archive: a program of PyTorch's with its weights, which is not run",
      hint: "save the weights alone: torch.save(torch.jit.load(path).state_dict(), \"weights.pt\")")
  }
  if names.contains("config.json"), names.contains(where: { $0.hasSuffix(".weights.h5") }) {
    throw .file(
      reader.path, "is a Keras model; this reads \(formats)",
      hint: "save its weights in Python: numpy.savez(path, **{w.path: w.numpy() for w in model.weights})")
  }
  if let object = TorchArchive.object(in: archive) { return try TorchArchive(archive, object: object) }
  if NumPyArchive.recognises(archive) { return try NumPyArchive(archive) }
  let first = archive.entries.first.map { ", which begins with '\($0.name.prefix(80))'" } ?? " without files"
  throw .file(
    reader.path, "is a zip archive\(first); this reads \(formats)",
    hint: "unpack it first, or check which file was saved under this name")
}

/// A file of another kind.
private func foreign(_ kind: FileKind, _ path: String, _ names: String) -> CoreError {
  let hint =
    switch kind {
    case .pickle: "load it with Python, and save its tensors with torch.save, numpy.savez or safetensors"
    case .html: "the download gave a page that asks for confirmation or reports an error; open the address in a browser"
    case .lfsPointer: "run 'git lfs pull' in its repository"
    case .onnx: "export the state dict of the network that it was made from"
    case .gzip, .bzip2, .xz, .zstd, .sevenZip, .tar: "unpack it first"
    default: "check which file was saved under this name"
    }
  return .file(path, "is \(kind.rawValue); this reads \(names)", hint: hint)
}
