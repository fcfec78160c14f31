import Base
import Datasets
import Networks
import Tensors

/// What the model is asked about.
public enum Examples: Sendable {
  /// Images [n, c, h, w] with values in [0, 1].
  case images(Tensor)
  /// All images of a data set, in batches.
  case data(Dataset)
}

/// The model's softmax at a temperature: softmax(logits / T), [n, classes].
///
/// - Parameters:
///   - temperature: T, above 0, or a rule that finds one, such as one for each image. At 1 they are the model's
///     probabilities, at a large one they are nearly equal.
///   - parameters: weights to run with instead of the model's own, such as tracked ones.
/// - Throws: `.numeric` for logits that are not finite, `.value` for a temperature that is not a positive float32
///   number and for a rule that does not hold for these classes or needs a run, `.shape` for images that the model does
///   not read.
public func softLabels(
  of model: Model, on examples: Examples, temperature: Temperature, parameters: [Tensor]? = nil
) throws(CoreError) -> Tensor {
  try temperature.validate(classes: model.classes)
  let logits = try finiteLogits(of: model, on: examples, parameters: parameters)
  return try temperature.softness(of: logits, at: nil).softmax(logits)
}

/// The class with the largest logit for each image, [n].
///
/// - Throws: `.numeric` for logits that are not finite: such an image has no class.
public func predictions(of model: Model, on examples: Examples) throws(CoreError) -> Tensor {
  try finiteLogits(of: model, on: examples).argmax(axis: 1)
}

private func finiteLogits(
  of model: Model, on examples: Examples, parameters: [Tensor]? = nil
) throws(CoreError) -> Tensor {
  switch examples {
  case .data(let data): return try logits(of: model, on: data, parameters: parameters, requiringFinite: true)
  case .images(let images):
    let logits = try model.forward(images, mode: .eval, parameters: parameters)
    try requireFinite(logits, of: model)
    return logits
  }
}
