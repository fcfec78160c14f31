import KernelTypes
import Kernels

// What the calls of a device take beside storages. The sizes and operations that kernels take as they are have their names
// from there.

package typealias UnaryOperation = KernelTypes.UnaryOperation
package typealias BinaryOperation = KernelTypes.BinaryOperation
package typealias Reduction = KernelTypes.Reduction
package typealias ConvolutionShape = KernelTypes.ConvolutionShape
package typealias PoolShape = KernelTypes.PoolShape
package typealias MatrixShape = Kernels.MatrixShape

/// y = f(x), one value at a time.
package enum ElementwiseMap: Sendable {
  case unary(UnaryOperation)
  /// x · scale + offset.
  case affine(scale: Float, offset: Float)
  case clip(low: Float, high: Float)
  case leakyRelu(slope: Float)
  /// Of bools.
  case not

  /// In messages.
  package var name: String {
    switch self {
    case .unary(let operation): "\(operation)"
    case .affine: "affine"
    case .clip: "clip"
    case .leakyRelu: "leakyRelu"
    case .not: "not"
    }
  }
}

package enum Comparison: Sendable { case equal, notEqual, less, lessEqual }

package enum Distribution: Sendable {
  /// In [low, high).
  case uniform(low: Float, high: Float)
  case normal(mean: Float, deviation: Float)
}

/// What is done to each result r of a convolution, or of its adjoint: relu(r + bias + addend), and 0 where the mask is not
/// positive. Addend and mask are like the results. A device may make a pass of its own of it; the processor does it while the
/// results are in registers.
package struct ConvolutionEpilogue: Sendable {
  /// [filters].
  package var bias: Storage?
  package var addend: Storage?
  package var mask: Storage?
  /// The addend is added after the mask was applied, not before.
  package var masksFirst: Bool
  package var relu: Bool

  package init(
    bias: Storage? = nil, addend: Storage? = nil, mask: Storage? = nil, masksFirst: Bool = false, relu: Bool = false
  ) {
    self.bias = bias
    self.addend = addend
    self.mask = mask
    self.masksFirst = masksFirst
    self.relu = relu
  }
}

/// y = (x − mean) / √(variance + eps) · weight + bias by column of a matrix [rows, channels], then ReLU if asked.
package struct NormalizationArguments: Sendable {
  package var rows: Int
  package var channels: Int
  package var mean: Storage
  package var variance: Storage
  package var weight: Storage?
  package var bias: Storage?
  package var eps: Float
  package var relu: Bool

  package init(
    rows: Int, channels: Int, mean: Storage, variance: Storage, weight: Storage?, bias: Storage?, eps: Float, relu: Bool
  ) {
    self.rows = rows
    self.channels = channels
    self.mean = mean
    self.variance = variance
    self.weight = weight
    self.bias = bias
    self.eps = eps
    self.relu = relu
  }
}
