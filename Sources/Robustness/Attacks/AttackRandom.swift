import Base
import Tensors

/// Where an attack's random numbers come from.
///
/// Ordinarily each example draws from a stream of its own, so that no result depends on the batch it is in
/// (`PerExampleRandom`). Repeating a published attack number for number needs the order of its implementation instead,
/// and a test may hand over the very numbers.
public protocol AttackRandom {
  /// Whether the numbers come in the order of a reference implementation, in which what is drawn for one example depends
  /// on the batch that it is in. An attack whose original draws one thing for a whole batch, as Square does, does so
  /// only then.
  var sharesDraws: Bool { get }

  /// Numbers from `low` up to `high`, excluded.
  ///
  /// - Parameters:
  ///   - images: [n, …]; the numbers have the same shape.
  ///   - ids: one per image; an example keeps its id whatever batch it is in.
  ///   - draw: which of the attack's draws this is, such as the number of the restart.
  func uniform(_ low: Float, _ high: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor

  /// Normal numbers around 0; shape, ids and draw are as for `uniform`.
  ///
  /// - Parameter deviation: their standard deviation.
  func normal(deviation: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor

  /// A few numbers for each example, from 0 up to 1, excluded, on the host: for attacks that draw often and little.
  ///
  /// - Parameters:
  ///   - count: how many each example draws.
  ///   - offset: the position of the first of them among all that an example draws here.
  /// - Returns: `count` numbers of the first example, then of the next.
  func few(_ count: Int, ids: [Int], draw: Int, from offset: Int) throws(CoreError) -> [Float]

  /// The next numbers of the reference's generator, uniform from 0 up to 1, excluded, whatever they are for: for what
  /// is drawn for a whole batch.
  ///
  /// - Throws: `value` unless `sharesDraws`.
  func shared(_ count: Int) throws(CoreError) -> [Float]
}

extension AttackRandom {
  /// Ordinarily each example draws for itself.
  public var sharesDraws: Bool { false }

  /// Nothing is shared between examples.
  public func shared(_ count: Int) throws(CoreError) -> [Float] {
    throw CoreError(.value, "random numbers that each example draws for itself are not shared by a batch")
  }

  /// The numbers of `uniform` for rows of this length, of which those before the offset are passed over.
  public func few(_ count: Int, ids: [Int], draw: Int, from offset: Int) throws(CoreError) -> [Float] {
    let rows = try Tensor.zeros([ids.count, offset + count])
    return try uniform(0, 1, like: rows, ids: ids, draw: draw).slice(axis: 1, offset, offset + count).floats()
  }
}

/// One stream for each example and draw: a counter-based generator, so that any number can be had without the others.
public struct PerExampleRandom: AttackRandom {
  private let stream: RandomStream
  /// The keys of a draw's streams, of uniform and of normal numbers.
  private let keys: @Sendable (_ draw: Int) -> (uniform: Int, normal: Int)

  /// The random numbers of attacks outside of training, in streams keyed by the seed, the draw and the id of each
  /// example.
  public init(seed: UInt64) {
    self.init(RandomStream(seed: seed, purpose: "pgd.start")) { ($0, $0) }
  }

  init(_ stream: RandomStream, keys: @escaping @Sendable (_ draw: Int) -> (uniform: Int, normal: Int)) {
    self.stream = stream
    self.keys = keys
  }

  /// Numbers from `low` up to `high`, excluded, which each example draws from its own stream.
  public func uniform(
    _ low: Float, _ high: Float, like images: Tensor, ids: [Int], draw: Int
  ) throws(CoreError) -> Tensor {
    try Tensor.uniform(
      Array(images.shape.dropFirst()), from: low, to: high, streams: streams(ids, keys(draw).uniform))
  }

  /// Normal numbers around 0, which each example draws from its own stream.
  public func normal(deviation: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor {
    try Tensor.normal(
      Array(images.shape.dropFirst()), deviation: deviation, streams: streams(ids, keys(draw).normal))
  }

  /// Numbers from 0 up to 1, excluded, which each example draws from its own stream: those of `uniform` for the same
  /// draw, from the offset on.
  public func few(_ count: Int, ids: [Int], draw: Int, from offset: Int) throws(CoreError) -> [Float] {
    let draws = stream.child(keys(draw).uniform)
    return [Float](filling: ids.count * count) { target, used in
      for (i, id) in ids.enumerated() {
        let part = UnsafeMutableBufferPointer(rebasing: target[i * count..<(i + 1) * count])
        draws.child(id).fillUniform(part, start: offset)
      }
      used = ids.count * count
    }
  }

  private func streams(_ ids: [Int], _ key: Int) -> [RandomStream] {
    let draws = stream.child(key)
    return ids.map { draws.child($0) }
  }
}

/// The numbers of PyTorch's CPU generator in the order in which a reference implementation draws them: batch after
/// batch, all examples in one go. Results then depend on the batches, as they do there.
public final class ReferenceOrderRandom: AttackRandom {
  private var generator: TorchGenerator

  /// A generator at its start.
  ///
  /// - Parameter seed: what `torch.manual_seed` was given.
  public init(seed: UInt64) { generator = TorchGenerator(seed: seed) }

  /// Always.
  public var sharesDraws: Bool { true }

  /// The next numbers of the generator, `torch.rand(count)`.
  public func shared(_ count: Int) throws(CoreError) -> [Float] { generator.rand(count) }

  /// The next numbers of the generator, whatever the ids, the draw and the offset.
  public func few(_ count: Int, ids: [Int], draw: Int, from offset: Int) throws(CoreError) -> [Float] {
    generator.rand(ids.count * count)
  }

  /// The next numbers of the generator, from `low` up to `high`, excluded, whatever the ids and the draw.
  public func uniform(
    _ low: Float, _ high: Float, like images: Tensor, ids: [Int], draw: Int
  ) throws(CoreError) -> Tensor {
    try Tensor(generator.uniform(images.count, from: low, to: high), shape: images.shape)
  }

  /// The next normal numbers of the generator, whatever the ids and the draw.
  public func normal(deviation: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor {
    try Tensor(generator.randn(images.count), shape: images.shape) * deviation
  }
}
