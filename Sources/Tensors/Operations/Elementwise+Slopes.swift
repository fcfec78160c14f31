import Base
import Devices

extension ElementwiseMap {
  /// The gradient of the operand x from that of the result, by recorded operations: what the device's `mapGradient`
  /// computes, in a form that can be differentiated in turn.
  func pullback(_ g: Tensor, _ x: Tensor) throws(CoreError) -> Tensor {
    switch self {
    case .affine(let scale, _): return try g * scale
    case .clip(let low, let high):
      return try whereSelect(logicalAnd(lessEqual(.scalar(low), x), lessEqual(x, .scalar(high))), g, .scalar(0))
    case .leakyRelu(let slope): return try whereSelect(less(.scalar(0), x), g, g * slope)
    case .not: return g
    case .unary(let operation): return try ElementwiseMap.pullback(operation, g, x)
    }
  }

  private static func pullback(_ operation: UnaryOperation, _ g: Tensor, _ x: Tensor) throws(CoreError) -> Tensor {
    switch operation {
    case .negate: return try g.neg()
    case .absolute: return try mul(g, x.sign())
    case .square: return try mul(g, x * 2)
    case .squareRoot: return try div(g, x.sqrt() * 2)
    case .reciprocal: return try div(g, x.square()).neg()
    case .sign, .floor, .ceiling, .round: return try g * 0
    case .exp: return try mul(g, x.exp())
    case .log: return try div(g, x)
    case .log1p: return try div(g, x + 1)
    case .tanh: return try mul(g, 1 - x.tanh().square())
    case .atanh: return try div(g, 1 - x.square())
    case .sigmoid:
      let y = try x.sigmoid()
      return try mul(g, mul(y, 1 - y))
    case .softplus: return try mul(g, x.sigmoid())
    case .relu: return try whereSelect(less(.scalar(0), x), g, .scalar(0))
    case .silu:
      let s = try x.sigmoid()
      return try mul(g, mul(s, mul(x, 1 - s) + 1))
    case .relu6:
      return try whereSelect(logicalAnd(less(.scalar(0), x), less(x, .scalar(6))), g, .scalar(0))
    case .gelu:
      let below = try ((x * Float(0.5).squareRoot()).erf() + 1) * 0.5
      let bell = try (x.square() * -0.5).exp() * (1 / (2 * Float.pi).squareRoot())
      return try mul(g, add(below, mul(x, bell)))
    case .sine: return try mul(g, x.cos())
    case .cosine: return try mul(g, x.sin()).neg()
    case .tangent: return try mul(g, x.tan().square() + 1)
    case .arcsine: return try div(g, (1 - x.square()).sqrt())
    case .arccosine: return try div(g, (1 - x.square()).sqrt()).neg()
    case .arctangent: return try div(g, x.square() + 1)
    case .errorFunction: return try mul(g, x.square().neg().exp() * (2 / Float.pi.squareRoot()))
    }
  }
}
