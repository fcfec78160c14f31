import Base
import Networks
import Tensors

/// One restart of `square` for some examples of a batch: what is known of each of them, and the loop over queries.
struct SquareSearch {
  private let square: Square
  private let batch: AttackBatch
  private let oracle: any Oracle
  /// The examples that are searched on from the beginning, as the oracle counts them.
  private let examples: [Int]
  private let restart: Int
  private let images: Tensor
  private var draws: SquareDraws
  /// The least margin and loss of each example, in the order of `examples`.
  private var margins: [Float] = []
  private var losses: [Float] = []
  /// The pattern of the last side.
  private var pattern: (side: Int, values: [Float]) = (0, [])
  /// What knows the best images, for squares of the present side, and the side for which the oracle was asked for it.
  private var remembered: RememberedImages?
  private var rememberedSide = 0
  /// The side of the last square, and how many squares in a row have had it.
  private var side = 0
  private var sameSides = 0

  init(_ square: Square, _ batch: AttackBatch, _ oracle: any Oracle, _ examples: [Int], restart: Int) throws {
    (self.square, self.batch, self.oracle, self.examples) = (square, batch, oracle, examples)
    self.restart = restart
    images = try batch.rows(batch.images, of: examples)
    draws = SquareDraws(batch, restart: restart)
  }

  private var channels: Int { images.shape[1] }
  private var height: Int { images.shape[2] }
  private var width: Int { images.shape[3] }

  /// - Returns: the image with the least loss of each example, or the first that the model takes for something else.
  mutating func run() throws -> Tensor {
    // Nothing can be changed.
    guard images.count > 0, batch.eps > 0 else { return images }
    let start = square.norm == .linf ? try stripes() : try tiles()
    (margins, losses) = try judge(oracle.logits(start, of: examples), Array(examples.indices))
    if margins.allSatisfy({ $0 < 0 }) { return start }
    var images = try PaintedImages(start, around: images, eps: Float(batch.eps))
    try images.keep(images.examples.filter { margins[$0] > 0 })
    for query in 0..<square.queries {
      let places = images.examples
      if places.isEmpty { break }
      try report(query)
      if square.norm == .linf {
        try paint(&images, query)
        // A square that is there already changes nothing, and the answer to its image is known: it is not accepted.
        var accepted = [Bool](repeating: false, count: places.count)
        let found = try images.changed.isEmpty ? [] : accept(logitsOfChanged(images), images.changed.map { places[$0] })
        for (k, isAccepted) in zip(images.changed, found) { accepted[k] = isAccepted }
        try remembered?.settle(accepted: found)
        if images.changed.count < places.count {
          let changed = Set(images.changed)
          oracle.countKnown(of: places.indices.filter { !changed.contains($0) }.map { examples[places[$0]] })
        }
        try images.settleSquares(accepted: accepted)
      } else {
        try move(&images, query)
        let logits = try oracle.logits(images.candidates, of: places.map { examples[$0] })
        try images.settleImages(accepted: accept(logits, places))
      }
      let standing = places.indices.filter { margins[places[$0]] > 0 }
      if standing.count < places.count {
        try images.keep(standing)
        remembered?.keep(standing)
      }
    }
    return images.best
  }

  // MARK: Judging

  /// Logits of the candidates that a square has changed.
  ///
  /// From some squares of one side on, the oracle may remember what the model makes of the best images, and then looks
  /// at the squares alone.
  private mutating func logitsOfChanged(_ images: PaintedImages) throws -> Tensor {
    if sameSides >= 5, rememberedSide != side {
      rememberedSide = side
      remembered = try oracle.remembering(images.best.indexSelect(axis: 0, images.examples), side: side)
    }
    let chosen = images.changed.map { examples[images.examples[$0]] }
    guard let remembered else { return try oracle.logits(images.changedCandidates(), of: chosen) }
    let changes = images.changed.map {
      RememberedImages.Change(image: $0, top: images.squares[$0].top, left: images.squares[$0].left)
    }
    return try oracle.logits(images.candidates, changed: changes, from: remembered, of: chosen)
  }

  /// The margin of each image, which is not above 0 where it does what it shall, and its loss, which is made small.
  private func judge(_ logits: Tensor, _ places: [Int]) throws -> (margins: [Float], losses: [Float]) {
    let chosen = places.map { examples[$0] }
    if let targets = batch.targets {
      // Towards a target it is always the cross-entropy, as in the original.
      let wanted = chosen.map { targets[$0] }
      return (
        try margin(logits, labels: wanted).neg().floats(),
        try crossEntropy(logits, labels: wanted, reduction: .none).floats()
      )
    }
    let labels = chosen.map { batch.labels[$0] }
    let margins = try margin(logits, labels: labels).floats()
    guard square.loss == .crossEntropy else { return (margins, margins) }
    return (margins, try crossEntropy(logits, labels: labels, reduction: .none).neg().floats())
  }

