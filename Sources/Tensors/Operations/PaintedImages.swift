import Base
import Devices

/// The images of a search that changes one square after another: the best of each example so far, and a candidate for
/// each that is tried next.
///
/// A step changes the candidates and then settles them: where a candidate is accepted it becomes the best image. In Linf
/// a step paints a square, and candidates differ from the best images there alone; a square that is not accepted takes the
/// old values back. So a step reads and writes the squares, in place, and a network always has whole images to look at.
/// Examples that the search is done with are dropped from the candidates. Not recorded.
package struct PaintedImages {
  /// The best images so far [n, c, h, w].
  package private(set) var best: Tensor
  /// A candidate for each example that is searched on [k, c, h, w].
  package private(set) var candidates: Tensor
  /// The examples that are searched on.
  package private(set) var examples: [Int]

  private let center: Tensor
  private let eps: Float
  private let shape: ImageShape
  /// The square of each candidate since something was painted; their `image` is the example.
  package private(set) var squares: [ImageSquare] = []
  /// Which of the candidates differ from the best images since something was painted.
  package private(set) var changed: [Int] = []
  private var side = 0

  /// Images around others, each with a candidate that is like it.
  ///
  /// - Parameters:
  ///   - best: [n, c, h, w], float32, in the balls around `center` and in [0, 1].
  ///   - center: of the same shape.
  ///   - eps: the radius, in units of the images.
  package init(_ best: Tensor, around center: Tensor, eps: Float) throws(CoreError) {
    guard best.rank == 4, best.dtype == .float32, best.shape == center.shape, center.dtype == .float32 else {
      throw CoreError(
        .shape,
        "squares are painted into float32 images [n, c, h, w] around others, not \(best.shape) around \(center.shape)")
    }
    self.best = try best.channelsLast()
    self.center = try center.channelsLast()
    self.eps = eps
    candidates = self.best
    examples = Array(0..<best.shape[0])
    let strides = self.best.strides
    shape = ImageShape(
      channels: best.shape[1], height: best.shape[2], width: best.shape[3], channelStride: strides[1],
      rowStride: strides[2], columnStride: strides[3])
  }

  /// Drops all but some of the examples from the candidates.
  ///
  /// - Parameter places: which of the candidates stay, in ascending order.
  package mutating func keep(_ places: [Int]) throws(CoreError) {
    guard places.count < examples.count else { return }
    candidates = try taken(places)
    examples = places.map { examples[$0] }
    squares = []
  }

  /// The candidates at these places.
  private func taken(_ places: [Int]) throws(CoreError) -> Tensor {
    let y = try Tensor(shape: [places.count] + best.shape.dropFirst(), layout: candidates.layout)
    let indices = try Tensor(ints: places, shape: [places.count])
    try device.take(
      candidates.storage, .float32, block: shape.size, indices.storage, count: places.count, y.storage)
    return y
  }

  /// Paints a square into each candidate: best + shift, limited to center ± eps and to [0, 1].
  ///
  /// - Parameters:
  ///   - corners: the first row and the first column of each candidate's square.
  ///   - side: of all squares.
  ///   - shifts: for each candidate one number a channel.
  /// - Throws: `shape` where a square does not lie in the image.
  package mutating func paint(_ corners: [(top: Int, left: Int)], side: Int, shifts: [Float]) throws(CoreError) {
    try requireFit(corners.count, shifts, side, corners.allSatisfy { fits($0.top, $0.left, side) })
    self.side = side
    squares = zip(examples, corners).map { ImageSquare(image: $0, top: $1.top, left: $1.left) }
    try candidates.makeUnique()
    let isChanged = try device.paintSquares(
      shape, squares, side: side, shifts: shifts, best: best.storage, center: center.storage, eps: eps,
      candidates.storage)
    changed = isChanged.indices.filter { isChanged[$0] }
  }

  /// The candidates that differ from the best images, in the order of `changed`.
  package func changedCandidates() throws(CoreError) -> Tensor {
    changed.count == candidates.shape[0] ? candidates : try taken(changed)
  }

  /// Settles the squares that were painted last.
  ///
  /// - Parameter accepted: for each candidate, whether it becomes the best image.
  package mutating func settleSquares(accepted: [Bool]) throws(CoreError) {
    try requireDecisions(accepted, squares.count)
    try best.makeUnique()
    try candidates.makeUnique()
    try device.settleSquares(
      shape, squares, side: side, accepted: accepted, best: best.storage, candidates.storage)
    squares = []
  }

  /// Makes each candidate of the best image by a move of a window of its change: the step of the Square attack in L2 and
  /// L1, as `Windows` describes it.
  ///
  /// - Parameters:
  ///   - moves: the windows of each candidate; their `image` counts among the examples of the whole.
  ///   - side: of all windows.
  ///   - pattern: [side, side], what is added.
  ///   - signs: for each candidate one number a channel, by which the pattern is multiplied.
  /// - Throws: `shape` where a window does not lie in the image.
  package mutating func move(
    _ norm: WindowNorm, _ moves: [WindowMove], side: Int, pattern: [Float], signs: [Float]
  ) throws(CoreError) {
    try requireFit(
      moves.count, signs, side,
      pattern.count == side &* side && zip(moves, examples).allSatisfy { $0.image == $1 }
        && moves.allSatisfy { fits($0.top, $0.left, side) && fits($0.emptiedTop, $0.emptiedLeft, side) })
    try candidates.makeUnique()
    try device.moveWindows(
      shape, norm, moves, side: side, pattern: pattern, signs: signs, best: best.storage, center: center.storage,
      eps: eps, candidates.storage)
  }

  /// Takes whole candidates over.
  ///
  /// - Parameter accepted: for each candidate, whether it becomes the best image.
  package mutating func settleImages(accepted: [Bool]) throws(CoreError) {
    try requireDecisions(accepted, examples.count)
    let places = accepted.indices.filter { accepted[$0] }
    guard !places.isEmpty else { return }
    let chosen = try taken(places)
    let targets = try Tensor(ints: places.map { examples[$0] }, shape: [places.count])
    try best.makeUnique()
    try device.put(
      chosen.storage, .float32, block: shape.size, targets.storage, count: places.count, adding: false, best.storage)
  }

  private func fits(_ top: Int, _ left: Int, _ side: Int) -> Bool {
    top >= 0 && left >= 0 && top <= shape.height - side && left <= shape.width - side
  }

  private func requireFit(_ count: Int, _ numbers: [Float], _ side: Int, _ isWithin: Bool) throws(CoreError) {
    guard count == examples.count, numbers.count == count * shape.channels, side >= 0, isWithin else {
      throw CoreError(
        .shape, "\(count) squares of \(side) pixels do not fit \(examples.count) images of shape \(best.shape)")
    }
  }

  private func requireDecisions(_ accepted: [Bool], _ count: Int) throws(CoreError) {
    guard accepted.count == count else {
      throw CoreError(.shape, "\(accepted.count) decisions do not fit \(count) candidates")
    }
  }
}
