import KernelTypes
import Kernels

// What the calls of a device take in addition to storages. Sizes and operations that kernels take as they are keep their
// names from there.

/// The sizes of attention.
package typealias AttentionShape = Kernels.AttentionShape

/// A function of one value.
package typealias UnaryOperation = KernelTypes.UnaryOperation
/// A function of two values.
package typealias BinaryOperation = KernelTypes.BinaryOperation
/// How many values become one.
package typealias Reduction = KernelTypes.Reduction
/// The sizes of a convolution.
package typealias ConvolutionShape = KernelTypes.ConvolutionShape
/// The sizes of a pooling.
package typealias PoolShape = KernelTypes.PoolShape
/// The norm of a projection.
package typealias BoxNorm = KernelTypes.BoxNorm
/// The settings of a step of FAB.
package typealias BoundaryStep = KernelTypes.BoundaryStep
/// The numbers of one step of Adam.
package typealias AdamStep = KernelTypes.AdamStep
/// The sizes of a batch of matrix products.
package typealias MatrixShape = Kernels.MatrixShape
/// Where the values of images lie in memory.
package typealias ImageShape = Kernels.ImageShape
/// A square of pixels of one image.
package typealias ImageSquare = Kernels.ImageSquare
/// Where patches of images belong.
package typealias PatchPlaces = Kernels.PatchPlaces
/// A move of a window of a changed image.
package typealias WindowMove = Kernels.WindowMove
/// The norms in which windows are moved.
package typealias WindowNorm = Kernels.WindowNorm

/// y = f(x), one value at a time.
package enum ElementwiseMap: Sendable {
  /// A function without settings.
  case unary(UnaryOperation)
  /// x · scale + offset.
  case affine(scale: Float, offset: Float)
  /// x limited to low…high; NaN stays NaN.
  case clip(low: Float, high: Float)
  /// x where x > 0, slope · x elsewhere.
  case leakyRelu(slope: Float)
  /// The opposite, of bools.
  case not

  /// The name in messages.
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

/// How two values are compared; the result is a bool.
package enum Comparison: Sendable { case equal, notEqual, less, lessEqual }

/// From what distribution random numbers are drawn.
package enum Distribution: Sendable {
  /// Equally likely in [low, high).
  case uniform(low: Float, high: Float)
  /// Gaussian, with a standard deviation.
  case normal(mean: Float, deviation: Float)
}

/// What is done to each result r of a convolution, or of its adjoint: relu(r + bias + addend), and 0 where the mask is not
/// positive. Addend and mask have the shape of the results. A device may do this in a pass of its own; the processor does
/// it while the results are in registers.
package struct ConvolutionEpilogue: Sendable {
  /// [filters]; nil for none.
  package var bias: Storage?
  /// What is added to each result; nil for nothing.
  package var addend: Storage?
  /// Where it is not positive, the result is 0; nil for no mask.
  package var mask: Storage?
  /// Whether the addend is added after the mask was applied, not before.
  package var masksFirst: Bool
  /// Whether negative results become 0 at the end.
  package var relu: Bool

  /// An epilogue of the given parts; without any, results stay as they are.
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
  /// batch · height · width.
  package var rows: Int
  /// The columns.
  package var channels: Int
  /// [channels].
  package var mean: Storage
  /// [channels], the biased variance.
  package var variance: Storage
  /// [channels]; nil for 1.
  package var weight: Storage?
  /// [channels]; nil for 0.
  package var bias: Storage?
  /// What is added to the variance before its root is taken.
  package var eps: Float
  /// What is added to the result, of its shape and layout; nil for nothing. The gradient knows none.
  package var addend: Storage?
  /// Whether negative results become 0.
  package var relu: Bool

  /// The arguments of one normalisation.
  package init(
    rows: Int, channels: Int, mean: Storage, variance: Storage, weight: Storage?, bias: Storage?, eps: Float,
    addend: Storage? = nil, relu: Bool
  ) {
    self.rows = rows
    self.channels = channels
    self.mean = mean
    self.variance = variance
    self.weight = weight
    self.bias = bias
    self.eps = eps
    self.addend = addend
    self.relu = relu
  }
}
