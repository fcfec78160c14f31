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
  public let confidence: Double
  /// The mean probability of the second likeliest class.
  public let second: Double
  /// The mean probability of the label.
  public let trueClass: Double
  /// The mean entropy in nats, from 0 to log(classes).
  public let entropy: Double
  /// The mean cross-entropy with the labels in nats.
  public let crossEntropy: Double
  /// The mean total variation distance to the exact probabilities of the classes, from 0 to 1; nil for data without
  /// them and for a model of other classes.
  public let posteriorGap: Double?

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
    let posterior = data.classCount == classes ? try data.posterior?.floats() : nil
    var (top, second, label, entropy, loss, gap) = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
    for i in 0..<n {
      let row = logarithms[i * classes..<(i + 1) * classes]
      let q = row.map { exp(Double($0)) }
      let sorted = q.sorted(by: >)
      top += sorted[0]
      second += sorted[1]
      label += q[data.labels[i]]
      loss -= Double(row[i * classes + data.labels[i]])
      for (p, ownLogarithm) in zip(q, row) where p > 0 { entropy -= p * Double(ownLogarithm) }
      if let posterior {
        for (a, b) in zip(q, posterior[i * classes..<(i + 1) * classes]) { gap += abs(a - Double(b)) / 2 }
      }
    }
    let count = Double(n)
    self.temperature = temperature
    (confidence, self.second, trueClass) = (top / count, second / count, label / count)
    (self.entropy, crossEntropy) = (entropy / count, loss / count)
    posteriorGap = posterior == nil ? nil : gap / count
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
  try requireFitting(data, model)
  let logits = try logits(of: model, on: data, requiringFinite: true)
  var profiles: [TemperatureProfile] = []
  for temperature in temperatures {
    try StopSignal.poll()
    profiles.append(try TemperatureProfile(logits: logits, data: data, temperature: temperature))
  }
  return profiles
}
