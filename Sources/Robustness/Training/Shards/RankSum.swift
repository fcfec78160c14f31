import Base
import Networks
import Tensors

/// Adds up what ranks have, along the tree of the shards, while the backward pass of their last shards goes on.
///
/// Each rank has the sums of the whole subtrees within its run of shards; the tensors of one are a row of numbers, those of
/// the last layers first, which is the order in which a backward pass comes to them. Rows are cut into pieces. A piece begins
/// to travel when all of its gradients are known: it is cut into as many chunks as there are ranks, each rank gets its chunk
/// of every row and adds these up as the tree says, and then all get the chunks of all. So each number travels twice, every
/// rank adds its part, and the order is the tree's, not that of a library.
///
/// What ranks do together they begin in one order, whatever is done when: the rows of pieces 0 and 1, the sums of 0, the
/// rows of 2, the sums of 1, and so on. A rank that fails meanwhile goes through it with zeros, so that nobody waits for it;
/// what has failed is for the caller to tell the others afterwards.
final class RankSum {
  private let ranks: any Communicator
  private let cut: BatchCut
  private let number: Int
  /// The subtrees of each rank that have an image.
  private let nodes: [[(level: Int, index: Int)]]
  /// The shapes of the tensors; nil for those that are left out.
  private let shapes: [[Int]?]
  /// Where each tensor begins in a row.
  private let starts: [Int]
  private let width: Int
  /// The numbers of a row that travel at a time.
  private let size: Int
  /// The subtrees of this rank before its last shard.
  private var earlier: [TreeSum<[Tensor?]>.Node] = []
  /// The last shard of this rank that has an image, and those after it.
  private var last = 0..<0
  /// The tensors of the last shard, times its share of the batch, as far as they are known.
  private var found: [Tensor?]
  private var isKnown: [Bool]
  private var pieces: [Piece]
  /// How many pieces have begun to travel.
  private var begun = 0
  private var hasFailed = false
  /// Whether the ranks have met to begin, and whether they have begun.
  private(set) var (hasMet, hasBegun) = (false, false)

  /// Where a piece is.
  private struct Piece {
    /// How many tensors of it are not known yet.
    var missing = 0
    /// The chunk of this rank in the rows of all.
    var rows: (delivery: any Delivery, message: Message)?
    /// The sums.
    var sums: (delivery: any Delivery, message: Message)?
  }

  /// An eighth of a row travels at a time, but for few numbers, and for more than can be spared.
  private static let limits = 1 << 8...1 << 22

  /// - Parameters:
  ///   - number: which sum of the run it is.
  ///   - shapes: of the tensors; nil for those that are left out.
  init(_ ranks: any Communicator, _ cut: BatchCut, number: Int, shapes: [[Int]?]) {
    (self.ranks, self.cut, self.number, self.shapes) = (ranks, cut, number, shapes)
    nodes = (0..<ranks.size).map { rank in
      TreeSum<Void>.nodes(of: cut.run(of: rank, of: ranks.size)).filter { !cut.isEmpty($0.level, $0.index) }
    }
    var starts = [Int](repeating: 0, count: shapes.count)
    var width = 0
    for (index, shape) in shapes.enumerated().reversed() {
      starts[index] = width
      width += shape.map { $0.reduce(1, *) } ?? 0
    }
    size = min(max((width + 7) / 8, Self.limits.lowerBound), Self.limits.upperBound)
    pieces = Array(repeating: Piece(), count: (width + size - 1) / size)
    found = Array(repeating: nil, count: shapes.count)
    isKnown = shapes.map { $0 == nil }
    (self.starts, self.width) = (starts, width)
    for index in shapes.indices { for piece in places(of: index) { pieces[piece].missing += 1 } }
  }

  /// Takes what this rank has before its last shard.
  ///
  /// - Parameters:
  ///   - earlier: the subtrees with their tensors.
  ///   - last: the shard that is still to come and those after it, which have no image; empty where all have come.
  func take(_ earlier: [TreeSum<[Tensor?]>.Node], last: Range<Int>) throws(CoreError) {
    (self.earlier, self.last) = (earlier, last)
    for case let tensors? in earlier.map(\.value) {
      guard tensors.count == shapes.count else { throw Self.otherTensors }
      for (index, tensor) in tensors.enumerated() { try requireShape(tensor, index) }
    }
    if last.isEmpty { for index in shapes.indices { know(index) } }
  }

  /// Meets the other ranks, which are at the same place or have failed before it; gradients travel from now on.
  ///
  /// - Throws: on all ranks what one has failed with.
  func begin(_ failure: (any Error)? = nil) throws(CoreError) {
    hasMet = true
    try ranks.agree(.step, number, failure)
    hasBegun = true
    try beginKnown()
  }

  /// Takes a tensor of the last shard, times its share of the batch; one that is known already is passed over.
  func take(_ tensor: Tensor, at index: Int) throws(CoreError) {
    guard shapes.indices.contains(index), !isKnown[index] else { return }
    try requireShape(tensor, index)
    found[index] = try tensor.rowMajor() * cut.share(of: last.lowerBound)
    know(index)
    try beginKnown()
    for piece in pieces[..<begun] {
      if let rows = piece.rows { _ = try rows.delivery.isDone() }
      if let sums = piece.sums { _ = try sums.delivery.isDone() }
    }
  }

