import Base
import Platform
import Tensors

/// A safetensors file: 8 bytes of header length, a JSON header, and the raw numbers of each tensor.
///
/// The header is checked as a whole before any number is read: its length, the type and shape of every tensor, and that
/// their data lie one after another without holes or overlaps up to the end of the file.
/// Format: huggingface/safetensors.
public final class SafeTensors: WeightFile {
  /// Where the numbers of a tensor lie, in bytes from the end of the header.
  private struct Place {
    let shape: [Int]
    let element: Element
    let offset: Int
    let count: Int
  }

  /// The path of the file.
  public let path: String
  /// The name of the format.
  public let formatName = "safetensors"
  /// The one table of tensors, in the order of the header.
  public let stateDicts: [StateDict]
  /// Nothing is left alone.
  public let notes: [String] = []
  /// The strings under `__metadata__`; empty where there is none.
  public let metadata: [String: String]
  private let file: FileReader
  private let places: [String: Place]
  private let start: Int

  /// The reference implementation's limit.
  private static let headerLimit = 100_000_000
  private static let rankLimit = 16

  /// The length may begin with any bytes, those of another kind of file among them; the header begins with a brace.
  static func recognises(_ file: FileReader) -> Bool {
    let beginning = file.beginning
    return beginning.count >= 8 && headerLength(file) <= headerLimit
      && (beginning.count == 8 || beginning[8] == UInt8(ascii: "{"))
  }

  private static func headerLength(_ file: FileReader) -> UInt64 {
    file.beginning.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }

  /// Opens a file and checks its header.
  ///
  /// - Throws: `io` where it cannot be read, is not of this format, or is damaged.
  public convenience init(_ path: String) throws(CoreError) {
    try self.init(try FileReader(path, expected: "a safetensors file"))
  }

  init(_ file: FileReader) throws(CoreError) {
    let path = file.path
    guard file.size >= 8 else {
      throw .file(path, "is not a safetensors file: it has only \(file.size) bytes", hint: downloadAgain)
    }
    let length = Self.headerLength(file)
    guard length <= Self.headerLimit, Int(length) <= file.size - 8 else {
      throw .file(
        path,
        "is not a safetensors file, or it is truncated: a header of \(length) bytes in a file of \(file.size)",
        hint: downloadAgain)
    }
    let header: JSON
    do {
      header = try JSON.parse(try file.read(at: 8, count: Int(length)))
    } catch {
      if error.kind != .value { throw error }
      throw .file(path, "is not a safetensors file, or it is damaged: \(error.message)", hint: downloadAgain)
    }
    self.path = path
    self.file = file
    start = 8 + Int(length)
    let items: [(name: String, place: Place)]
    (items, metadata) = try Self.check(header, path: path, dataSize: file.size - start)
    stateDicts = [
      StateDict(
        key: "", form: .dictionary,
        entries: items.map { .init(name: $0.name, shape: $0.place.shape, elementType: $0.place.element.name) },
        others: [])
    ]
    // The parser of the header has refused names that occur twice.
    places = Dictionary(items.map { ($0.name, $0.place) }) { first, _ in first }
  }

  /// The tensors in the order of the header, with their shapes and types.
  public var entries: [StateDict.Entry] { stateDicts[0].entries }

  /// Reads one tensor; the file must not have changed since it was opened.
  public func tensor(_ name: String, in key: String = "") throws(CoreError) -> Tensor {
    guard key.isEmpty, let place = places[name] else {
      throw .file(path, "has no tensor '\(name)'", hint: "it has \(listed(entries.map(\.name)))")
    }
    do throws(CoreError) {
      if place.element.isTensorMemory {
        return try Tensor(place.element.dtype, shape: place.shape) { (target) throws(CoreError) in
          try file.read(at: start + place.offset, into: target)
        }
      }
      let bytes = try file.read(at: start + place.offset, count: place.count * place.element.size)
      return try place.element.tensor(bytes, shape: place.shape)
    } catch {
      if error.kind == .io { throw error }
      throw CoreError(
        error.kind, "'\(path)', tensor '\(name)': \(error.message)", hint: error.hint, argument: "path")
    }
  }

  // MARK: Header

