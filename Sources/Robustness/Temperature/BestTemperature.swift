import Base
import Datasets
import Networks
import Platform
import Tensors

/// By what one temperature of a model's soft labels is better than another. The model runs once; what is compared are
/// profiles of its logits.
public enum TemperatureCriterion: Sendable, Equatable {
  /// The likelihood of the labels: temperature scaling, Guo et al. 2017.
  case likelihood
  /// The expected calibration error.
  case calibration
  /// The distance to the exact probabilities of the classes, of data that has them.
  case posterior
  /// The distance to the soft labels of the data, of data that has some.
  case labels
  /// The mean entropy of the labels, in nats.
  case entropy(Double)

  /// The words of those that have no number.
  public static let words: [(word: String, criterion: TemperatureCriterion)] = [
    ("likelihood", .likelihood), ("calibration", .calibration), ("posterior", .posterior), ("labels", .labels),
  ]

  /// How far a profile is from the best there could be; nil where the data cannot say.
  func distance(_ profile: TemperatureProfile) -> Double? {
    switch self {
    case .likelihood: profile.crossEntropy
    case .calibration: profile.calibrationError
    case .posterior: profile.posteriorGap
    case .labels: profile.labelGap
    case .entropy(let entropy): abs(profile.entropy - entropy)
    }
  }
}

/// The temperature between 0.05 and 100 at which a model's soft labels are best by a criterion.
///
/// Forty-one temperatures in equal ratios are tried, and then the interval around the best of them is cut down by golden
/// sections until it is narrower than a thousandth of T. A criterion with several valleys may have a deeper one between two
/// that were tried.
///
/// - Throws: `.value` where the best lies at an end of the interval, since another may be better still, and where the data
///   has not what the criterion needs; else as `temperatureProfiles`.
public func bestTemperature(
  of model: Model, on data: Dataset, by criterion: TemperatureCriterion
) throws(CoreError) -> Double {
  if case .entropy(let entropy) = criterion {
    let most = log(Double(model.classes))
    guard entropy > 0, entropy < most else {
      throw CoreError(
        .value,
        "entropy of best_temperature must be above 0 and below log(\(model.classes)) = \(most.rounded(to: 3)), not "
          + entropy.shortest, hint: "entropy=\((most / 2).rounded(to: 1))", argument: "entropy")
    }
  }
  try requireFitting(data, model)
  let logits = try logits(of: model, on: data, requiringFinite: true)
  func distance(_ logarithm: Double) throws(CoreError) -> Double {
    try StopSignal.poll()
    let profile = try TemperatureProfile(logits: logits, data: data, temperature: exp(logarithm))
    guard let distance = criterion.distance(profile) else {
      throw CoreError(
        .value,
        criterion == .posterior
          ? "data of best_temperature has no exact posterior of the model's classes"
          : "data of best_temperature has no soft labels of the model's classes",
        hint: "rule=\"likelihood\" needs labels alone", argument: "data")
    }
    return distance
  }
  let (low, high) = (log(ToEntropy.bounds.lowest), log(ToEntropy.bounds.highest))
  let steps = 40
  let tried = (0...steps).map { low + (high - low) * Double($0) / Double(steps) }
  var distances: [Double] = []
  for place in tried { distances.append(try distance(place)) }
  let best = distances.indices.min { distances[$0] < distances[$1] } ?? 0
  guard best > 0, best < steps else {
    throw CoreError(
      .value,
      "no temperature between \(ToEntropy.bounds.lowest) and \(Int(ToEntropy.bounds.highest)) is the best: it lies at or "
        + "beyond \(best == 0 ? "the lowest" : "the highest")",
      hint: best == 0
        ? "a model that is right on all of the data is the likelier the colder it is: use data that it was not trained on"
        : "look at whatif(model, data, T=[1, 10, 100])",
      argument: "data")
  }
  var (left, right) = (tried[best - 1], tried[best + 1])
  let ratio = (5.0.squareRoot() - 1) / 2
  var (a, b) = (right - ratio * (right - left), left + ratio * (right - left))
  var (atA, atB) = (try distance(a), try distance(b))
  while right - left > 1e-3 {
    if atA <= atB {
      (right, b, atB) = (b, a, atA)
      a = right - ratio * (right - left)
      atA = try distance(a)
    } else {
      (left, a, atA) = (a, b, atB)
      b = left + ratio * (right - left)
      atB = try distance(b)
    }
  }
  return exp((left + right) / 2)
}
