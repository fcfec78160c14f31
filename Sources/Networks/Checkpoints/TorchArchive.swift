import Base
import Tensors

/// What `torch.save` writes since version 1.6: a zip archive with one folder, in it `data.pkl`, a pickle that describes
/// the object, and `data/0`, `data/1` …, the numbers of each storage. Nothing of the pickle is run.
///
/// The name of the folder does not matter. A tensor that is all of its storage, little-endian float32 and stored without
/// compression, as nearly all weights are, is read from the file straight to where it stays. What ltd wrote itself has
/// its metadata in a further file of the archive, which PyTorch does not look at.
public final class TorchArchive: WeightFile {
  /// The path of the file.
  public let path: String
  /// The name of the format.
  public let formatName = "PyTorch file (zip form)"
  /// The strings that ltd saved with the tensors; empty for a file that PyTorch wrote.
  public let metadata: [String: String]
  /// Every table of tensors in the object.
  public var stateDicts: [StateDict] { contents.stateDicts }
  /// What of the object was left alone.
  public var notes: [String] { contents.notes }

  private let archive: ZipArchive
  private let folder: String
  private let contents: TorchContents
  private let isBigEndian: Bool
  /// The storage that was read last: several tensors may be views of one.
  private var latest: (key: String, bytes: [UInt8])?

  static let metadataName = ".ltd/metadata.json"

  /// Where the object of an archive of PyTorch's is; nil for an archive of anything else.
  static func object(in archive: ZipArchive) -> String? {
    let places = archive.entries.map(\.name).filter { $0 == "data.pkl" || $0.hasSuffix("/data.pkl") }
    let depths = places.map { $0.utf8.count { $0 == UInt8(ascii: "/") } }
    return zip(places, depths).min { $0.1 < $1.1 }?.0
  }

  /// Reads the description of an archive's object.
  ///
  /// - Parameter object: where `data.pkl` is.
  init(_ archive: ZipArchive, object: String) throws(CoreError) {
    let path = archive.path
    folder = String(object.dropLast("data.pkl".utf8.count))
    guard let entry = archive[object] else { throw .file(path, "has no data.pkl") }
    let bytes = try archive.bytes(of: entry, limit: 1 << 29)
    let pickle: Pickle
    do throws(Pickle.Failure) {
      pickle = try Pickle(bytes)
    } catch {
      throw error.error(in: path, "its data.pkl")
    }
    contents = try TorchContents(pickle, path: path)
    switch try archive["\(folder)byteorder"].map({ (entry) throws(CoreError) in
      String(decoding: try archive.bytes(of: entry, limit: 64), as: UTF8.self)
    }) {
    case nil, "little": isBigEndian = false
    case "big": isBigEndian = true
    case let other?: throw .file(path, "is damaged: its byte order is '\(other)'", hint: downloadAgain)
    }
    metadata = try Self.metadata(archive, folder)
    self.path = path
    self.archive = archive
    for (name, tensor) in contents.all { _ = try place(of: tensor, name) }
  }

  private static func metadata(_ archive: ZipArchive, _ folder: String) throws(CoreError) -> [String: String] {
    guard let entry = archive[folder + metadataName] else { return [:] }
    let members: [JSON.Member]?
    do throws(CoreError) {
      members = try JSON.parse(try archive.bytes(of: entry, limit: 1 << 26)).objectValue
    } catch {
      if error.kind != .value { throw error }
      members = nil
    }
    guard let members else { throw .file(archive.path, "is damaged, in the metadata of ltd", hint: downloadAgain) }
    return Dictionary(members.compactMap { member in member.value.stringValue.map { (member.key, $0) } }) { $1 }
  }

  /// Where the numbers of a tensor are.
  private func place(of tensor: TorchTensor, _ name: String) throws(CoreError) -> ZipArchive.Entry {
    guard let entry = archive["\(folder)data/\(tensor.storage.key)"] else {
      throw .file(
        path, "is damaged: the storage 'data/\(tensor.storage.key)' of tensor '\(name)' is missing", hint: downloadAgain
      )
    }
    let (size, overflow) = tensor.storage.count.multipliedReportingOverflow(by: tensor.storage.type.size)
    guard !overflow, tensor.storage.start == 0, entry.size == size else {
      throw .file(
        path,
        "is damaged: the storage 'data/\(tensor.storage.key)' of tensor '\(name)' has \(entry.size) bytes, expected \(size)",
        hint: downloadAgain)
    }
    return entry
  }

  /// Reads one tensor; the file must not have changed since it was opened.
  public func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor {
    guard let tensor = contents.tensor(name, in: key) else {
      throw missing(name, in: key, contents.reason(name, in: key))
    }
    let entry = try place(of: tensor, name)
    do throws(CoreError) {
      if tensor.element.isTensorMemory, !isBigEndian, entry.isStored, tensor.offset == 0, tensor.isContiguous,
        tensor.count == tensor.storage.count, tensor.element.size == tensor.storage.type.size
      {
        return try Tensor(tensor.element.dtype, shape: tensor.shape) { (target) throws(CoreError) in
          try archive.read(entry, into: target)
        }
      }
      let bytes: [UInt8]
      if let latest, latest.key == tensor.storage.key {
        bytes = latest.bytes
      } else {
        latest = nil
        bytes = try archive.bytes(of: entry)
        if tensor.count != tensor.storage.count { latest = (tensor.storage.key, bytes) }
      }
      return try tensor.read(bytes, isBigEndian: isBigEndian)
    } catch {
      throw about(name, error)
    }
  }
}

extension WeightFile {
  /// The error of a tensor that there is not.
  ///
  /// - Parameter reason: what stands under its name instead.
  func missing(_ name: String, in key: String, _ reason: String?) -> CoreError {
    let place = key.isEmpty ? "" : " in '\(key)'"
    if let reason { return .file(path, "has no tensor '\(name)'\(place) that can be read: it is \(reason)") }
    guard let table = stateDict(key) else {
      return .file(path, "has no '\(key)'", hint: "it has \(listed(stateDicts.map(\.key)))")
    }
    return .file(path, "has no tensor '\(name)'\(place)", hint: "it has \(listed(table.entries.map(\.name)))")
  }

  /// An error about the numbers of a tensor, with its name.
  func about(_ name: String, _ error: CoreError) -> CoreError {
    if error.kind == .io || error.kind == .interrupted || error.kind == .limit { return error }
    return CoreError(
      error.kind, "'\(path)', tensor '\(name)': \(error.message)", hint: error.hint, argument: "path")
  }
}
