import Base
import Datasets
import Networks
import Platform
import Tensors

/// What a model's soft labels softmax(logits / T) look like at one temperature T: means over the examples of a data
/// set. Accuracy is the same at every temperature, and so is no part of it.
public struct TemperatureProfile: Sendable {
  /// T, by which the logits are divided.
  public let temperature: Double
  /// The mean probability of the likeliest class.
  public private(set) var confidence = 0.0
  /// The mean probability of the second likeliest class.
  public private(set) var second = 0.0
  /// The mean probability of the label.
  public private(set) var trueClass = 0.0
  /// The mean of the probability of the label less that of the likeliest other class, from -1 to 1.
  public private(set) var margin = 0.0
  /// The mean entropy in nats, from 0 to log(classes).
  public private(set) var entropy = 0.0
  /// The mean cross-entropy with the labels in nats.
  public private(set) var crossEntropy = 0.0
  /// The expected calibration error, from 0 to 1: how far confidence and accuracy lie apart in fifteen bins of confidence of
  /// equal width, weighted by their examples (Guo et al. 2017).
  public private(set) var calibrationError = 0.0
  /// The mean length (L2) of the gradient of the cross-entropy with the soft label, with respect to the logits of a student
  /// that knows nothing yet: |q - 1/classes|.
  public private(set) var gradient = 0.0
  /// The share of examples whose likeliest class has probability 1 in float32: their labels are no softer than a class.
  public private(set) var saturated = 0.0
  /// The share of examples with a cross-entropy whose gradient is 0 in float32: an attack on it does not see them.
  public private(set) var zeroGradient = 0.0
  /// The mean total variation distance to the exact probabilities of the classes, from 0 to 1; nil for data without
  /// them and for a model of other classes.
  public private(set) var posteriorGap: Double?
  /// The same for the soft labels that the data set has, such as those of people.
  public private(set) var labelGap: Double?
  /// Of the pairs of classes that the exact probabilities, or where there are none the soft labels of the data set, put in
  /// an order, the share that the model's labels put in the same one in float32; nil where there are neither.
  public private(set) var rankAgreement: Double?

  /// The profile of given logits.
  ///
  /// - Parameters:
  ///   - logits: finite ones of all examples of the data set, [n, classes], with at least two classes and one example.
  ///   - temperature: above 0.
  /// - Throws: `.value` for a temperature that is not a positive float32 number.
  init(logits: Tensor, data: Dataset, temperature: Double) throws(CoreError) {
    // By the logarithms: a probability that float32 has no number for still has a cross-entropy.
    let (n, classes) = (data.count, logits.shape[1])
    let logarithms = try logits.logSoftmax(temperature: Float(temperature)).floats()
    let rounded = try logits.softmax(temperature: Float(temperature)).floats()
    let isSame = data.classCount == classes
    let posterior = isSame ? try data.posterior?.floats() : nil
    let soft = isSame ? try data.softLabels?.floats() : nil
    var sums = ProfileSums(classes: classes)
    for i in 0..<n {
      if i % 1024 == 0 { try StopSignal.poll() }
      sums.add(
        logarithms, rounded, at: i * classes, label: data.labels[i], posterior: posterior, soft: soft)
    }
    self.temperature = temperature
    let count = Double(n)
    (confidence, second, trueClass) = (sums.top / count, sums.second / count, sums.label / count)
    (margin, entropy, crossEntropy) = (sums.margin / count, sums.entropy / count, sums.loss / count)
    (gradient, saturated, zeroGradient) = (sums.gradient / count, sums.saturated / count, sums.flat / count)
    calibrationError = sums.bins.reduce(0) { $0 + abs($1) } / count
    if posterior != nil { posteriorGap = sums.posteriorGap / count }
    if soft != nil { labelGap = sums.labelGap / count }
    if sums.pairs > 0 { rankAgreement = sums.concordant / sums.pairs }
  }
}

/// What a profile is made of, summed over examples: a million of them take seconds.
private struct ProfileSums {
  let classes: Int
  var (top, second, label, margin, entropy, loss) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
  var (gradient, saturated, flat, posteriorGap, labelGap) = (0.0, 0.0, 0.0, 0.0, 0.0)
  var (pairs, concordant) = (0.0, 0.0)
  /// By confidence: the right answers less the confidence of all.
  var bins = [Double](repeating: 0, count: 15)

  init(classes: Int) { self.classes = classes }

