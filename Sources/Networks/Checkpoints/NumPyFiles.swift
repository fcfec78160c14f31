import Base
import Tensors

/// One array of a NumPy file and where its elements begin.
private struct StoredArray {
  let header: NumPyHeader
  let element: Element

  init(_ header: NumPyHeader) { (self.header, element) = (header, Element(header.type)) }

  /// The tensor of the elements, which follow each other as the header says.
  func tensor(_ bytes: UnsafeRawBufferPointer) throws(CoreError) -> Tensor {
    let shape = header.isFortran ? Array(header.shape.reversed()) : header.shape
    let tensor = try element.tensor(bytes, shape: shape, isBigEndian: header.type.isBigEndian)
    guard header.isFortran, shape.count > 1 else { return tensor }
    return try tensor.permute(Array((0..<shape.count).reversed()))
  }
}

/// An array, as `numpy.save` writes it: a single tensor.
public final class NumPyFile: WeightFile {
  /// The path of the file.
  public let path: String
  /// The name of the format.
  public let formatName = "NumPy array"
  /// The form has none.
  public let metadata: [String: String] = [:]
  /// The one tensor, without a name.
  public let stateDicts: [StateDict]
  /// Nothing is left alone.
  public let notes: [String] = []
  private let file: FileReader
  private let array: StoredArray

  static func recognises(_ file: FileReader) -> Bool { NumPyHeader.begins(file.beginning) }

  init(_ file: FileReader) throws(CoreError) {
    let beginning = try file.read(at: 0, count: min(file.size, NumPyHeader.limit))
    array = StoredArray(try NumPyHeader(beginning, size: file.size, path: file.path))
    path = file.path
    self.file = file
    stateDicts = [
      StateDict(
        key: "", form: .tensor,
        entries: [.init(name: "", shape: array.header.shape, elementType: array.element.name)], others: [])
    ]
  }

  /// Reads the tensor; the file must not have changed since it was opened.
  public func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor {
    guard name.isEmpty, key.isEmpty else { throw missing(name, in: key, nil) }
    let header = array.header
    do throws(CoreError) {
      if array.element.isTensorMemory, !header.type.isBigEndian, !header.isFortran {
        return try Tensor(array.element.dtype, shape: header.shape) { (target) throws(CoreError) in
          try file.read(at: header.start, into: target)
        }
      }
      let bytes = try file.read(at: header.start, count: header.byteCount)
      return try bytes.withUnsafeBufferPointer { (bytes) throws(CoreError) in
        try array.tensor(UnsafeRawBufferPointer(bytes))
      }
    } catch {
      throw about("", error)
    }
  }
}

/// Several arrays, as `numpy.savez` writes them: a zip archive in which each is a file `NAME.npy`.
public final class NumPyArchive: WeightFile {
  /// The path of the file.
  public let path: String
  /// The name of the format.
  public let formatName = "NumPy archive"
  /// The form has none.
  public let metadata: [String: String] = [:]
  /// The one table of arrays, in the order of the archive.
  public let stateDicts: [StateDict]
  /// Which arrays were left alone, and why.
  public let notes: [String]
  private let archive: ZipArchive
  private let arrays: [String: StoredArray]
  private let reasons: [String: String]

  static func recognises(_ archive: ZipArchive) -> Bool {
    archive.entries.isEmpty ? archive.path.hasSuffix(".npz") : archive.entries.allSatisfy { $0.name.hasSuffix(".npy") }
  }

  init(_ archive: ZipArchive) throws(CoreError) {
    var (arrays, reasons): ([String: StoredArray], [String: String]) = ([:], [:])
    var (entries, others): ([StateDict.Entry], [StateDict.Other]) = ([], [])
    for (index, file) in archive.entries.enumerated() {
      try StopSignal.poll(at: index)
      let name = String(file.name.dropLast(4))
      let beginning = try archive.beginning(of: file, count: NumPyHeader.limit)
      do throws(CoreError) {
        let header = try NumPyHeader(beginning, size: file.size, path: archive.path, part: file.name)
        arrays[name] = StoredArray(header)
        entries.append(.init(name: name, shape: header.shape, elementType: Element(header.type).name))
      } catch {
        guard let what = NumPyHeader.unreadable(beginning) else { throw error }
        reasons[name] = what
        others.append(.init(name: name, what: what))
      }
    }
    stateDicts = [StateDict(key: "", form: .dictionary, entries: entries, others: others)]
    notes = others.prefix(20).map { "'\($0.name)' holds \($0.what) and was left alone" }
    (self.arrays, self.reasons) = (arrays, reasons)
    path = archive.path
    self.archive = archive
  }

  /// Reads one array; the file must not have changed since it was opened.
  public func tensor(_ name: String, in key: String) throws(CoreError) -> Tensor {
    guard key.isEmpty, let array = arrays[name], let entry = archive["\(name).npy"] else {
      throw missing(name, in: key, key.isEmpty ? reasons[name] : nil)
    }
    let bytes = try archive.bytes(of: entry)
    do throws(CoreError) {
      return try bytes.withUnsafeBufferPointer { (bytes) throws(CoreError) in
        guard bytes.count == array.header.start + array.header.byteCount else {
          throw CoreError.file(path, "is damaged: '\(entry.name)' changed its length", hint: downloadAgain)
        }
        return try array.tensor(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: bytes[array.header.start...])))
      }
    } catch {
      throw about(name, error)
    }
  }
}
