import Base

// Where NaN and infinities first appear, when asked for by `Compute.checksFinite`.
//
// Every operation passes its result through `recording`, which looks at it here, and the backward pass looks at each
// gradient. The values come to the host for that, each time: it is a tool for finding the operation at fault, and nothing is
// fast while it is on.

extension Tensor {
  /// - Throws: `numeric` when an element is NaN or infinite: which operation made it, and where it is.
  func requireFinite(operation: String, of operands: [Tensor]) throws(CoreError) {
    guard let culprit = firstNotFinite else { return }
    let isOld = operands.contains { $0.firstNotFinite != nil }
    throw CoreError(
      .numeric, "\(Self.readable(operation)) returns \(culprit)",
      hint: isOld
        ? "one of its operands has such values already: look at the data or the weights"
        : "its operands are finite; print their range, or keep them away from where it overflows")
  }

  /// - Throws: `numeric` when an element of this gradient, which came back through an operation, is NaN or infinite.
  func requireFiniteGradient(of operation: String) throws(CoreError) {
    guard let culprit = firstNotFinite else { return }
    throw CoreError(
      .numeric, "the gradient of \(operation) has \(culprit)",
      hint: "the value itself is finite; its slope is not, such as that of sqrt and log at 0")
  }

  /// "nan at [0, 3] of a tensor [2, 4]", or nil when all elements are finite.
  private var firstNotFinite: String? {
    guard dtype == .float32, count > 0 else { return nil }
    let mask: UInt32 = 0x7F80_0000
    var found = false
    // In the order of memory, which is faster to read; the position is looked for when there is one.
    for element in relabelled(.rowMajor).floats() where element.bitPattern & mask == mask { found = true }
    guard found, let place = floats().firstIndex(where: { !$0.isFinite }) else { return nil }
    let value = floats()[place]
    let name = value.isNaN ? "nan" : value < 0 ? "-inf" : "inf"
    return shape.isEmpty ? name : "\(name) at \(Shape.indices(of: place, in: shape)) of a tensor \(shape)"
  }

  /// `logSoftmax(temperature:axis:)` as `log_softmax`.
  static func readable(_ function: String) -> String {
    var name = ""
    for character in function.prefix(while: { $0 != "(" }) {
      if character.isUppercase { name += "_" }
      name += character.lowercased()
    }
    return name
  }
}
