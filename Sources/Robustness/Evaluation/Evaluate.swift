import Datasets
import Networks
import Tensors

/// Accuracy on natural images, under each attack, and under the worst of them for each example.
///
/// The model is in evaluation mode. Each attack starts from the natural images, of which only those classified
/// correctly are attacked: the others count as broken.
///
/// - Parameters:
///   - eps: radius for attacks that have none of their own, in units of the [0, 1] image.
///   - batch: examples at a time; no result depends on it but for rounding.
///   - seed: key of random starts.
/// - Throws: `.interrupted` when the user stops it.
public func evaluate(
  _ model: Model, on data: Dataset, attacks: [any Attack] = [], eps: Double = 8.0 / 255, batch: Int = 250,
  seed: UInt64 = 0, progress: (any Progress)? = nil
) throws(CoreError) -> Evaluation {
  guard batch > 0 else {
    throw CoreError(.value, "batch is at least 1, not \(batch)", hint: "batch=250", argument: "batch")
  }
  try requireRadius(eps)
  for attack in attacks { try attack.validate() }
  try requireFitting(data, model)

  let clock = ContinuousClock()
  let start = clock.now
  let total = data.count * (attacks.count + 1)
  var done = 0
  func report(_ title: String, _ fields: [(name: String, value: Double)]) {
    progress?.update(
      title: title, done: done, total: total, fields: fields,
      secondsLeft: done > 0 ? seconds(clock.now - start) / Double(done) * Double(total - done) : nil)
  }
  defer { progress?.finish() }
  var natural: [Bool] = []
  for positions in data.batches(of: batch) {
    try Compute.poll()
    let part = try data.batch(positions)
    natural += try correct(model, part.images, part.labels)
    done += positions.count
    report("evaluate", [("natural", Accuracy(natural).value)])
  }
  var outcomes: [AttackOutcome] = []
  for attack in attacks {
    let began = clock.now
    var robust = natural
    let standing = robust.indices.filter { robust[$0] }
    done += robust.count - standing.count
    for first in stride(from: 0, to: standing.count, by: batch) {
      let positions = Array(standing[first..<min(first + batch, standing.count)])
      let part = try data.batch(positions)
      let adversarial = try attack.run(
        on: model, AttackInput(images: part.images, labels: part.labels, ids: part.ids, seed: seed, eps: eps))
      for (position, survives) in zip(positions, try correct(model, adversarial, part.labels)) {
        robust[position] = survives
      }
      done += positions.count
      report("evaluate \(attack.description)", [("robust", Accuracy(robust).value)])
    }
    outcomes.append(
      AttackOutcome(
        attack: attack.description, eps: attack.eps ?? eps, robust: robust, seconds: seconds(clock.now - began)))
  }
  return Evaluation(
    model: model.name, data: data.name, natural: natural, attacks: outcomes, seconds: seconds(clock.now - start))
}

/// Whether the largest logit of each image is that of its label.
package func correct(_ model: Model, _ images: Tensor, _ labels: [Int]) throws(CoreError) -> [Bool] {
  try correct(try model(images), labels)
}

package func correct(_ logits: Tensor, _ labels: [Int]) throws(CoreError) -> [Bool] {
  zip(try logits.argmax(axis: 1).ints(), labels).map { $0 == $1 }
}

/// Whether a model can be trained or evaluated on a data set.
func requireFitting(_ data: Dataset, _ model: Model) throws(CoreError) {
  guard data.count > 0 else {
    throw CoreError(.value, "\(data.name) has no examples", argument: "data")
  }
  guard data.imageShape == model.architecture.input else {
    throw CoreError(
      .shape,
      "\(data.name) has images \(data.imageShape), but the model \(model.name) reads \(model.architecture.input)",
      hint: "make the model for these images: channels=\(data.imageShape[0]), size=\(data.imageShape[1])",
      argument: "data")
  }
  try requireLabels(data, model)
}

/// Whether a model knows the classes of a data set.
package func requireLabels(_ data: Dataset, _ model: Model) throws(CoreError) {
  if let label = data.labels.first(where: { $0 < 0 || $0 >= model.classes }) {
    throw CoreError(
      .value, "\(data.name) has the label \(label), but the model \(model.name) knows \(model.classes) classes",
      hint: "make the model with classes=\(data.classCount)", argument: "data")
  }
}

func seconds(_ duration: Duration) -> Double {
  Double(duration.components.seconds) + Double(duration.components.attoseconds) * 1e-18
}