  /// Waits for what travels.
  ///
  /// - Parameter failed: whether this rank has nothing to add.
  /// - Returns: the sums, those of no rank as zeros.
  func finish(failed: Bool) throws(CoreError) -> [Tensor?] {
    hasFailed = failed || isKnown.contains(false)
    for index in shapes.indices { know(index) }
    try beginKnown()
    if !pieces.isEmpty { try add(pieces.count - 1) }
    var all: [Float] = []
    all.reserveCapacity(width)
    for piece in pieces {
      guard let sums = piece.sums else { continue }
      try sums.delivery.wait()
      all += sums.message.elements(Float.self)
    }
    guard failed || !hasFailed else { throw Self.otherTensors }
    var found: [Tensor?] = []
    for (shape, start) in zip(shapes, starts) {
      found.append(
        try shape.map { (shape) throws(CoreError) in
          try Tensor(Array(all[start..<start + shape.reduce(1, *)]), shape: shape)
        })
    }
    return found
  }

  // MARK: Pieces

  /// The pieces that have numbers of a tensor.
  private func places(of index: Int) -> Range<Int> {
    let count = shapes[index].map { $0.reduce(1, *) } ?? 0
    return count == 0 ? 0..<0 : starts[index] / size..<(starts[index] + count - 1) / size + 1
  }

  private func requireShape(_ tensor: Tensor?, _ index: Int) throws(CoreError) {
    if let shape = shapes[index], tensor?.shape != shape { throw Self.otherTensors }
  }

  private static var otherTensors: CoreError { CoreError(.value, "the tensors of a shard are not those of the model") }

  private func know(_ index: Int) {
    guard !isKnown[index] else { return }
    isKnown[index] = true
    for piece in places(of: index) { pieces[piece].missing -= 1 }
  }

  /// Lets the pieces that are known begin to travel, in order.
  private func beginKnown() throws(CoreError) {
    while hasBegun, begun < pieces.count, pieces[begun].missing == 0 {
      begun += 1
      try beginRows(begun - 1)
      if begun > 1 { try add(begun - 2) }
    }
  }

  /// The part of a piece that a rank adds up.
  private func chunk(_ piece: Int, _ rank: Int) -> Range<Int> {
    let (start, count) = (piece * size, min(size, width - piece * size))
    return start + rank * count / ranks.size..<start + (rank + 1) * count / ranks.size
  }

  /// Gives each rank its chunk of this rank's rows.
  private func beginRows(_ piece: Int) throws(CoreError) {
    let range = piece * size..<min((piece + 1) * size, width)
    let own = nodes[ranks.rank].count
    let rows = try hasFailed ? Array(repeating: Array(repeating: 0, count: range.count), count: own) : rows(range)
    guard rows.count == own else { throw CoreError(.value, "the shards of a rank are not those of its run") }
    var sent: [Float] = []
    sent.reserveCapacity(own * range.count)
    for rank in 0..<ranks.size {
      let chunk = chunk(piece, rank)
      for row in rows { sent += row[chunk.lowerBound - range.lowerBound..<chunk.upperBound - range.lowerBound] }
    }
    let stride = MemoryLayout<Float>.stride
    let mine = chunk(piece, ranks.rank).count
    let counts = nodes.map { $0.count * mine * stride }
    let received = Message(byteCount: counts.reduce(0, +))
    let delivery = try ranks.beginExchange(
      Message(sent), (0..<ranks.size).map { chunk(piece, $0).count * own * stride }, into: received, counts)
    pieces[piece].rows = (delivery, received)
  }

  /// A part of the rows of this rank, one for each of its subtrees that have an image.
  private func rows(_ range: Range<Int>) throws(CoreError) -> [[Float]] {
    var tree = Self.tree
    for node in earlier {
      try tree.append(.init(level: node.level, index: node.index, value: node.value.map { numbers($0, range) }))
    }
    for shard in last { try tree.append(leaf: shard, shard == last.lowerBound ? numbers(found, range) : nil) }
    return tree.nodes.compactMap { $0.value }
  }

  /// A part of the row of some tensors.
  private func numbers(_ tensors: [Tensor?], _ range: Range<Int>) -> [Float] {
    var numbers: [Float] = []
    numbers.reserveCapacity(range.count)
    for index in shapes.indices.reversed() where places(of: index).contains(range.lowerBound / size) {
      let own = tensors[index]?.floats() ?? []
      let (from, to) = (range.lowerBound - starts[index], range.upperBound - starts[index])
      numbers += own[max(0, from)..<min(to, own.count)]
    }
    return numbers
  }

  /// Adds up the chunk of this rank, once the rows of all have come, and gives it to all.
  private func add(_ piece: Int) throws(CoreError) {
    guard let rows = pieces[piece].rows else { return }
    try rows.delivery.wait()
    pieces[piece].rows = nil
    let mine = chunk(piece, ranks.rank).count
    let received = rows.message.elements(Float.self)
    var tree = Self.tree
    var (start, next) = (0, 0)
    for node in nodes.joined() {
      // Subtrees without an image are not sent, and have their place all the same.
      for empty in TreeSum<Void>.nodes(of: next..<node.index << node.level) {
        try tree.append(.init(level: empty.level, index: empty.index, value: nil))
      }
      next = (node.index + 1) << node.level
      try tree.append(.init(level: node.level, index: node.index, value: Array(received[start..<start + mine])))
      start += mine
    }
    let sums = Message(byteCount: min(size, width - piece * size) * MemoryLayout<Float>.stride)
    let delivery = try ranks.beginGather(
      Message(tree.total() ?? []), into: sums,
      (0..<ranks.size).map { chunk(piece, $0).count * MemoryLayout<Float>.stride })
    pieces[piece].sums = (delivery, sums)
  }

  private static var tree: TreeSum<[Float]> {
    TreeSum { (a, b) throws(CoreError) in
      [Float](unsafeUninitializedCapacity: a.count) { target, count in
        a.withUnsafeBufferPointer { a in
          b.withUnsafeBufferPointer { b in
            for i in 0..<min(a.count, b.count) { target[i] = a[i] + b[i] }
          }
        }
        count = min(a.count, b.count)
      }
    }
  }
}
