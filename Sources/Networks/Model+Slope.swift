import Base
import Tensors

extension Model {
  /// A loss of the logits of each image, and its gradient with respect to the images, in evaluation mode.
  ///
  /// Where images are run in pieces, each goes forward and back before its thread takes the next: what the gradient
  /// needs of the forward pass is then still in the cache. The numbers are those of the whole batch.
  ///
  /// - Parameters:
  ///   - images: [n, channels, h, w].
  ///   - draws: which noise a model that answers at random adds.
  ///   - loss: the losses [k] of some neighbours, given their logits [k, classes] and where they are; it is asked for
  ///     several pieces at a time.
  /// - Returns: losses [n], gradients like the images, logits [n, classes]; nothing is tracked.
  /// - Throws: what the network and the loss throw.
  package func slope(
    at images: Tensor, draws: NoiseDraws = NoiseDraws(),
    of loss: (_ logits: Tensor, _ rows: Range<Int>) throws(CoreError) -> Tensor
  ) throws(CoreError) -> (loss: Tensor, gradient: Tensor, logits: Tensor) {
    let images = images.detached()
    let parts = try pieces(of: images)
    let results = try concurrently(parts.count) { (i) throws(CoreError) in
      let x = try (parts.count == 1 ? images : images.rows(parts[i])).tracked()
      let logits = try self(x, draws.rows(parts[i]))
      let losses = try loss(logits, parts[i])
      let gradient = try Tensors.gradients(of: losses.sum(), withRespectTo: [x])[0]
      return [losses.detached(), gradient, logits.detached()]
    }
    if results.count == 1 { return (results[0][0], results[0][1], results[0][2]) }
    return (
      try Tensor.joined(results.map { $0[0] }), try Tensor.joined(results.map { $0[1] }),
      try Tensor.joined(results.map { $0[2] })
    )
  }
}