  private static func check(
    _ header: JSON, path: String, dataSize: Int
  ) throws(CoreError) -> ([(name: String, place: Place)], [String: String]) {
    func damaged(_ what: String) -> CoreError { .file(path, "is damaged: \(what)", hint: downloadAgain) }
    guard let members = header.objectValue else { throw damaged("its header is not a JSON object") }
    var items: [(name: String, place: Place)] = []
    var metadata: [String: String] = [:]
    for member in members {
      if member.key == "__metadata__" {
        guard let texts = member.value.objectValue else { throw damaged("its metadata is not a JSON object") }
        for item in texts {
          guard let text = item.value.stringValue else { throw damaged("metadata '\(item.key)' is not a string") }
          metadata[item.key] = text
        }
        continue
      }
      let name = member.key
      guard let type = member.value["dtype"]?.stringValue, let shape = member.value["shape"]?.ints,
        let offsets = member.value["data_offsets"]?.ints, offsets.count == 2, member.value.objectValue?.count == 3
      else { throw damaged("tensor '\(name)' lacks dtype, shape or data_offsets, or has more") }
      guard let element = Element(rawValue: type) else {
        throw CoreError(
          .io, "'\(path)', tensor '\(name)': elements of type '\(type)' are not read",
          hint: "convert it to one of \(Element.allCases.map(\.rawValue).joined(separator: ", "))", argument: "path")
      }
      guard shape.count <= rankLimit else { throw damaged("tensor '\(name)' has \(shape.count) axes") }
      var count = 1
      for size in shape {
        let (next, overflow) = count.multipliedReportingOverflow(by: size)
        guard size >= 0, !overflow else { throw damaged("tensor '\(name)' has the impossible shape \(shape)") }
        count = next
      }
      let (bytes, overflow) = count.multipliedReportingOverflow(by: element.size)
      let (begin, end) = (offsets[0], offsets[1])
      guard begin >= 0, end >= begin, end <= dataSize else {
        throw damaged("tensor '\(name)' lies at bytes \(begin) to \(end) of \(dataSize); is the file truncated?")
      }
      guard !overflow, end - begin == bytes else {
        throw damaged("tensor '\(name)' of type \(type) and shape \(shape) has \(end - begin) bytes")
      }
      items.append((name, Place(shape: shape, element: element, offset: begin, count: count)))
    }
    var position = 0
    for (name, place) in items.sorted(by: { ($0.place.offset, $0.place.count) < ($1.place.offset, $1.place.count) }) {
      guard place.offset == position else {
        throw damaged(
          place.offset < position ? "tensor '\(name)' overlaps another" : "there is a hole before tensor '\(name)'")
      }
      position += place.count * place.element.size
    }
    guard position == dataSize else { throw damaged("there are bytes after the last tensor: \(dataSize - position)") }
    return (items, metadata)
  }

  // MARK: Writing

  /// Writes float32 tensors as F32, whole numbers as I64 and bools as BOOL, in the order given; a file that exists is
  /// replaced in one step.
  ///
  /// - Throws: `value` where two tensors have one name, `io` where the file cannot be written.
  public static func write(
    _ path: String, tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
  ) throws(CoreError) {
    try AtomicFile.replace(path, parts: try parts(tensors, metadata: metadata))
  }

  /// The pieces of a file: its header, then the numbers of each tensor.
  private static func parts(
    _ tensors: [(name: String, tensor: Tensor)], metadata: [String: String]
  ) throws(CoreError) -> [[UInt8]] {
    var items: [Raw] = []
    for (name, tensor) in tensors {
      let (element, bytes) = try Element.bytes(of: tensor)
      items.append(Raw(name: name, element: element, shape: tensor.shape, bytes: bytes))
    }
    return try parts(items, metadata: metadata)
  }

  private static func parts(_ items: [Raw], metadata: [String: String]) throws(CoreError) -> [[UInt8]] {
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      let items = metadata.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
      members.append(JSON.Member("__metadata__", .object(items)))
    }
    var names: Set<String> = ["__metadata__"]
    var parts: [[UInt8]] = [[]]
    var offset = 0
    for item in items {
      let (name, bytes) = (item.name, item.bytes)
      guard names.insert(name).inserted else { throw CoreError(.value, "two tensors named '\(name)'") }
      members.append(
        JSON.Member(
          name,
          .object([
            JSON.Member("dtype", .string(item.element.rawValue)),
            JSON.Member("shape", .array(item.shape.map { .int($0) })),
            JSON.Member("data_offsets", .array([.int(offset), .int(offset + bytes.count)])),
          ])))
      parts.append(bytes)
      offset += bytes.count
    }
    var header = Array(try JSON.object(members).text.utf8)
    while header.count % 8 != 0 { header.append(0x20) }
    var beginning = (0..<8).map { UInt8(truncatingIfNeeded: header.count >> (8 * $0)) }
    beginning += header
    parts[0] = beginning
    return parts
  }
}

// MARK: - Sealed files

extension SafeTensors {
  /// The entry of the metadata that seals a file.
  private static let seal = "sha256"
  private static let blank = String(repeating: "0", count: 64)

