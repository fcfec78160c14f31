import Base
import Datasets
import Networks
import Tensors

/// Lower bounds of the margins of all examples in the ball around each, and what they prove.
///
/// An example is certified where the bound is above 0: then no image of [0, 1] within the radius is misclassified, in real
/// arithmetic (`BoundPass` says what is proven). Each example is bounded by itself, so that no result depends on the
/// others, on batches or on threads.
///
/// - Parameters:
///   - eps: radius, in units of the [0, 1] image.
///   - norm: of the ball. In L2 and L1 the ball and [0, 1] are not combined at the image: the better of both counts.
///   - exact: the seconds that branch and bound may take for each example that is neither certified nor broken (`BranchSearch`);
///     nil leaves them undecided. In Linf alone.
///   - evaluation: an evaluation of the same model and data under attacks of this norm and radius, to stand beside the
///     certificates.
/// - Throws: `value` for a layer without bounds, a radius or an evaluation that does not fit, and for an example that is
///   both certified and broken, which must not be; `numeric` for logits or weights that are not finite; `interrupted` when
///   the user stops it.
public func certify(
  _ model: Model, on data: Dataset, eps: Double, norm: Norm = .linf, method: BoundMethod = .crown,
  exact: Double? = nil, against evaluation: Evaluation? = nil, progress: (any Progress)? = nil
) throws -> Certificate {
  try norm.require(radius: eps)
  try requireFitting(data, model)
  if let exact { try requireExact(exact, norm, method) }
  if let evaluation { try requireSame(evaluation, model, data, norm, eps) }
  let network = try BoundNetwork(model)
  let start = monotonicSeconds()
  defer { progress?.finish() }
  var verdicts: [CertifiedVerdict] = []
  var bounds: [Double?] = []
  for positions in data.batches(of: min(32, data.count)) {
    try StopSignal.poll()
    let part = try data.batch(positions)
    let natural = try correct(model(part.images), part.labels, of: model, at: Array(positions))
    let images = try part.images.permute([0, 2, 3, 1]).floats().map(Double.init)
    let size = data.imageSize
    let found = try concurrently(positions.count) { (i) throws(CoreError) -> Double? in
      guard natural[i] else { return nil }
      let ball = CertifiedBall(Array(images[i * size..<(i + 1) * size]), norm: norm, eps: eps)
      return try network.marginBound(ball, label: part.labels[i], method: method)
    }
    for bound in found {
      bounds.append(bound)
      verdicts.append(bound.map { $0 > 0 ? .certified : .undecided } ?? .misclassified)
    }
    let elapsed = monotonicSeconds() - start
    progress?.update(
      title: "certify", done: verdicts.count, total: data.count,
      fields: [("certified", Accuracy(verdicts.map { $0 == .certified }).value)],
      secondsLeft: elapsed / Double(verdicts.count) * Double(data.count - verdicts.count))
  }
  var certificate = Certificate(
    model: model.name, data: data.name, norm: norm, eps: eps, method: method, verdicts: verdicts, bounds: bounds,
    seconds: monotonicSeconds() - start)
  if let evaluation {
    let natural = evaluation.natural
    certificate.attacked = natural.indices.map { position in
      natural[position] && !evaluation.attacks.contains { $0.breaks(position, norm: norm, eps: eps) }
    }
    certificate.attacks = evaluation.attacks.filter { $0.norm == norm && $0.eps == eps }.map(\.attack)
    try certificate.requireSound()
  }
  if let exact {
    certificate.limit = exact
    for (done, position) in certificate.undecided.enumerated() {
      let part = try data.batch([position])
      let pixels = try part.images.permute([0, 2, 3, 1]).floats().map(Double.init)
      let began = monotonicSeconds()
      var search = BranchSearch(
        network, model, CertifiedBall(pixels, norm: norm, eps: eps), image: part.images, label: part.labels[0],
        end: began + exact)
      let count = certificate.undecided.count + certificate.searches.count
      certificate.verdicts[position] = try search.run { open, bound in
        progress?.update(
          title: "branch and bound, example \(position)", done: done, total: max(count, done + 1),
          fields: [("open", Double(open)), ("bound", bound)], secondsLeft: nil)
      }
      certificate.searches.append(
        .init(position: position, seconds: monotonicSeconds() - began, branches: search.branches))
    }
    certificate.seconds = monotonicSeconds() - start
    try certificate.requireSound()
  }
  return certificate
}

