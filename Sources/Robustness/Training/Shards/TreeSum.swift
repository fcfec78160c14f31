import Base

/// A sum along one fixed binary tree, whoever holds the leaves.
///
/// Floating-point sums depend on their order, so that the order is settled here and nowhere else: leaf 2k is added to leaf
/// 2k+1, and so on upwards; a node without a right side is its left one, and a leaf that is empty adds nothing. The tree
/// depends on the number of leaves alone. Leaves come in order; what is kept meanwhile are the sums of the largest
/// subtrees that are whole, at most one of each height, so that many leaves take the memory of a few. Somebody who has a
/// run of leaves in the middle is left with the sums of the whole subtrees within it, and whoever puts those of all runs
/// in order makes the same additions.
struct TreeSum<Value> {
  /// The sum of the leaves index·2^level up to (index + 1)·2^level; nil where all of them are empty.
  struct Node {
    var level: Int
    var index: Int
    var value: Value?
  }

  /// The largest subtrees that are whole, in order.
  private(set) var nodes: [Node] = []
  private let add: (Value, Value) throws(CoreError) -> Value

  init(_ add: @escaping (Value, Value) throws(CoreError) -> Value) { self.add = add }

  /// Takes the next leaf, or a subtree that was summed elsewhere.
  mutating func append(_ node: Node) throws(CoreError) {
    var node = node
    while let left = nodes.last, left.level == node.level, left.index % 2 == 0, left.index + 1 == node.index {
      nodes.removeLast()
      node = Node(level: node.level + 1, index: left.index / 2, value: try sum(left.value, node.value))
    }
    nodes.append(node)
  }

  /// Takes the next leaf.
  mutating func append(leaf index: Int, _ value: Value?) throws(CoreError) {
    try append(Node(level: 0, index: index, value: value))
  }

  /// The sum of all leaves, where the first one was leaf 0; nil where all are empty.
  func total() throws(CoreError) -> Value? {
    var total: Value?
    for node in nodes.reversed() { total = try sum(node.value, total) }
    return total
  }

  private func sum(_ a: Value?, _ b: Value?) throws(CoreError) -> Value? {
    guard let a else { return b }
    guard let b else { return a }
    return try add(a, b)
  }

  /// The largest whole subtrees within a run of leaves, in order, without their sums.
  static func nodes(of run: Range<Int>) -> [(level: Int, index: Int)] {
    var tree = TreeSum<Void> { _, _ throws(CoreError) in () }
    for leaf in run { try? tree.append(leaf: leaf, ()) }
    return tree.nodes.map { ($0.level, $0.index) }
  }
}

/// How a batch is cut into shards, and which rank works on which.
///
/// The cut depends on the number of images and of shards alone: shard k of S has the images from k·n/S up to (k+1)·n/S,
/// rounded down, which are equally many where S divides n. The last batch of an epoch may be smaller; its shards differ by
/// one image at most, and some may be empty. Ranks take runs of shards by the same rule.
struct BatchCut {
  /// The number of images.
  let count: Int
  /// The number of shards.
  let shards: Int

  /// The images of a shard.
  func images(of shard: Int) -> Range<Int> { Self.part(shard, of: shards, count) }

  /// The share of the batch that a shard has.
  func share(of shard: Int) -> Float { Float(images(of: shard).count) / Float(max(count, 1)) }

  /// The shards of a rank.
  func run(of rank: Int, of ranks: Int) -> Range<Int> { Self.part(rank, of: ranks, shards) }

  /// Whether a subtree of shards has no image.
  func isEmpty(_ level: Int, _ index: Int) -> Bool {
    let first = index << level
    return (first..<min(first + 1 << level, shards)).allSatisfy { images(of: $0).isEmpty }
  }

  /// The number of images of the smallest shard that has some.
  var least: Int { (0..<shards).map { images(of: $0).count }.filter { $0 > 0 }.min() ?? 0 }

  private static func part(_ index: Int, of parts: Int, _ count: Int) -> Range<Int> {
    index * count / parts..<(index + 1) * count / parts
  }
}
