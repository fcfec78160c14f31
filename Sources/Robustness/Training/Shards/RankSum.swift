import Base
import Networks
import Tensors

/// Adds up what ranks have, along the tree of the shards.
///
/// Each rank has the sums of the whole subtrees within its run of shards. All numbers of a subtree are one row; rows are cut
/// into as many chunks as there are ranks, each rank gets its chunk of every row and adds these up as the tree says, and
/// then all get the chunks of all. So each number travels twice, every rank adds its part, and the order is the tree's, not
/// that of a library. Rows are taken in pieces, so that what is held meanwhile is bounded.
struct RankSum {
  private let ranks: any Communicator
  private let cut: BatchCut
  /// The numbers of a row that travel at a time, all ranks' chunks together.
  private static let piece = 1 << 22

  init(_ ranks: any Communicator, _ cut: BatchCut) { (self.ranks, self.cut) = (ranks, cut) }

  /// The whole subtrees that a rank sums, but for those without an image.
  private func nodes(of rank: Int) -> [(level: Int, index: Int)] {
    TreeSum<Void>.nodes(of: cut.run(of: rank, of: ranks.size)).filter { !cut.isEmpty($0.level, $0.index) }
  }

  /// The sum of the tensors of all ranks.
  ///
  /// - Parameters:
  ///   - own: the subtrees of this rank with their tensors.
  ///   - shapes: of the tensors; nil for those that are left out.
  func total(of own: [TreeSum<[Tensor?]>.Node], shapes: [[Int]?]) throws -> [Tensor?] {
    let counts = shapes.map { $0.map { $0.reduce(1, *) } ?? 0 }
    let width = counts.reduce(0, +)
    let rows: [[Float]] = own.compactMap { node in
      guard let tensors = node.value else { return nil }
      var row: [Float] = []
      row.reserveCapacity(width)
      for (tensor, shape) in zip(tensors, shapes) where shape != nil { row += tensor?.floats() ?? [] }
      return row
    }
    let all = (0..<ranks.size).map { nodes(of: $0) }
    guard rows.count == all[ranks.rank].count, rows.allSatisfy({ $0.count == width }) else {
      throw CoreError(.value, "the tensors of a shard are not those of the model")
    }
    var sum = [Float](repeating: 0, count: width)
    for start in stride(from: 0, to: width, by: Self.piece) {
      try add(start..<min(start + Self.piece, width), of: rows, all, into: &sum)
    }
    var start = 0
    return try zip(shapes, counts).map { shape, count in
      guard let shape else { return nil }
      defer { start += count }
      return try Tensor(Array(sum[start..<start + count]), shape: shape)
    }
  }

  /// Adds up a piece of the rows.
  private func add(
    _ piece: Range<Int>, of rows: [[Float]], _ all: [[(level: Int, index: Int)]], into sum: inout [Float]
  ) throws {
    let size = ranks.size
    func chunk(_ rank: Int) -> Range<Int> {
      piece.lowerBound + rank * piece.count / size..<piece.lowerBound + (rank + 1) * piece.count / size
    }
    // For each rank its chunk of every row.
    var sent: [Float] = []
    sent.reserveCapacity(rows.count * piece.count)
    for rank in 0..<size { for row in rows { sent += row[chunk(rank)] } }
    let own = chunk(ranks.rank)
    let stride = MemoryLayout<Float>.stride
    var received = [Float](repeating: 0, count: own.count * all.reduce(0) { $0 + $1.count })
    try exchange(
      sent, (0..<size).map { chunk($0).count * rows.count * stride }, into: &received,
      all.map { $0.count * own.count * stride })
    var tree = TreeSum<[Float]> { a, b in Self.sum(a, b) }
    var start = 0
    var next = 0
    for node in all.joined() {
      // Subtrees without an image are not sent, and have their place all the same.
      for empty in TreeSum<Void>.nodes(of: next..<node.index << node.level) {
        try tree.append(.init(level: empty.level, index: empty.index, value: nil))
      }
      next = (node.index + 1) << node.level
      try tree.append(.init(level: node.level, index: node.index, value: Array(received[start..<start + own.count])))
      start += own.count
    }
    let mine = try tree.total() ?? []
    try gather(mine, into: &sum, at: piece, (0..<size).map { chunk($0).count * stride })
  }

  private static func sum(_ a: [Float], _ b: [Float]) -> [Float] {
    [Float](unsafeUninitializedCapacity: a.count) { target, count in
      a.withUnsafeBufferPointer { a in
        b.withUnsafeBufferPointer { b in
          for i in 0..<min(a.count, b.count) { target[i] = a[i] + b[i] }
        }
      }
      count = min(a.count, b.count)
    }
  }

  private func exchange(_ sent: [Float], _ sizes: [Int], into received: inout [Float], _ counts: [Int])
    throws(CoreError)
  {
    let result = received.withUnsafeMutableBytes { target in
      sent.withUnsafeBytes { own in
        Result { () throws(CoreError) in try ranks.exchange(own, sizes, into: target, counts) }
      }
    }
    try result.get()
  }

  private func gather(_ own: [Float], into sum: inout [Float], at piece: Range<Int>, _ counts: [Int]) throws(CoreError)
  {
    let result = sum.withUnsafeMutableBufferPointer { all in
      own.withUnsafeBytes { own in
        Result { () throws(CoreError) in
          try ranks.gather(
            own, into: UnsafeMutableRawBufferPointer(UnsafeMutableBufferPointer(rebasing: all[piece])), counts,
            within: nil)
        }
      }
    }
    try result.get()
  }
}