  /// Judges candidates, and takes over the numbers of those that are better.
  ///
  /// - Returns: for each candidate whether it is kept: its loss is less, or the model is fooled.
  private mutating func accept(_ logits: Tensor, _ places: [Int]) throws -> [Bool] {
    if places.isEmpty { return [] }
    let found = try judge(logits, places)
    var accepted = [Bool](repeating: false, count: places.count)
    for (k, place) in places.enumerated() {
      let isBetter = found.losses[k] < losses[place]
      if isBetter { losses[place] = found.losses[k] }
      guard isBetter || found.margins[k] <= 0 else { continue }
      margins[place] = found.margins[k]
      accepted[k] = true
    }
    return accepted
  }

  /// Looks whether somebody stops the search, and says how far it is.
  private func report(_ query: Int) throws {
    try StopSignal.poll()
    if query % 16 == 0 {
      batch.report((Double(restart) + Double(query) / Double(square.queries)) / Double(square.restarts))
    }
  }

  /// A place from 0 up to `high`, excluded. That the last place at which a square would fit is never drawn is a quirk of
  /// the original, kept here.
  private func place(_ number: Float, below high: Int) -> Int { Int(Float(high) * number) }

  /// −1 or 1, each as likely; 0 for the one number in the middle, once in 2^24 draws, as in the original.
  private func sign(_ number: Float) -> Float {
    let turned = 2 * number - 1
    return turned > 0 ? 1 : turned < 0 ? -1 : 0
  }

  // MARK: Linf

  /// Vertical stripes of ±eps, in each channel of their own.
  private mutating func stripes() throws -> Tensor {
    let signs = try draws.next(once: 0, each: channels * width, of: examples).map(sign)
    let stripes = try Tensor(signs, shape: [examples.count, channels, 1, width])
    return try (images + stripes * Float(batch.eps)).clip(min: 0, max: 1)
  }

  /// Squares of ±2·eps, in each channel by itself.
  private mutating func paint(_ painted: inout PaintedImages, _ query: Int) throws {
    let side = min(square.side(at: query, height: height, width: width, least: 1), min(height, width))
    let count = 2 + channels
    let numbers = try draws.next(once: count, of: painted.examples.map { examples[$0] })
    var corners: [(top: Int, left: Int)] = []
    var shifts: [Float] = []
    for first in stride(from: 0, to: numbers.count, by: count) {
      corners.append((place(numbers[first], below: height - side), place(numbers[first + 1], below: width - side)))
      for c in 0..<channels { shifts.append(Float(2 * batch.eps) * sign(numbers[first + 2 + c])) }
    }
    try painted.paint(corners, side: side, shifts: shifts)
    sameSides = side == self.side ? sameSides + 1 : 1
    self.side = side
    if side != rememberedSide { remembered = nil }
  }

  // MARK: L2 and L1

  /// Patterns side by side, about five in each direction, each turned or not and of either sign in each channel; the whole
  /// brought to the radius.
  private mutating func tiles() throws -> Tensor {
    // The original divides by 0 where the height is below 5, and fails where tiles reach out of the image: here they are
    // of one pixel at least, and are cut off.
    let side = max(height / 5, 1)
    let start = max((height - 5 * side) / 2, 0)
    let pattern = SquarePatterns.square(side, square.norm)
    var change = [Float](repeating: 0, count: images.count)
    for row in 0..<height / side {
      for column in 0..<width / side {
        let numbers = try draws.next(once: 1, each: channels, of: examples)
        for k in examples.indices {
          let own = numbers[k * (1 + channels)..<(k + 1) * (1 + channels)]
          let isTurned = own[own.startIndex] > 0.5
          for c in 0..<channels {
            let sign = sign(own[own.startIndex + 1 + c])
            let (top, left) = (start + row * side, start + column * side)
            for y in 0..<max(min(side, height - top), 0) {
              for x in 0..<max(min(side, width - left), 0) {
                change[((k * channels + c) * height + top + y) * width + left + x] +=
                  sign * pattern[isTurned ? x * side + y : y * side + x]
              }
            }
          }
        }
      }
    }
    let whole = try Tensor(change, shape: images.shape)
    guard square.norm == .l2 else {
      return try nearestInL1(images + whole, center: images, eps: Float(batch.eps * (1 - 1e-6)))
    }
    return try (images + whole / (Norm.l2.length(whole) + 1e-12) * Float(batch.eps)).clip(min: 0, max: 1)
  }

  /// Moves of windows of an odd side, at least 3.
  private mutating func move(_ painted: inout PaintedImages, _ query: Int) throws {
    let odd = square.side(at: query, height: height, width: width, least: 3) | 1
    let side = min(odd, min(height, width))
    let count = 5 + channels
    let numbers = try draws.next(once: 5, each: channels, of: painted.examples.map { examples[$0] })
    var moves: [WindowMove] = []
    var signs: [Float] = []
    for (k, image) in painted.examples.enumerated() {
      let own = Array(numbers[k * count..<(k + 1) * count])
      moves.append(
        WindowMove(
          image: image, top: place(own[0], below: height - side), left: place(own[1], below: width - side),
          emptiedTop: place(own[2], below: height - side), emptiedLeft: place(own[3], below: width - side),
          isTurned: own[4] > 0.5))
      for number in own[5...] { signs.append(sign(number)) }
    }
    if pattern.side != side { pattern = (side, SquarePatterns.square(side, square.norm)) }
    try painted.move(
      square.norm == .l1 ? .l1 : .l2, moves, side: side, pattern: pattern.values, signs: signs)
  }
}
