import Base
import Platform
import Tensors

/// Projected gradient ascent: step after step along the slope of a loss, back into the ball and into [0, 1]. Madry et
/// al. 2018.
///
/// FGSM is one step of it, PGD ten; an attack that only turns the slope before it steps, as momentum does, gives a
/// `direction`. The norm decides both the direction of a step of given length and the way back into the ball. `climb`
/// returns the last iterate and submits nothing: what becomes of it is for the attack to say. For `search` every
/// iterate counts, so that examples are settled on the way and cost nothing from there on.
public struct GradientAscent {
  /// How many steps are taken.
  public var steps: Int
  /// The length of one step in the norm, in units of the [0, 1] image; of the first one, where steps fade.
  public var stepSize: Double
  /// The norm of the ball and of the step, by default Linf.
  public var norm = Norm.linf
  /// The loss that is climbed; nil stands for the oracle's own.
  public var loss: AttackLoss?
  /// Whether the steps fall as half a cosine, from `stepSize` to 0 after the last; by default all are of one length.
  public var isFading = false

  /// An ascent; where it begins and which examples it is for is said to `climb` and `search`.
  ///
  /// - Parameters:
  ///   - stepSize: length of one step, in units of the [0, 1] image.
  ///   - loss: what is climbed; nil stands for the oracle's own loss.
  public init(steps: Int, stepSize: Double, norm: Norm = .linf, loss: AttackLoss? = nil) {
    self.steps = steps
    self.stepSize = stepSize
    self.norm = norm
    self.loss = loss
  }

  /// Climbs from a start, within the ball around the images of the batch.
  ///
  /// - Parameters:
  ///   - start: [k, c, h, w], where it begins; it may lie a little outside of ball and box before the first step.
  ///   - examples: to which the k images belong.
  ///   - direction: what a step follows, from the gradient [k, c, h, w]; the gradient itself when left out.
  ///   - report: is told after each step how much is done, from 0 to 1.
  /// - Returns: the last iterate [k, c, h, w], which lies in the ball and in [0, 1].
  /// - Throws: what the oracle throws.
  public func climb(
    _ oracle: any Oracle, from start: Tensor, in batch: AttackBatch, of examples: [Int],
    direction: (_ gradient: Tensor) throws -> Tensor = { $0 }, report: (Double) -> Void = { _ in }
  ) throws -> Tensor {
    let centre = try batch.rows(batch.images, of: examples)
    var x = start
    for i in 0..<steps {
      let slope = try direction(oracle.gradient(of: loss, at: x, of: examples))
      x = try norm.step(x, along: slope, around: centre, step: length(ofStep: i), eps: batch.eps)
      report(Double(i + 1) / Double(steps))
    }
    return x
  }

  /// Climbs as `climb` does, and hands in every iterate that breaks its example as soon as it is there; the example is
  /// left out from then on. Of the examples that none breaks, the last iterate is handed in, and where another had a
  /// larger loss, that one too.
  ///
  /// The start itself does not count. In training nothing breaks, and the iterate with the largest loss is what counts.
  ///
  /// - Parameters: those of `climb`.
  /// - Throws: what the oracle throws.
  public func search(
    _ oracle: any Oracle, from start: Tensor, in batch: AttackBatch, of examples: [Int],
    report: (Double) -> Void = { _ in }
  ) throws {
    var examples = examples
    var centre = try batch.rows(batch.images, of: examples)
    var x = start
    var best: (x: Tensor, loss: Tensor)?
    for i in 0..<steps {
      var slope = try oracle.slope(of: loss, at: x, of: examples, targets: nil)
      if i > 0 {
        let fooled = batch.isTraining ? [] : try batch.fooled(by: slope.logits, of: examples)
        if !fooled.isEmpty {
          try oracle.submit(x.indexSelect(axis: 0, fooled), of: fooled.map { examples[$0] })
          // The oracle decides, which may judge by another model.
          let standing = Set(try oracle.standing)
          let stay = examples.indices.filter { standing.contains(examples[$0]) }
          if stay.isEmpty { return }
          if stay.count < examples.count {
            examples = stay.map { examples[$0] }
            (x, centre) = (try x.indexSelect(axis: 0, stay), try centre.indexSelect(axis: 0, stay))
            slope.gradient = try slope.gradient.indexSelect(axis: 0, stay)
            slope.loss = try slope.loss.indexSelect(axis: 0, stay)
            best = try best.map { (try $0.x.indexSelect(axis: 0, stay), try $0.loss.indexSelect(axis: 0, stay)) }
          }
        }
        best = try better(best, x, slope.loss)
      }
      x = try norm.step(x, along: slope.gradient, around: centre, step: length(ofStep: i), eps: batch.eps)
      report(Double(i + 1) / Double(steps))
    }
    try oracle.submit(x, of: examples)
    guard let best else { return }
    let standing = Set(try oracle.standing)
    let stay = examples.indices.filter { standing.contains(examples[$0]) }
    if stay.isEmpty { return }
    let images = try stay.count == examples.count ? best.x : best.x.indexSelect(axis: 0, stay)
    try oracle.submit(images, of: stay.map { examples[$0] })
  }

  /// For each example the image with the larger loss; the earlier of two equal ones.
  private func better(
    _ best: (x: Tensor, loss: Tensor)?, _ x: Tensor, _ loss: Tensor
  ) throws -> (x: Tensor, loss: Tensor) {
    guard let best else { return (x, loss) }
    let isLarger = try greater(loss, best.loss)
    let rows = try isLarger.reshape([x.shape[0]] + Array(repeating: 1, count: x.shape.count - 1))
    return (try whereSelect(rows, x, best.x), try whereSelect(isLarger, loss, best.loss))
  }

  /// The length of a step, which are numbered from 0.
  private func length(ofStep i: Int) -> Double {
    guard isFading else { return stepSize }
    return stepSize * 0.5 * (1 + cos(Double.pi * Double(i) / Double(steps)))
  }
}