  /// Writes tensors as `write` does, with the SHA-256 of the whole file in its metadata, so that a byte that a disk has
  /// lost is noticed when it is read. The digest is taken with 64 zeros in its place.
  ///
  /// - Throws: as `write`.
  package static func writeSealed(
    _ path: String, tensors: NamedTensors, metadata: [String: String]
  ) throws(CoreError) {
    var sealed = metadata
    sealed[seal] = blank
    try writeSealed(path, parts: try parts(tensors, metadata: sealed))
  }

  /// Numbers of any element type, in row-major order.
  package struct Raw {
    /// What it is called in the file.
    package var name: String
    /// The type of its elements.
    package var element: Element
    /// The size of each axis.
    package var shape: [Int]
    /// The numbers, little-endian.
    package var bytes: [UInt8]

    /// Numbers under a name.
    package init(name: String, element: Element, shape: [Int], bytes: [UInt8]) {
      self.name = name
      self.element = element
      self.shape = shape
      self.bytes = bytes
    }
  }

  /// Writes numbers of any type as `writeSealed` writes tensors.
  ///
  /// - Parameter mode: the permissions of a new file.
  package static func writeSealed(
    _ path: String, items: [Raw], metadata: [String: String], mode: mode_t
  ) throws(CoreError) {
    var sealed = metadata
    sealed[seal] = blank
    try writeSealed(path, parts: try parts(items, metadata: sealed), mode: mode)
  }

  private static func writeSealed(_ path: String, parts: [[UInt8]], mode: mode_t = 0o666) throws(CoreError) {
    var parts = parts
    var digest = FileDigest()
    for part in parts { digest.add(part) }
    guard let place = place(of: blank, in: parts[0]) else { throw CoreError(.value, "the file has no seal") }
    parts[0].replaceSubrange(place, with: Array(digest.sha256Text.utf8))
    try AtomicFile.replace(path, parts: parts, mode: mode)
  }

  /// Reads all of a sealed file.
  ///
  /// - Throws: `io` where it cannot be read, is not of this format or has no seal, and where a byte is not as it was
  ///   written.
  package static func readSealed(
    _ path: String
  ) throws(CoreError) -> (tensors: NamedTensors, metadata: [String: String]) {
    let file = try openSealed(path, as: "checkpoint of a training run")
    var tensors: NamedTensors = []
    for entry in file.entries { tensors.append((entry.name, try file.tensor(entry.name))) }
    var metadata = file.metadata
    metadata[seal] = nil
    return (tensors, metadata)
  }

  /// Opens a sealed file and compares its digest.
  ///
  /// - Parameter kind: what it is said not to be where it has no seal.
  /// - Throws: as `readSealed`.
  package static func openSealed(_ path: String, as kind: String) throws(CoreError) -> SafeTensors {
    let file = try SafeTensors(path)
    guard let text = file.metadata[seal], text.utf8.count == blank.utf8.count else {
      throw .file(path, "is no \(kind): it has no digest")
    }
    var header = try file.file.read(at: 0, count: file.start)
    if let place = place(of: text, in: header) { header.replaceSubrange(place, with: Array(blank.utf8)) }
    var digest = FileDigest()
    digest.add(header)
    for offset in stride(from: file.start, to: file.file.size, by: 1 << 22) {
      try StopSignal.poll()
      digest.add(try file.file.read(at: offset, count: min(1 << 22, file.file.size - offset)))
    }
    guard digest.sha256Text == text else { throw .file(path, "is damaged: it is not what was written") }
    return file
  }

  /// The numbers of one entry as they stand in the file.
  package func raw(_ name: String) throws(CoreError) -> Raw {
    guard let place = places[name] else { throw .file(path, "has no tensor '\(name)'") }
    return Raw(
      name: name, element: place.element, shape: place.shape,
      bytes: try file.read(at: start + place.offset, count: place.count * place.element.size))
  }

  /// Where the value of the seal stands in a header.
  private static func place(of text: String, in header: [UInt8]) -> Range<Int>? {
    let needle = Array("\"\(seal)\"".utf8)
    let value = Array(text.utf8)
    guard header.count > needle.count else { return nil }
    for start in 8..<header.count - needle.count where header[start..<start + needle.count].elementsEqual(needle) {
      for first in start + needle.count..<min(start + needle.count + 4, header.count)
      where first + value.count <= header.count && header[first..<first + value.count].elementsEqual(value) {
        return first..<first + value.count
      }
    }
    return nil
  }
}

/// Names for a message: at most five, and how many more there are.
func listed(_ names: [String]) -> String {
  if names.isEmpty { return "none" }
  let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
  return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
}
