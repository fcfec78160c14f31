import Base
import Tensors

/// A safetensors file: 8 bytes of header length, a JSON header, and the raw numbers of each tensor.
///
/// The header is checked as a whole before any number is read: its length, the type and shape of every tensor, and that
/// their data lie one after another without holes or overlaps up to the end of the file.
/// Format: huggingface/safetensors.
public final class SafeTensors {
  public struct Entry: Sendable, Equatable {
    public let name: String
    /// As written in the file: "F32", "I64", ….
    public let type: String
    public let shape: [Int]
    let element: Element
    let offset: Int
    let count: Int
  }

  public let path: String
  public let entries: [Entry]
  public let metadata: [String: String]
  private let file: RandomAccessFile
  private let positions: [String: Int]
  private let start: Int

  /// The reference implementation's limit.
  private static let headerLimit = 100_000_000
  private static let rankLimit = 16

  public init(_ path: String) throws(CoreError) {
    let file = try RandomAccessFile(path)
    let beginning = try file.read(at: 0, count: min(file.size, FileKind.prefixSize))
    let length = beginning.count < 8 ? 0 : beginning[..<8].reversed().reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
    // The length may begin with any bytes, those of another kind of file among them; the header begins with a brace.
    let isOurs =
      beginning.count >= 8 && length <= Self.headerLimit
      && (beginning.count == 8 || beginning[8] == UInt8(ascii: "{"))
    if !isOurs, let kind = FileKind(beginning[...], size: file.size) { throw Self.foreign(kind, path) }
    guard file.size >= 8 else {
      throw CoreError(
        .io,
        file.size == 0
          ? "'\(path)' is empty" : "'\(path)' is not a safetensors file: it has only \(file.size) bytes",
        hint: "copy or download the file again", argument: "path")
    }
    guard length <= Self.headerLimit, Int(length) <= file.size - 8 else {
      throw CoreError(
        .io,
        "'\(path)' is not a safetensors file, or it is truncated: a header of \(length) bytes in a file of \(file.size)",
        hint: "copy or download the file again", argument: "path")
    }
    let header: JSON
    do {
      header = try JSON.parse(try file.read(at: 8, count: Int(length)))
    } catch {
      throw CoreError(
        .io, "'\(path)' is not a safetensors file, or it is damaged: \(error.message)",
        hint: "copy or download the file again", argument: "path")
    }
    self.path = path
    self.file = file
    start = 8 + Int(length)
    (entries, metadata) = try Self.check(header, path: path, dataSize: file.size - start)
    var positions: [String: Int] = [:]
    for (i, entry) in entries.enumerated() { positions[entry.name] = i }
    self.positions = positions
  }

  public func entry(_ name: String) -> Entry? { positions[name].map { entries[$0] } }

  /// One tensor of the file: float types become float32, whole numbers int64.
  public func tensor(_ name: String) throws(CoreError) -> Tensor {
    guard let entry = entry(name) else {
      throw CoreError(
        .io, "'\(path)' has no tensor '\(name)'", hint: "it has \(listed(entries.map(\.name)))", argument: "path")
    }
    let bytes = try file.read(at: start + entry.offset, count: entry.count * entry.element.size)
    do {
      return try entry.element.tensor(bytes, shape: entry.shape)
    } catch {
      throw CoreError(
        error.kind, "'\(path)', tensor '\(name)': \(error.message)", hint: error.hint, argument: "path")
    }
  }

  // MARK: Header

  private static func foreign(_ kind: FileKind, _ path: String) -> CoreError {
    let hint =
      switch kind {
      case .torch, .pickle, .zip: "convert it with safetensors.torch.save_file(state_dict, 'weights.safetensors')"
      case .numpyArray, .numpyArchive:
        "convert it with safetensors.numpy.save_file(dict(arrays), 'weights.safetensors')"
      case .html:
        "the download gave a page that asks for confirmation or reports an error; open the address in a browser"
      case .lfsPointer: "run 'git lfs pull' in its repository"
      case .gzip, .bzip2, .xz, .zstd, .sevenZip, .tar: "unpack it first"
      default: "check which file was saved under this name"
      }
    let what = kind == .zip ? "a zip archive, which torch.save may have written" : kind.rawValue
    return CoreError(.io, "'\(path)' is \(what); this reads safetensors", hint: hint, argument: "path")
  }

  private static func check(
    _ header: JSON, path: String, dataSize: Int
  ) throws(CoreError) -> ([Entry], [String: String]) {
    func damaged(_ what: String) -> CoreError {
      CoreError(
        .io, "'\(path)' is damaged: \(what)", hint: "copy or download the file again", argument: "path")
    }
    guard let members = header.objectValue else { throw damaged("its header is not a JSON object") }
    var entries: [Entry] = []
    var metadata: [String: String] = [:]
    for member in members {
      if member.key == "__metadata__" {
        guard let items = member.value.objectValue else { throw damaged("its metadata is not a JSON object") }
        for item in items {
          guard let text = item.value.stringValue else { throw damaged("metadata '\(item.key)' is not text") }
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
          hint: "these are: \(Element.allCases.map(\.rawValue).joined(separator: ", "))", argument: "path")
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
      entries.append(Entry(name: name, type: type, shape: shape, element: element, offset: begin, count: count))
    }
    var position = 0
    for entry in entries.sorted(by: { ($0.offset, $0.count) < ($1.offset, $1.count) }) {
      guard entry.offset == position else {
        throw damaged(
          entry.offset < position
            ? "tensor '\(entry.name)' overlaps another" : "there is a hole before tensor '\(entry.name)'")
      }
      position += entry.count * entry.element.size
    }
    guard position == dataSize else { throw damaged("there are bytes after the last tensor: \(dataSize - position)") }
    return (entries, metadata)
  }

  // MARK: Writing

  /// Writes float32 tensors as F32 and whole numbers as I64, in the order given; a file that exists is replaced in one step.
  public static func write(
    _ path: String, tensors: [(name: String, tensor: Tensor)], metadata: [String: String] = [:]
  ) throws(CoreError) {
    var members: [JSON.Member] = []
    if !metadata.isEmpty {
      let items = metadata.sorted { $0.key < $1.key }.map { JSON.Member($0.key, .string($0.value)) }
      members.append(JSON.Member("__metadata__", .object(items)))
    }
    var names: Set<String> = ["__metadata__"]
    var parts: [[UInt8]] = [[]]
    var offset = 0
    for (name, tensor) in tensors {
      guard names.insert(name).inserted else { throw CoreError(.value, "two tensors named '\(name)'") }
      let (element, bytes) = Element.bytes(of: tensor)
      members.append(
        JSON.Member(
          name,
          .object([
            JSON.Member("dtype", .string(element.rawValue)),
            JSON.Member("shape", .array(tensor.shape.map { .int($0) })),
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
    try AtomicFile.replace(path, parts: parts)
  }
}

/// At most five names and how many more there are.
func listed(_ names: [String]) -> String {
  if names.isEmpty { return "none" }
  let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
  return names.count > 5 ? "\(shown) and \(names.count - 5) more" : shown
}
