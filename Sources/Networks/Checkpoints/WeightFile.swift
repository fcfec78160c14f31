import Base
import Tensors

/// A file of named tensors, whatever its format: all that loading a model knows of files.
///
/// Opening one reads and checks its table of contents; numbers are read tensor by tensor, when they are asked for.
/// A further format is a type that conforms, and a line in `weightFormats`.
public protocol WeightFile {
  /// The path of the file, for messages.
  var path: String { get }
  /// What it holds, in the order of the file.
  var entries: [(name: String, shape: [Int])] { get }
  /// The strings that were saved with the tensors, such as the network they belong to; empty where the format has none.
  var metadata: [String: String] { get }
  /// One tensor, row-major: float types become float32, whole numbers int64.
  ///
  /// - Throws: `io` where there is none of this name or it cannot be read, `value` where a number has no form here.
  func tensor(_ name: String) throws(CoreError) -> Tensor
}

/// A format of weight files.
struct WeightFormat: Sendable {
  /// The name of the format for people: "safetensors".
  let name: String
  /// Whether a file with such a beginning is of this format, or was.
  let recognises: @Sendable (FileReader) -> Bool
  let open: @Sendable (FileReader) throws(CoreError) -> any WeightFile
}

/// Every format that is read.
private let weightFormats: [WeightFormat] = [
  WeightFormat(
    name: "safetensors", recognises: { SafeTensors.recognises($0) },
    open: { reader throws(CoreError) in try SafeTensors(reader) })
]

/// Opens a file of weights of any format that is read.
///
/// - Throws: `io` where it cannot be read, is of no known format, or is damaged.
public func openWeights(_ path: String) throws(CoreError) -> any WeightFile {
  let names = weightFormats.map(\.name).joined(separator: ", ")
  let reader = try FileReader(path, expected: "a file of weights: \(names)")
  if let format = weightFormats.first(where: { $0.recognises(reader) }) { return try format.open(reader) }
  if let kind = FileKind(reader.beginning[...], size: reader.size) { throw foreign(kind, path, names) }
  // What nothing is known of is reported by the first format, which says what it lacks.
  return try weightFormats[0].open(reader)
}

/// A file of another kind.
private func foreign(_ kind: FileKind, _ path: String, _ names: String) -> CoreError {
  let hint =
    switch kind {
    case .torch, .pickle, .zip: "convert it with safetensors.torch.save_file(state_dict, 'weights.safetensors')"
    case .numpyArray, .numpyArchive: "convert it with safetensors.numpy.save_file(dict(arrays), 'weights.safetensors')"
    case .html: "the download gave a page that asks for confirmation or reports an error; open the address in a browser"
    case .lfsPointer: "run 'git lfs pull' in its repository"
    case .gzip, .bzip2, .xz, .zstd, .sevenZip, .tar: "unpack it first"
    default: "check which file was saved under this name"
    }
  let what = kind == .zip ? "a zip archive, which torch.save may have written" : kind.rawValue
  return .file(path, "is \(what); this reads \(names)", hint: hint)
}
