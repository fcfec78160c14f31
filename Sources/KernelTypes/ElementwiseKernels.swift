/// y = f(x), one value at a time.
package enum UnaryOperation: Sendable, CaseIterable {
  case negate, absolute, square, squareRoot, reciprocal, sign
  case exp, log, log1p, tanh, atanh, sigmoid, softplus, relu, silu, relu6, gelu
  case sine, cosine, tangent, arcsine, arccosine, arctangent, errorFunction
  case floor, ceiling, round
}

/// y = f(a, b), one pair at a time. The gradient cases take a saved value and the gradient of the output.
package enum BinaryOperation: Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
  /// a // b and a % b as in Python; a // 0 is a / 0.
  case floorDivide, remainder
  /// b where a > 0, else 0.
  case reluGradient
  /// b · sign(a).
  case absoluteGradient
  /// b · a · (1 − a), a = sigmoid(x).
  case sigmoidGradient
  /// b · (1 − a²), a = tanh(x).
  case tanhGradient
  /// b · sigmoid(a).
  case softplusGradient
  /// b · d silu(a) / da.
  case siluGradient
  /// b where 0 < a < 6, else 0.
  case relu6Gradient
  /// b · d gelu(a) / da.
  case geluGradient
}

/// Functions of rows of values in contiguous memory. The output may be the same memory as an input.
package protocol ElementwiseKernels {
  /// y = operation(x).
  static func unary(_ operation: UnaryOperation, _ x: Floats, _ y: MutableFloats, _ count: Int)
  /// y = operation(a, b). Steps are 0 (one value for the whole row) or 1.
  static func binary(
    _ operation: BinaryOperation, _ a: Floats, _ aStep: Int, _ b: Floats, _ bStep: Int, _ y: MutableFloats, _ count: Int
  )
  /// y = alpha · x + beta · y (y is not read where beta is 0).
  static func scaleAdd(_ alpha: Float, _ x: Floats, _ beta: Float, _ y: MutableFloats, _ count: Int)
  /// y = x · alpha + beta.
  static func affine(_ x: Floats, _ alpha: Float, _ beta: Float, _ y: MutableFloats, _ count: Int)
  /// y = x limited to low…high; NaN stays NaN.
  static func clip(_ x: Floats, _ low: Float, _ high: Float, _ y: MutableFloats, _ count: Int)
  /// y = x where x > 0, slope · x elsewhere; with `dy`, the gradient: dy or slope · dy by the sign of x.
  static func leakyRelu(_ x: Floats, _ dy: Floats?, _ slope: Float, _ y: MutableFloats, _ count: Int)
  /// y = clip(clip(x + step · sign(g), center − eps, center + eps), low, high).
  static func signStep(
    _ x: Floats, _ gradient: Floats, _ center: Floats, _ step: Float, _ eps: Float, _ low: Float, _ high: Float,
    _ y: MutableFloats, _ count: Int)
  /// g' = g + weightDecay · w; v = momentum · v + g'; w = kept · w − rate · (nesterov ? g' + momentum · v : v).
  /// Without `velocity`: w = kept · w − rate · g'.
  static func sgd(
    _ weights: MutableFloats, _ velocity: MutableFloats?, _ gradient: Floats, _ count: Int, rate: Float,
    momentum: Float, weightDecay: Float, kept: Float, nesterov: Bool)
  /// g' = g + weightDecay · w; m += (1 − beta1) · (g' − m); v = beta2 · v + (1 − beta2) · g'²;
  /// w = kept · w − size · m / (√v / root + eps).
  static func adam(
    _ weights: MutableFloats, mean: MutableFloats, square: MutableFloats, _ gradient: Floats, _ count: Int,
    _ step: AdamStep)
}

/// The numbers of one step of Adam.
package struct AdamStep: Sendable {
  /// The learning rate over 1 − beta1ᵗ.
  package var size: Float
  /// √(1 − beta2ᵗ).
  package var root: Float
  /// The share of the mean gradient that is kept.
  package var beta1: Float
  /// The share of the mean square that is kept.
  package var beta2: Float
  /// What is added to the root.
  package var eps: Float
  /// What is added to the gradient for each unit of weight.
  package var weightDecay: Float
  /// The share of the weights that is kept before the step.
  package var kept: Float

  /// The numbers of one step.
  package init(
    size: Float, root: Float, beta1: Float, beta2: Float, eps: Float, weightDecay: Float = 0, kept: Float = 1
  ) {
    (self.size, self.root, self.beta1, self.beta2) = (size, root, beta1, beta2)
    (self.eps, self.weightDecay, self.kept) = (eps, weightDecay, kept)
  }
}
