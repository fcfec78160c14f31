import Base
import Networks
import Tensors

/// Counts examples of which something is NaN or infinite: a class or a mean that is made of them would be made up.
struct NonFinite {
  private var count = 0
  private var total = 0
  private var first: Int?

  /// Whether all that was counted is finite.
  var isEmpty: Bool { first == nil }

  /// Counts the examples of a batch.
  ///
  /// - Parameters:
  ///   - values: [n, …], one row an example.
  ///   - positions: what an error calls the examples.
  mutating func add(_ values: Tensor, at positions: [Int]) {
    total += positions.count
    guard !positions.isEmpty, values.hasNonFinite else { return }
    let numbers = values.floats()
    let size = numbers.count / positions.count
    for (i, position) in positions.enumerated()
    where numbers[i * size..<(i + 1) * size].contains(where: { !$0.isFinite }) {
      count += 1
      first = min(first ?? position, position)
    }
  }

  /// Checks that every example counted was finite.
  ///
  /// - Throws: `.numeric` where some were not: how many, and which is the first.
  func require(of model: Model, _ what: String) throws(CoreError) {
    guard let first else { return }
    var hint = "look for very large values in the images, and for layers that overflow"
    if let weight = model.state.first(where: { $0.tensor.hasNonFinite }) {
      hint = "the weight '\(weight.name)' holds NaN or infinite values: load the model again, or train it anew"
    }
    throw CoreError(
      .numeric,
      "\(what) of the model \(model.name) are not finite for \(count) of \(total) images, first for image \(first)",
      hint: hint, argument: "model")
  }
}

/// Checks that the values [n, …] of every example are finite.
///
/// - Parameter positions: what an error calls the examples; nil numbers them from 0.
/// - Throws: `.numeric` where values of an example are NaN or infinite: of how many, and which is the first.
package func requireFinite(
  _ values: Tensor, _ what: String = "logits", of model: Model, at positions: [Int]? = nil
) throws(CoreError) {
  guard values.hasNonFinite else { return }
  var found = NonFinite()
  found.add(values, at: positions ?? Array(0..<(values.shape.first ?? 0)))
  try found.require(of: model, what)
}

extension Tensor {
  /// Whether an element is NaN or infinite.
  var hasNonFinite: Bool {
    guard dtype == .float32 else { return false }
    // A sum is quick, and finite only where every element is.
    if let total = try? detached().sum().item(), total.isFinite { return false }
    let mask: UInt32 = 0x7F80_0000
    var found = false
    for value in floats() where value.bitPattern & mask == mask { found = true }
    return found
  }
}

extension Model {
  /// What is NaN or infinite among the weights and running statistics: "'fc.weight' holds 12 values that are not
  /// finite".
  var damage: String? {
    guard let weight = state.first(where: { $0.tensor.hasNonFinite }) else { return nil }
    let count = weight.tensor.floats().count { !$0.isFinite }
    return "'\(weight.name)' holds \(count) \(count == 1 ? "value that is" : "values that are") not finite"
  }
}
