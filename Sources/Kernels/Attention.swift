import COpenBLAS
import KernelTypes

/// The sizes of attention: queries, keys and values lie side by side, [batch, tokens, 3, heads, size]; the results are
/// [batch, tokens, heads, size].
package struct AttentionShape: Sendable, Hashable {
  /// How many examples.
  package var batch: Int
  /// Tokens of an example.
  package var tokens: Int
  /// Heads, each of which mixes on its own.
  package var heads: Int
  /// Numbers of a head.
  package var size: Int

  /// Sizes whose product the caller has checked.
  package init(batch: Int, tokens: Int, heads: Int, size: Int) {
    self.batch = batch
    self.tokens = tokens
    self.heads = heads
    self.size = size
  }

  /// Values from one token to the next in the result.
  var width: Int { heads * size }
}

/// softmax(q · kᵀ / √size) · v for each head of each example, and its gradient.
///
/// The products of a head are formed one after another where queries, keys and values lie, by single-threaded OpenBLAS; the
/// pool shares the heads. Their sizes are those of one example, so that its bits do not depend on the batch. Queries are
/// taken in pieces of up to 128, which bounds the memory of the weights of attention. The gradient forms these again
/// rather than keep them.
package enum Attention {
  /// y = the mixed values.
  package static func forward(
    _ s: AttentionShape, qkv: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard s.batch > 0, s.tokens > 0, s.width > 0 else { return }
    let (pieces, length) = pieces(s)
    let slots = Threads.count
    let buffer = try scratch(Float.self, slots * length * s.tokens)
    defer { extendLifetime(buffer) }
    let kernels = kernels
    Threads.parallelFor(s.batch * s.heads * pieces, grain: 1, slots: slots) { range, slot in
      let weights = buffer.floats + slot * length * s.tokens
      for index in range where !Threads.isStopped {
        let first = index % pieces * length
        let count = min(length, s.tokens - first)
        let (query, result) = places(s, index / pieces, row: first)
        let key = places(s, index / pieces, row: 0).input + s.width
        mix(s, kernels, count, qkv + query, qkv + key, weights)
        product(
          false, false, count, s.size, s.tokens, weights, s.tokens, qkv + key + s.width, 3 * s.width, y + result,
          s.width)
      }
    }
  }

  /// dqkv from dy.
  package static func gradient(
    _ s: AttentionShape, qkv: UnsafePointer<Float>, dy: UnsafePointer<Float>, _ dqkv: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard s.batch > 0, s.tokens > 0, s.width > 0 else { return }
    let (_, length) = pieces(s)
    let slots = Threads.count
    let square = length * s.tokens
    let buffer = try scratch(Float.self, slots * 2 * square)
    defer { extendLifetime(buffer) }
    let kernels = kernels
    let scale = scale(s)
    let (pitch, width) = (3 * s.width, s.width)
    Threads.parallelFor(s.batch * s.heads, grain: 1, slots: slots) { range, slot in
      let weights = buffer.floats + slot * 2 * square
      let slopes = weights + square
      for index in range {
        let key = places(s, index, row: 0).input + width
        let value = key + width
        for first in stride(from: 0, to: s.tokens, by: length) where !Threads.isStopped {
          let count = min(length, s.tokens - first)
          let (query, result) = places(s, index, row: first)
          let adds = first > 0
          mix(s, kernels, count, qkv + query, qkv + key, weights)
          product(
            true, false, s.tokens, s.size, count, weights, s.tokens, dy + result, width, dqkv + value, pitch, adds: adds
          )
          product(
            false, true, count, s.tokens, s.size, dy + result, width, qkv + value, pitch, slopes, s.tokens)
          kernels.softmaxGradient(weights, slopes, count, s.tokens, scale, slopes)
          product(
            false, false, count, s.size, s.tokens, slopes, s.tokens, qkv + key, pitch, dqkv + query, pitch)
          product(
            true, false, s.tokens, s.size, count, slopes, s.tokens, qkv + query, pitch, dqkv + key, pitch, adds: adds)
        }
      }
    }
  }

  /// Into how many pieces the queries are cut, and of what length.
  private static func pieces(_ s: AttentionShape) -> (Int, Int) {
    let pieces = (s.tokens - 1) / 128 + 1
    let length = (s.tokens - 1) / pieces + 1
    return ((s.tokens - 1) / length + 1, length)
  }

  private static func scale(_ s: AttentionShape) -> Float { 1 / Float(s.size).squareRoot() }

  /// Where a head's query and result of a token lie; `head` counts through the heads of all examples.
  private static func places(_ s: AttentionShape, _ head: Int, row: Int) -> (input: Int, output: Int) {
    let token = head / s.heads * s.tokens + row
    let start = head % s.heads * s.size
    return (token * 3 * s.width + start, token * s.width + start)
  }

  /// weights = softmax(q · kᵀ · scale) for `count` queries.
  private static func mix(
    _ s: AttentionShape, _ kernels: any KernelSet.Type, _ count: Int, _ query: UnsafePointer<Float>,
    _ key: UnsafePointer<Float>, _ weights: UnsafeMutablePointer<Float>
  ) {
    product(false, true, count, s.tokens, s.size, query, 3 * s.width, key, 3 * s.width, weights, s.tokens)
    kernels.softmax(weights, count, s.tokens, scale(s), weights)
  }

  /// c[rows, columns] = a · b, or added to it; pitches are values from one stored row to the next.
  private static func product(
    _ transposeA: Bool, _ transposeB: Bool, _ rows: Int, _ columns: Int, _ inner: Int, _ a: UnsafePointer<Float>,
    _ pitchA: Int, _ b: UnsafePointer<Float>, _ pitchB: Int, _ c: UnsafeMutablePointer<Float>, _ pitchC: Int,
    adds: Bool = false
  ) {
    func size(_ value: Int) -> Int32 { Int32(truncatingIfNeeded: value) }
    ltd_sgemm(
      transposeA, transposeB, size(rows), size(columns), size(inner), a, size(pitchA), b, size(pitchB), adds, c,
      size(pitchC))
  }
}
