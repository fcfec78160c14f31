import Base
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

/// The JSON and tensor files of the reference vectors.
struct VectorFiles {
  static var exist: Bool { SharedFiles.vectors != nil }

  let folder: URL

  init() throws { folder = try #require(SharedFiles.vectors) }

  func json(_ name: String) throws -> JSON {
    try JSON.parse([UInt8](Data(contentsOf: folder.appending(path: name))))
  }

  func tensors(_ name: String) throws -> SafeTensors { try SafeTensors(folder.appending(path: name).path) }

  func path(_ name: String) -> String { folder.appending(path: name).path }
}

extension SafeTensors {
  func shape(of name: String) -> [Int]? { entries.first { $0.name == name }?.shape }
}

extension JSON {
  func string(_ key: String) throws -> String { try #require(self[key]?.stringValue, "no '\(key)'") }
  func int(_ key: String) throws -> Int { try #require(self[key]?.intValue, "no '\(key)'") }
  func number(_ key: String) throws -> Double { try #require(self[key]?.numberValue, "no '\(key)'") }
  func bool(_ key: String) throws -> Bool { try #require(self[key]?.boolValue as Bool?, "no '\(key)'") }
  func ints(_ key: String) throws -> [Int] { try #require(self[key]?.ints, "no '\(key)'") }
  func numbers(_ key: String) throws -> [Double] { try #require(self[key]?.numbers, "no '\(key)'") }
  func value(_ key: String) throws -> JSON { try #require(self[key], "no '\(key)'") }
  func array(_ key: String) throws -> [JSON] { try #require(self[key]?.arrayValue, "no '\(key)'") }
}

/// Unsigned bytes as the images they stand for.
func images(_ bytes: Tensor) throws -> Tensor { try Tensor(bytes.floats().map { $0 / 255 }, shape: bytes.shape) }

func maximum(_ values: [Float]) -> Double { values.reduce(0) { max($0, Double(abs($1))) } }

/// Largest absolute difference; infinite where the shapes differ or a value is not a number.
func difference(_ a: Tensor, _ b: Tensor) -> Double {
  guard a.shape == b.shape else { return .infinity }
  return zip(a.floats(), b.floats()).reduce(0) { largest, pair in
    let difference = Double(abs(pair.0 - pair.1))
    return difference.isNaN ? .infinity : max(largest, difference)
  }
}
