import Base
import Networks
import Tensors

// What processes keep, as tensors by name: numbers by their bits, so that nothing is rounded, and tensors of known shape.

extension NamedTensors {
  /// A number as a tensor of its bits.
  static func bits(of number: Double) throws(CoreError) -> Tensor {
    try Tensor(ints: [Int(truncatingIfNeeded: Int64(bitPattern: number.bitPattern))], shape: [])
  }

  /// The number whose bits a tensor holds.
  ///
  /// - Throws: `value` where there is none of this name.
  func number(_ name: String) throws(CoreError) -> Double {
    guard let bits = first(where: { $0.name == name })?.tensor, bits.dtype == .int64, bits.count == 1,
      let number = bits.ints().first
    else { throw CoreError(.value, "there is no number '\(name)': this is the state of something else") }
    return Double(bitPattern: UInt64(bitPattern: Int64(number)))
  }

  /// The tensor of a name.
  ///
  /// - Throws: `value` where there is none, or its type or shape is another.
  func tensor(_ name: String, _ dtype: DType = .float32, shape: [Int]? = nil) throws(CoreError) -> Tensor {
    guard let tensor = first(where: { $0.name == name })?.tensor, tensor.dtype == dtype,
      shape == nil || tensor.shape == shape
    else { throw CoreError(.value, "'\(name)' is missing or of another shape: this is the state of something else") }
    return tensor
  }

  /// The tensors of a part, with the part's name taken off theirs.
  func part(_ name: String) -> NamedTensors {
    filter { $0.name.hasPrefix(name + ".") }.map { (String($0.name.dropFirst(name.utf8.count + 1)), $0.tensor) }
  }

  /// These tensors as a part of a state.
  func named(_ part: String) -> NamedTensors { map { ("\(part).\($0.name)", $0.tensor) } }

  /// Refuses a state that has other names.
  func require(_ names: [String]) throws(CoreError) {
    guard map(\.name) == names else {
      throw CoreError(.value, "this is the state of something else: it has \(count) parts, expected \(names.count)")
    }
  }
}
