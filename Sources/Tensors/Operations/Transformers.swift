import Base
import Devices

// What transformers are made of beside linear layers.

/// Layer normalisation: each row along the last axis less its mean, over the root of its biased variance + eps.
///
/// - Parameters:
///   - x: [..., features].
///   - weight: scale [features], 1 if none.
///   - bias: shift [features], 0 if none.
/// - Throws: `shape` where there is no axis, or where the parameters do not fit it.
public func layerNorm(
  _ x: Tensor, weight: Tensor? = nil, bias: Tensor? = nil, eps: Float = 1e-5
) throws(CoreError) -> Tensor {
  guard let features = x.shape.last else {
    throw CoreError(.shape, "layer normalisation needs an axis of features, not a single number")
  }
  for case let parameter? in [weight, bias] where parameter.shape != [features] {
    throw CoreError(
      .shape, "parameters of shape \(parameter.shape) do not fit \(features) features of an input of shape \(x.shape)")
  }
  let x = try x.asType(.float32)
  let (scale, shift) = (try weight?.asType(.float32), try bias?.asType(.float32))
  let rows = features == 0 ? 0 : x.count / features
  let (values, plainScale) = (try x.detached().rowMajor(), try scale?.detached().rowMajor())
  func normalised(_ scale: Tensor?, _ shift: Tensor?) throws(CoreError) -> Tensor {
    let y = try Tensor(.float32, shape: values.shape)
    try device.layerNorm(
      values.storage, rows: rows, columns: features, weight: scale?.storage, bias: shift?.storage, eps: eps, y.storage)
    return y
  }
  let y = try normalised(plainScale, shift?.detached().rowMajor())
  let (hasScale, hasShift) = (scale != nil, shift != nil)
  let leading = Array(0..<x.rank - 1)
  return try y.recording([x] + [scale, shift].compactMap { $0 }, isTwice: true) { (g, needs) throws(CoreError) in
    if needs.areFollowed {
      let zero = try Tensor.zeros([features])
      let operands = [values] + (hasScale ? [plainScale ?? zero] : []) + (hasShift ? [zero] : [])
      return try pullThrough(g, needs, operands.enumerated().map { needs.operand($1, $0) }) {
        (operands) throws(CoreError) in
        let x = operands[0]
        let deviations = try sub(x, x.mean(axes: [-1], keepdim: true))
        var y = try div(deviations, (deviations.square().mean(axes: [-1], keepdim: true) + eps).sqrt())
        if hasScale { y = try mul(y, operands[1]) }
        if hasShift { y = try add(y, operands[hasScale ? 2 : 1]) }
        return y
      }
    }
    let g = try g.rowMajor()
    var gradients: [Tensor?] = [nil]
    if needs[0] {
      let dx = try Tensor(.float32, shape: values.shape)
      try device.layerNormGradient(
        values.storage, dy: g.storage, rows: rows, columns: features, weight: plainScale?.storage, eps: eps, dx.storage)
      gradients[0] = dx
    }
    if hasScale { gradients.append(needs[1] ? try mul(normalised(nil, nil), g).sum(axes: leading) : nil) }
    if hasShift { gradients.append(needs[hasScale ? 2 : 1] ? try g.sum(axes: leading) : nil) }
    return gradients
  }
}

/// Attention of tokens to one another: softmax(q · kᵀ / √size) · v for each head, which has `size` of the features. Each
/// example has the same bits whatever others there are.
///
/// - Parameters:
///   - qkv: [n, tokens, 3 · features]: queries, keys and values, each of all heads, one after another.
///   - heads: how many heads share the features.
/// - Returns: [n, tokens, features].
/// - Throws: `shape` where the last axis is not three times a multiple of the heads.
public func attention(_ qkv: Tensor, heads: Int) throws(CoreError) -> Tensor {
  guard qkv.rank == 3, heads >= 1, qkv.shape[2] % 3 == 0, qkv.shape[2] / 3 % heads == 0 else {
    throw CoreError(
      .shape,
      "attention of \(heads) heads needs queries, keys and values [n, tokens, 3·features] of a multiple of \(heads)"
        + " features, not shape \(qkv.shape)")
  }
  let x = try qkv.asType(.float32)
  let values = try x.detached().rowMajor()
  let (n, tokens, features) = (x.shape[0], x.shape[1], x.shape[2] / 3)
  let s = AttentionShape(batch: n, tokens: tokens, heads: heads, size: features / heads)
  let y = try Tensor(.float32, shape: [n, tokens, features])
  try StopSignal.poll()
  try device.attention(s, values.storage, y.storage)
  return try y.recording([x], isTwice: true) { (g, needs) throws(CoreError) in
    if needs.areFollowed {
      return try pullThrough(g, needs, [needs.operand(values, 0)]) { (operands) throws(CoreError) in
        let parts = try operands[0].reshape([n, tokens, 3, heads, s.size]).permute([2, 0, 3, 1, 4])
        func part(_ i: Int) throws(CoreError) -> Tensor {
          try parts.slice(axis: 0, i, i + 1).reshape([n, heads, tokens, s.size])
        }
        let products = try matmul(part(0), part(1).transpose())
        let weights = try products.softmax(temperature: Float(s.size).squareRoot())
        return try matmul(weights, part(2)).permute([0, 2, 1, 3]).reshape([n, tokens, features])
      }
    }
    let dqkv = try Tensor(.float32, shape: values.shape)
    try device.attentionGradient(s, values.storage, g.rowMajor().storage, dqkv.storage)
    return [dqkv]
  }
}
