import Foundation
import Tensors
import TestSupport
import Testing

/// Reads the files of the folder of reference vectors.
enum VectorFolder {
  static var isPresent: Bool { SharedFiles.vectors != nil }

  static let absence: Comment = "set LTD_VECTORS to the folder of reference vectors"

  static func json(_ name: String) throws -> [String: Any] {
    let url = try #require(SharedFiles.vectors).appending(path: name)
    return try #require(try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
  }

  static func safetensors(_ name: String) throws -> VectorTensors {
    try VectorTensors(url: try #require(SharedFiles.vectors).appending(path: name))
  }
}

/// The tensors of one safetensors file: F32 and I64 as they are, others on demand as bytes.
struct VectorTensors {
  struct Entry {
    var dtype: String
    var shape: [Int]
    var bytes: Data
  }

  private(set) var entries: [String: Entry] = [:]

  init(url: URL) throws {
    let data = try Data(contentsOf: url, options: .mappedIfSafe)
    try #require(data.count >= 8)
    let length = data.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    try #require(length >= 0 && 8 + length <= data.count)
    let header = try #require(
      try JSONSerialization.jsonObject(with: data.subdata(in: 8..<8 + length)) as? [String: Any])
    for (name, value) in header where name != "__metadata__" {
      let fields = try #require(value as? [String: Any])
      let range = try #require(fields["data_offsets"] as? [Int])
      try #require(range.count == 2 && range[0] <= range[1] && 8 + length + range[1] <= data.count)
      entries[name] = Entry(
        dtype: try #require(fields["dtype"] as? String), shape: try #require(fields["shape"] as? [Int]),
        bytes: data.subdata(in: 8 + length + range[0]..<8 + length + range[1]))
    }
  }

  func tensor(_ name: String) throws -> Tensor {
    let entry = try #require(entries[name], "no tensor \(name)")
    switch entry.dtype {
    case "F32": return try Tensor(values(entry, Float.self), shape: entry.shape)
    case "I64": return try Tensor(ints: values(entry, Int64.self).map { Int($0) }, shape: entry.shape)
    case "U8": return try Tensor(ints: values(entry, UInt8.self).map { Int($0) }, shape: entry.shape)
    case "BOOL": return try Tensor(bools: values(entry, UInt8.self).map { $0 != 0 }, shape: entry.shape)
    default:
      Issue.record("\(name) has the unknown type \(entry.dtype)")
      return try Tensor.zeros(entry.shape)
    }
  }

  private func values<T: BitwiseCopyable>(_ entry: Entry, _ type: T.Type) -> [T] {
    entry.bytes.withUnsafeBytes { bytes in
      (0..<bytes.count / MemoryLayout<T>.stride).map {
        bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<T>.stride, as: T.self)
      }
    }
  }
}

/// max |actual − expected| ≤ atol + rtol · max |expected|; equal infinities and NaNs agree.
func expectClose(
  _ actual: Tensor, _ expected: Tensor, rtol: Double, atol: Double, _ what: String,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  guard actual.shape == expected.shape else {
    Issue.record("\(what): shape \(actual.shape), expected \(expected.shape)", sourceLocation: sourceLocation)
    return
  }
  var scale = 0.0
  var deviation = 0.0
  var place = 0
  let (a, b) = (actual.floats(), expected.floats())
  for i in a.indices {
    if b[i].isFinite { scale = max(scale, Double(abs(b[i]))) }
    if a[i] == b[i] || (a[i].isNaN && b[i].isNaN) { continue }
    let difference = abs(Double(a[i]) - Double(b[i]))
    if !(difference <= deviation) {
      deviation = difference
      place = i
      if !difference.isFinite { break }
    }
  }
  #expect(
    deviation <= atol + rtol * scale,
    "\(what): element \(place) is \(a.isEmpty ? 0 : a[place]), expected \(b.isEmpty ? 0 : b[place])",
    sourceLocation: sourceLocation)
}