  /// Adds an example whose rows begin at a place.
  mutating func add(
    _ logarithms: [Float], _ rounded: [Float], at start: Int, label y: Int, posterior: [Float]?, soft: [Float]?
  ) {
    var (first, next, other, winner) = (-1.0, -1.0, -1.0, 0)
    var (own, distance) = (0.0, 0.0)
    let even = 1 / Double(classes)
    for j in 0..<classes {
      let logarithm = Double(logarithms[start + j])
      let q = exp(logarithm)
      if q > first {
        (next, first, winner) = (first, q, j)
      } else if q > next {
        next = q
      }
      if j == y { own = q } else if q > other { other = q }
      if q > 0 { entropy -= q * logarithm }
      distance += (q - even) * (q - even)
    }
    top += first
    second += next
    label += own
    margin += own - other
    loss -= Double(logarithms[start + y])
    gradient += distance.squareRoot()
    bins[min(14, max(0, Int((first * 15).rounded(.up)) - 1))] += (winner == y ? 1 : 0) - first
    if rounded[start + winner] == 1 { saturated += 1 }
    if rounded[start + y] == 1, (0..<classes).allSatisfy({ $0 == y || rounded[start + $0] == 0 }) { flat += 1 }
    if let posterior { posteriorGap += gap(logarithms, posterior, start) }
    if let soft { labelGap += gap(logarithms, soft, start) }
    if let truth = posterior ?? soft {
      for j in start..<start + classes {
        for k in start..<j where truth[j] != truth[k] {
          pairs += 1
          if truth[j] > truth[k] ? rounded[j] > rounded[k] : rounded[j] < rounded[k] { concordant += 1 }
        }
      }
    }
  }

  /// The total variation distance of two rows.
  private func gap(_ logarithms: [Float], _ truth: [Float], _ start: Int) -> Double {
    (start..<start + classes).reduce(0) { $0 + abs(exp(Double(logarithms[$1])) - Double(truth[$1])) } / 2
  }
}

/// The soft labels of a model on a data set, at each of several temperatures. The model runs once, in evaluation mode.
///
/// - Parameter temperatures: each above 0.
/// - Returns: one profile for each temperature, in their order.
/// - Throws: `.value` for a data set without examples or with unknown labels and for a temperature that is not a
///   positive float32 number, `.shape` for images that the model does not read, `.numeric` for logits that are not
///   finite.
public func temperatureProfiles(
  of model: Model, on data: Dataset, temperatures: [Double]
) throws(CoreError) -> [TemperatureProfile] {
  let found = try temperatureProfilesUntilInterrupted(of: model, on: data, temperatures: temperatures)
  if found.isInterrupted { throw CoreError(StopSignal.Reason.interrupted) }
  return found.profiles
}

/// The soft labels as `temperatureProfiles` has them. Where the user stops it, the profiles are those of the examples that
/// the model has answered by then, as many as take a tenth of a second.
///
/// - Returns: the profiles, of how many of the first examples they are, and whether the user has stopped it.
/// - Throws: what `temperatureProfiles` throws; `interrupted` where nothing was answered yet.
package func temperatureProfilesUntilInterrupted(
  of model: Model, on data: Dataset, temperatures: [Double]
) throws(CoreError) -> (profiles: [TemperatureProfile], examples: Int, isInterrupted: Bool) {
  try requireFitting(data, model)
  var parts: [Tensor] = []
  var profiles: [TemperatureProfile] = []
  do throws(CoreError) {
    for positions in data.batches(of: 250) {
      parts.append(try logits(of: model, on: data.subset(positions), requiringFinite: false))
    }
    let logits = try concat(parts, axis: 0)
    try requireFinite(logits, of: model)
    for temperature in temperatures {
      try StopSignal.poll()
      profiles.append(try TemperatureProfile(logits: logits, data: data, temperature: temperature))
    }
    return (profiles, data.count, false)
  } catch {
    guard error.kind == .interrupted, !parts.isEmpty else { throw error }
    let n = parts.reduce(0) { $0 + $1.shape[0] }
    if n == data.count, !profiles.isEmpty { return (profiles, n, true) }
    let (known, end) = (parts, monotonicSeconds() + 0.1)
    profiles = try StopSignal.ignoring { () throws(CoreError) in
      let (logits, some) = (try concat(known, axis: 0), try data.subset(0..<n))
      try requireFinite(logits, of: model)
      var found: [TemperatureProfile] = []
      for temperature in temperatures where found.isEmpty || monotonicSeconds() < end {
        found.append(try TemperatureProfile(logits: logits, data: some, temperature: temperature))
      }
      return found
    }
    return (profiles, n, true)
  }
}