extension BoundNetwork {
  /// A lower bound of the least margin over a ball. It stops at the first way to bound it that proves the margin positive.
  func marginBound(_ ball: CertifiedBall, label: Int, method: BoundMethod) throws(CoreError) -> Double {
    let logits = steps.count
    let rows = margins(of: label)
    let plain = try BoundPass(self, ball, isLinear: false)
    var bounds = try plain.lowerBounds(rows, at: logits, stopsAtBends: true)
    // Each choice of lower slopes is the better one for some examples: all hold.
    for slope in method == .crown ? [LowerSlope.adaptive, .parallel] : [] where !bounds.allSatisfy({ $0 > 0 }) {
      let pass = try BoundPass(self, ball, isLinear: true, slope: slope)
      let better = [
        try pass.lowerBounds(rows, at: logits), try pass.lowerBounds(rows, at: logits, stopsAtBends: true),
      ]
      for bound in better { bounds = zip(bounds, bound).map { max($0, $1) } }
    }
    let least = bounds.reduce(.infinity) { min($0, $1) }
    return temperature == 1 || !least.isFinite ? least : (least / temperature).nextDown
  }

  /// The functions z_y − z_j of the logits, for all other classes j.
  func margins(of label: Int) -> CoefficientRows {
    let classes = shapes[steps.count].count
    return CoefficientRows(
      shapes[steps.count],
      dense: (0..<classes).filter { $0 != label }.map { other in
        (0..<classes).map { $0 == label ? 1 : $0 == other ? -1 : 0 }
      })
  }
}

extension Certificate {
  /// Checks that nothing is both proven and broken.
  ///
  /// - Throws: `numeric` where something is: then the bounds, the attack or the comparison of both is wrong.
  func requireSound() throws(CoreError) {
    guard let attacked else { return }
    let wrong = verdicts.indices.filter {
      !attacked[$0] && verdicts[$0] == .certified || (attacked[$0] && verdicts[$0] == .misclassified)
    }
    guard let first = wrong.first else { return }
    throw CoreError(
      .numeric,
      verdicts[first] == .misclassified
        ? "example \(first) is misclassified as it is, but the evaluation says that it was not: was it of another model?"
        : "example \(first) is both certified and broken (\(wrong.count) in all): one of the two is wrong, or the evaluation was of another model",
      hint: "evaluate this model again; if it stays so, this is an error in ltd", argument: "against")
  }
}

/// Branch and bound needs a time, boxes, and bounds that it can improve.
private func requireExact(_ seconds: Double, _ norm: Norm, _ method: BoundMethod) throws(CoreError) {
  guard seconds > 0, seconds.isFinite else {
    throw CoreError(
      .value, "time must be a positive number of seconds for each example, not \(seconds.shortest)", hint: "time=60",
      argument: "time")
  }
  guard norm == .linf else {
    throw CoreError(
      .value, "exact certificates exist in linf only, not in \(norm.rawValue)", hint: "norm=\"linf\", or exact=false",
      argument: "exact")
  }
  guard method == .crown else {
    throw CoreError(
      .value, "exact certificates begin with the bounds of method=\"crown\"", hint: "leave method out",
      argument: "method")
  }
}

/// An evaluation stands beside certificates only if both speak of the same.
private func requireSame(
  _ evaluation: Evaluation, _ model: Model, _ data: Dataset, _ norm: Norm, _ eps: Double
) throws(CoreError) {
  if let fingerprint = evaluation.run.modelFingerprint, fingerprint != model.fingerprint {
    throw CoreError(
      .value, "the evaluation is of other weights than \(model.name) has now",
      hint: "evaluate and certify the same model", argument: "against")
  }
  let known = evaluation.run.dataFingerprint
  var isSame = evaluation.labels == data.labels && evaluation.ids == data.ids
  if let known, isSame { isSame = try data.fingerprint == known }
  guard isSame else {
    throw CoreError(
      .value, "the evaluation is of \(evaluation.n) other examples than the \(data.count) of \(data.name)",
      hint: "evaluate and certify the same data", argument: "against")
  }
  guard !evaluation.attacks.isEmpty else {
    throw CoreError(
      .value, "the evaluation has no attacks to compare with", hint: "evaluate(…, attacks=[mifpe()])",
      argument: "against")
  }
  guard evaluation.balls.contains(where: { $0 == (norm, eps) }) else {
    let balls = evaluation.balls.map { "\($0.norm.rawValue) with eps=\($0.eps.asRadius)" }
    throw CoreError(
      .value,
      "the evaluation is of \(balls.joined(separator: " and of ")), not of \(norm.rawValue) with eps=\(eps.asRadius)",
      hint: "evaluate with the norm and the radius of the certificates", argument: "against")
  }
}
