import Base
import KernelTypes
import Kernels

/// Everything that tensors ask of the hardware. All arithmetic on tensor memory goes through these families of
/// operations; a further device implements this protocol and nothing above it changes.
///
/// Storages belong to the device and are written once, by the call that has them as result. Arguments are consistent:
/// shapes were checked above. Results must not depend on the number of threads or on timing.
///
/// Every call ends early, and throws, when the calling thread's `StopSignal` is raised: within some ten milliseconds, and
/// always when it left work out. What it was to write is then undefined, so a call that writes over values that somebody
/// goes on holding is made within `StopSignal.ignoring`.
package protocol Device: Sendable {
  // Memory
  func allocate(byteCount: Int) throws(CoreError) -> AnyObject
  func upload(_ source: UnsafeRawBufferPointer, to y: Storage) throws(CoreError)
  func download(_ x: Storage, to target: UnsafeMutableRawBufferPointer)
  func fill(_ y: View, _ value: Double) throws(CoreError)
  /// Same shape and type.
  func copy(_ x: View, to y: View) throws(CoreError)
  func convert(_ x: Storage, _ from: DType, to y: Storage, _ to: DType, count: Int) throws(CoreError)
  func random(_ distribution: Distribution, _ stream: RandomStream, _ y: Storage, count: Int) throws(CoreError)

  // Elementwise. Without views: dense operands in the same order; the result may be the same storage as an operand.
  func map(_ function: ElementwiseMap, _ x: Storage, _ y: Storage, count: Int) throws(CoreError)
  /// dx = dy · function'(x).
  func mapGradient(_ function: ElementwiseMap, _ x: Storage, _ dy: Storage, _ dx: Storage, count: Int) throws(CoreError)
  /// float32 or int64, all alike; y is dense.
  func binary(_ operation: BinaryOperation, _ a: View, _ b: View, _ y: View) throws(CoreError)
  /// a and b alike, y bool.
  func compare(_ comparison: Comparison, _ a: View, _ b: View, _ y: View) throws(CoreError)
  func select(_ mask: View, _ a: View, _ b: View, _ y: View) throws(CoreError)
  /// y = alpha · x + beta · y.
  func scaleAdd(_ alpha: Float, _ x: Storage, _ beta: Float, _ y: Storage, count: Int) throws(CoreError)

  // Reductions and rows
  /// Over the axes marked in `reducing`; y is dense, of the axes that stay.
  func reduce(_ reduction: Reduction, _ x: View, reducing: [Bool], _ y: Storage) throws(CoreError)
  /// The places of the k greatest of each row, greatest first, ties by place, NaN above all; as int64.
  func greatest(_ k: Int, _ x: Storage, rows: Int, columns: Int, _ y: Storage) throws(CoreError)
  func softmax(_ x: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ y: Storage)
    throws(CoreError)
  func softmaxGradient(
    y: Storage, dy: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ dx: Storage)
    throws(CoreError)

  // Blocks of `block` elements by place
  /// y[i] = x[places[i]].
  func take(_ x: Storage, _ dtype: DType, block: Int, _ places: [Int], _ y: Storage) throws(CoreError)
  /// y[places[i]] = x[i], in order; with `adding`, y[places[i]] += x[i] (float32).
  func put(_ x: Storage, _ dtype: DType, block: Int, _ places: [Int], adding: Bool, _ y: Storage) throws(CoreError)

  // Networks (float32; images with channels last in memory)
  func multiply(_ s: MatrixShape, _ a: Storage, _ b: Storage, _ c: Storage) throws(CoreError)
  func convolve(
    _ s: ConvolutionShape, _ x: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ y: Storage
  ) throws(CoreError)
  func convolveInputGradient(
    _ s: ConvolutionShape, _ dy: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ dx: Storage
  ) throws(CoreError)
  func convolveWeightGradient(_ s: ConvolutionShape, _ x: Storage, _ dy: Storage, _ dw: Storage, _ db: Storage?)
    throws(CoreError)
  /// Mean and biased variance of each column.
  func moments(_ x: Storage, rows: Int, channels: Int, mean: Storage, variance: Storage) throws(CoreError)
  func normalize(_ s: NormalizationArguments, _ x: Storage, _ y: Storage) throws(CoreError)
  func normalizeGradient(
    _ s: NormalizationArguments, training: Bool, _ x: Storage, _ dy: Storage, dx: Storage?, dWeight: Storage?,
    dBias: Storage?) throws(CoreError)
  /// `places`, when wanted, keeps where each greatest value was, for the gradient.
  func maxPool(_ s: PoolShape, _ x: Storage, _ y: Storage, places: Storage?) throws(CoreError)
  func maxPoolGradient(_ s: PoolShape, _ dy: Storage, places: Storage, _ dx: Storage) throws(CoreError)
  func averagePool(_ s: PoolShape, countsPadding: Bool, _ x: Storage, _ y: Storage) throws(CoreError)
  func averagePoolGradient(_ s: PoolShape, countsPadding: Bool, _ dy: Storage, _ dx: Storage) throws(CoreError)

  // Updates
  func sgd(_ s: SGDArguments, _ weights: Storage, _ velocity: Storage?, _ gradient: Storage, count: Int)
    throws(CoreError)
  /// y = x + step · sign(gradient), limited to center ± eps and then to low…high.
  func signStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, step: Float, eps: Float, low: Float, high: Float,
    _ y: Storage, count: Int) throws(CoreError)
}

/// The device of the process.
package let device: any Device = CPUDevice()

package enum ElementwiseMap: Sendable {
  case unary(UnaryOperation)
  /// x · scale + offset.
  case affine(scale: Float, offset: Float)
  case clip(low: Float, high: Float)
  case leakyRelu(slope: Float)
  /// Of bools.
  case not

  /// In messages.
  var name: String {
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
  case uniform(Float, Float)
  case normal(Float, Float)
}

/// What is done to each result r of a convolution, or of its adjoint, in the same pass: relu(r + bias + addend), and 0 where
/// the mask is not positive. Addend and mask are like the results.
package struct ConvolutionEpilogue: Sendable {
  /// [filters].
  var bias: Storage?
  var addend: Storage?
  var mask: Storage?
  /// The addend is added after the mask was applied, not before.
  var masksFirst = false
  var relu = false
}

/// y = (x − mean) / √(variance + eps) · weight + bias by column of a matrix [rows, channels], then ReLU if asked.
package struct NormalizationArguments: Sendable {
  var rows: Int
  var channels: Int
  var mean: Storage
  var variance: Storage
  var weight: Storage?
  var bias: Storage?
  var eps: Float
  var relu: Bool
}

/// As PyTorch's SGD: g' = g + weightDecay · w; v = momentum · v + g'; w −= rate · (nesterov ? g' + momentum · v : v).
package struct SGDArguments: Sendable {
  var rate: Float
  var momentum: Float
  var weightDecay: Float
  var nesterov: Bool
}
