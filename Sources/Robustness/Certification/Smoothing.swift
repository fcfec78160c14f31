import Base
import Datasets
import Networks
import Tensors

/// What randomised smoothing says of one example.
public struct SmoothedVerdict: Sendable, Equatable {
  /// The class of the smoothed classifier; nil where it abstains.
  public var prediction: Int?
  /// The radius in L2 within which the smoothed classifier keeps this class; 0 where it abstains.
  public var radius: Double
  /// How many of the images with noise had the class.
  public var count: Int
}

/// Certificates of the smoothed classifier, which gives the class that the model gives most often under normal noise
/// (Cohen, Rosenfeld, Kolter 2019): σ·Φ⁻¹(p), where p is the lower end of the confidence interval for its probability.
///
/// It is another classifier than the model, and each certificate is wrong with probability alpha at most. The first n0
/// images choose the class, the others count it. Noise is keyed by the seed, the id of the example and the number of the
/// draw: no result depends on the other examples or on threads. Noise may leave [0, 1], as in the paper.
///
/// - Parameters:
///   - sigma: standard deviation of the noise, in units of the [0, 1] image.
///   - n0: images with noise that choose the class.
///   - n: images with noise that count it.
///   - alpha: probability of error of each certificate.
/// - Throws: `value` for settings out of range; `numeric` for logits that are not finite; `interrupted`.
public func smoothed(
  _ model: Model, on data: Dataset, sigma: Double, n0: Int = 100, n: Int = 1000, alpha: Double = 0.001,
  seed: UInt64 = 0, progress: (any Progress)? = nil
) throws -> [SmoothedVerdict] {
  guard sigma > 0, Float(sigma).isFinite, Float(sigma) > 0 else {
    throw CoreError(
      .value, "sigma must be a positive number, not \(sigma.shortest)", hint: "sigma=0.25 is usual", argument: "sigma")
  }
  for (name, count) in [("n0", n0), ("n", n)] where count < 1 || count > 1 << 31 {
    throw CoreError(
      .value, "\(name) must be from 1 to \(1 << 31), not \(count)", hint: name == "n" ? "n=1000" : "n0=100",
      argument: name)
  }
  guard alpha > 0, alpha < 1 else {
    throw CoreError(
      .value, "alpha must be between 0 and 1, not \(alpha.shortest)", hint: "alpha=0.001 is usual", argument: "alpha")
  }
  try requireFitting(data, model)
  let start = monotonicSeconds()
  defer { progress?.finish() }
  var verdicts: [SmoothedVerdict] = []
  for position in 0..<data.count {
    let part = try data.batch([position])
    func counts(_ total: Int, _ phase: Int) throws(CoreError) -> [Int] {
      var counts = [Int](repeating: 0, count: model.classes)
      let piece = 200
      for (draw, first) in stride(from: 0, to: total, by: piece).enumerated() {
        try StopSignal.poll()
        let stream = RandomStream(seed: seed, purpose: "smoothing", part.ids[0], phase, draw)
        let shape = [min(piece, total - first)] + data.imageShape
        let logits = try model(part.images + Tensor.normal(shape, deviation: Float(sigma), stream: stream))
        try requireFinite(logits, of: model)
        for label in try logits.argmax(axis: 1).ints() { counts[label] += 1 }
      }
      return counts
    }
    let first = try counts(n0, 0)
    let chosen = first.indices.reduce(0) { first[$1] > first[$0] ? $1 : $0 }
    let count = try counts(n, 1)[chosen]
    let probability = BinomialBound.lower(count, of: n, alpha: alpha)
    let isSure = probability > 0.5
    verdicts.append(
      SmoothedVerdict(
        prediction: isSure ? chosen : nil, radius: isSure ? sigma * BinomialBound.normalQuantile(probability) : 0,
        count: count))
    let elapsed = monotonicSeconds() - start
    progress?.update(
      title: "smooth", done: position + 1, total: data.count, fields: [("radius", verdicts[position].radius)],
      secondsLeft: elapsed / Double(position + 1) * Double(data.count - position - 1))
  }
  return verdicts
}
