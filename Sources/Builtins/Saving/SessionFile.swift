import Base
import Devices
import Interpreter
import Networks
import Platform
import Tensors

/// A session in a file: a safetensors file, whose tensors any program can read, with the graph of all values as one more
/// entry of bytes, and the SHA-256 of the whole in its header.
///
/// It is written in one step, so that a path holds either what was there before or all of the session. What reads it
/// compares the digest before anything else: a damaged file changes nothing.
package enum SessionFile {
  private static let kind = "ltd.session"
  private static let graphName = "ltd.graph"

  /// Writes a graph.
  ///
  /// - Parameters:
  ///   - remarks: strings for whoever lists such files, by name.
  ///   - mode: the permissions of a new file.
  /// - Throws: `io` where it cannot be written; then what was there is as it was.
  package static func write(
    _ graph: SavedGraph, to path: String, remarks: [String: String] = [:], mode: mode_t = 0o600
  ) throws(CoreError) {
    var items = [SafeTensors.Raw(name: graphName, element: .uint8, shape: [graph.bytes.count], bytes: graph.bytes)]
    for blob in graph.blobs {
      try StopSignal.poll()
      guard let numbers = blob.content as? SavedNumbers else { continue }
      items.append(try numbers.raw(blob.name))
    }
    var metadata = remarks
    metadata[kind] = "1"
    metadata["ltd.blobs"] = JSON.array(graph.blobs.map { .string($0.name) }).line
    try SafeTensors.writeSealed(path, items: items, metadata: metadata, mode: mode)
  }

  /// The remarks of a file, without reading all of it.
  package static func remarks(of path: String) throws(CoreError) -> [String: String] {
    let file = try SafeTensors(path)
    guard file.metadata[kind] != nil else { throw .file(path, "is no saved session", hint: hint) }
    return file.metadata
  }

  /// Reads a graph.
  ///
  /// - Throws: `io` where it cannot be read, is something else, or a byte is not as it was written.
  package static func read(_ path: String) throws(CoreError) -> SavedGraph {
    let file: SafeTensors
    do throws(CoreError) {
      file = try SafeTensors.openSealed(path, as: "saved session")
    } catch {
      guard error.kind == .io, error.message.contains("is not a safetensors file") else {
        // What is not there is not called another kind of file.
        if error.hint == "expected a safetensors file" { throw CoreError(error.kind, error.message, hint: hint) }
        throw error
      }
      throw .file(path, "is no saved session, or it is damaged", hint: hint)
    }
    guard file.metadata[kind] == "1", let text = file.metadata["ltd.blobs"],
      let json = try? JSON.parse(Array(text.utf8)), case .array(let items) = json
    else { throw .file(path, "is no saved session", hint: hint) }
    var graph = SavedGraph(bytes: try file.raw(graphName).bytes, blobs: [])
    for item in items {
      try StopSignal.poll()
      guard let name = item.stringValue else { throw .file(path, "is damaged: a name is missing") }
      graph.blobs.append(SavedBlob(name: name, content: try SavedNumbers(file, name)))
    }
    return graph
  }

  /// Whether two graphs that were made to be compared have the same values, bit for bit.
  package static func isSame(_ a: SavedGraph, _ b: SavedGraph) -> Bool {
    guard a.bytes == b.bytes, a.blobs.count == b.blobs.count else { return false }
    return zip(a.blobs, b.blobs).allSatisfy { a, b in
      guard let mine = try? (a.content as? SavedNumbers)?.raw(""),
        let others = try? (b.content as? SavedNumbers)?.raw("")
      else { return false }
      return mine.bytes == others.bytes && mine.shape == others.shape
    }
  }

  private static let hint = ":save writes one; load_model reads weights, :load runs a script"
}

extension SavedNumbers {
  /// In row-major order, without any work of the device: it may be busy with something that does not end.
  fileprivate func raw(_ name: String) throws(CoreError) -> SafeTensors.Raw {
    func bytes<Number: BitwiseCopyable>(_ numbers: [Number]) -> [UInt8] { numbers.withUnsafeBytes { Array($0) } }
    switch self {
    case .bytes(let bytes): return SafeTensors.Raw(name: name, element: .uint8, shape: [bytes.count], bytes: bytes)
    case .floats(let floats):
      return SafeTensors.Raw(name: name, element: .float32, shape: [floats.count], bytes: bytes(floats))
    case .tensor(let tensor):
      switch tensor.dtype {
      case .float32:
        return SafeTensors.Raw(name: name, element: .float32, shape: tensor.shape, bytes: bytes(tensor.floats()))
      case .int64:
        return SafeTensors.Raw(
          name: name, element: .int64, shape: tensor.shape, bytes: bytes(tensor.ints().map { Int64($0) }))
      case .bool:
        return SafeTensors.Raw(
          name: name, element: .bool, shape: tensor.shape, bytes: tensor.bools().map { $0 ? 1 : 0 })
      }
    }
  }

  fileprivate init(_ file: SafeTensors, _ name: String) throws(CoreError) {
    let entry = file.entries.first { $0.name == name }
    if entry?.elementType == Element.uint8.name {
      self = .bytes(try file.raw(name).bytes)
    } else {
      self = .tensor(try file.tensor(name))
    }
  }
}
