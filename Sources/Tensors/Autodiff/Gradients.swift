import Base

// The backward pass: from a result along the record to the tensors that gradients are wanted of.
//
// `Graph` lists the nodes between the two, latest first, which is an order in which every node comes after all that read
// its result. Each node turns the sum of the gradients that have reached it into gradients of its inputs. Nothing is
// computed for inputs that lead to no wanted tensor. The pass looks at the `StopSignal` at each node.

/// Gradients of a result with respect to tracked tensors, by reverse-mode automatic differentiation. Only what lies
/// between the two is computed; saved values are released as the pass goes by them.
///
/// - Parameters:
///   - result: a tensor without axes, or any shape with `cotangent`.
///   - inputs: tensors made by `tracked()`, or results computed from such.
///   - cotangent: the gradient with respect to `result`; 1 when left out.
///   - keepingRecord: whether saved values stay, so that the same result can be differentiated again.
///   - whenFound: told the place of an input and its gradient as soon as nothing can be added to it any more.
/// - Returns: one tensor for each input, of its shape; zeros where the result does not depend on it.
/// - Throws: `shape` when a result with several elements comes without a cotangent.
public func gradients(
  of result: Tensor, withRespectTo inputs: [Tensor], cotangent: Tensor? = nil, keepingRecord: Bool = false,
  whenFound: ((Int, Tensor) throws(CoreError) -> Void)? = nil
) throws(CoreError) -> [Tensor] {
  try backward(
    from: result, to: inputs, cotangent: cotangent?.detached(), keepingRecord: keepingRecord, whenFound: whenFound
  ) { _ in false }.gradients
}

/// As `gradients`, for results that may depend on tensors of a differentiation that is under way further out: the gradients
/// then have records of their own, through which the outer one follows them.
///
/// - Returns: also whether they may depend on such tensors.
package func followedGradients(
  of result: Tensor, withRespectTo inputs: [Tensor]
) throws(CoreError) -> (gradients: [Tensor], areFollowed: Bool) {
  try backward(from: result, to: inputs, cotangent: nil) { $0.leadsElsewhere }
}

/// The backward step of an operation by differentiating what it is composed of; its results can be differentiated in
/// turn.
///
/// - Parameters:
///   - g: the gradient of the result.
///   - operands: the inputs of the operation, from `Needs.operand`.
///   - composition: the operation by recorded operations of its operands.
package func pullThrough(
  _ g: Tensor, _ needs: Needs, _ operands: [Tensor], _ composition: ([Tensor]) throws(CoreError) -> Tensor
) throws(CoreError) -> [Tensor?] {
  var branches: [Tensor] = []
  for operand in operands { branches.append(try operand.branched()) }
  let wanted = operands.indices.filter { needs[$0] }
  let found = try backward(
    from: composition(branches), to: wanted.map { branches[$0] }, cotangent: g
  ) { _ in true }.gradients
  var gradients = [Tensor?](repeating: nil, count: operands.count)
  for (place, gradient) in zip(wanted, found) { gradients[place] = gradient }
  return gradients
}

/// - Parameters:
///   - keepingRecord: whether saved values stay.
///   - whenFound: told each gradient once it is whole.
///   - isFollowed: whether the gradients get records of their own.
private func backward(
  from result: Tensor, to inputs: [Tensor], cotangent: Tensor?, keepingRecord: Bool = false,
  whenFound: ((Int, Tensor) throws(CoreError) -> Void)? = nil, _ isFollowed: (Graph) -> Bool
) throws(CoreError) -> (gradients: [Tensor], areFollowed: Bool) {
  let seed: Tensor
  if let cotangent {
    guard cotangent.shape == result.shape else {
      throw CoreError(.shape, "a cotangent of shape \(cotangent.shape) does not fit a result of shape \(result.shape)")
    }
    seed = cotangent
  } else {
    guard result.count == 1 else {
      throw CoreError(
        .shape, "a gradient needs a single number to start from, not shape \(result.shape)",
        hint: "take sum(losses) or mean(losses)")
    }
    seed = try Tensor.ones(result.shape)
  }
  var found: [ObjectIdentifier: Tensor] = [:]
  let wanted = Set(inputs.compactMap { $0.node.map(ObjectIdentifier.init) })
  var followed = false
  if let root = result.node {
    let order = Graph(from: root, to: wanted)
    followed = isFollowed(order)
    found[ObjectIdentifier(root)] = seed
    func pull(_ node: Node) throws(CoreError) {
      let key = ObjectIdentifier(node)
      guard let gradient = found[key] else { return }
      if !wanted.contains(key) { found[key] = nil }
      guard !node.isLeaf else { return }
      let needs = node.inputs.map { $0.map { order.leads.contains(ObjectIdentifier($0)) } ?? false }
      guard needs.contains(true) else { return }
      try StopSignal.poll()
      let parts: [Tensor?]
      do {
        parts = try node.pull(gradient, needs: needs, followed: followed, keeping: keepingRecord)
      } catch  where error.kind == .numeric {
        throw error.prefixed("in the gradient of \(node.operation)")
      }
      for (place, input) in node.inputs.enumerated() where needs[place] {
        guard let input, let part = parts[place] else { continue }
        if Compute.checksFinite { try part.requireFiniteGradient(of: node.operation) }
        let target = ObjectIdentifier(input)
        if let sum = found.removeValue(forKey: target) {
          found[target] = followed ? try add(sum, part) : try sum.accumulating(part)
        } else {
          found[target] = part
        }
      }
    }
    // At which node the last part of an input's gradient is added.
    var ends: [Int: [Int]] = [:]
    if whenFound != nil {
      let last = order.lastReaders(of: wanted)
      for (place, input) in inputs.enumerated() {
        if let node = input.node, let end = last[ObjectIdentifier(node)] { ends[end, default: []].append(place) }
      }
    }
    for (number, node) in order.nodes.enumerated() {
      try pull(node)
      guard let whenFound, let places = ends[number] else { continue }
      for place in places {
        if let node = inputs[place].node, let whole = found[ObjectIdentifier(node)] { try whenFound(place, whole) }
      }
    }
  }
  var gradients: [Tensor] = []
  for input in inputs {
    if let node = input.node, let gradient = found[ObjectIdentifier(node)] {
      gradients.append(gradient)
    } else {
      gradients.append(try Tensor.zeros(input.shape))
    }
  }
  return (gradients, followed)
}

/// The nodes between a result and the wanted inputs, latest first.
private struct Graph {
  private(set) var nodes: [Node] = []
  /// The nodes from which a wanted one is reached.
  private(set) var leads: Set<ObjectIdentifier> = []
  /// Whether there is a leaf of a differentiation under way among the nodes that is not wanted.
  private(set) var leadsElsewhere = false

  init(from root: Node, to wanted: Set<ObjectIdentifier>) {
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(root)]
    var pending = [root]
    while let node = pending.popLast() {
      nodes.append(node)
      if node.isOpen, !wanted.contains(ObjectIdentifier(node)) { leadsElsewhere = true }
      for case let input? in node.inputs where seen.insert(ObjectIdentifier(input)).inserted { pending.append(input) }
    }
    nodes.sort { $0.number > $1.number }
    for node in nodes.reversed() {
      let key = ObjectIdentifier(node)
      if wanted.contains(key)
        || node.inputs.contains(where: { $0.map { leads.contains(ObjectIdentifier($0)) } ?? false })
      {
        leads.insert(key)
      }
    }
  }

  /// The places in `nodes` of the last ones that read these.
  func lastReaders(of wanted: Set<ObjectIdentifier>) -> [ObjectIdentifier: Int] {
    var last: [ObjectIdentifier: Int] = [:]
    for (number, node) in nodes.enumerated() {
      for case let input? in node.inputs where wanted.contains(ObjectIdentifier(input)) {
        last[ObjectIdentifier(input)] = number
      }
    }
    return last
  }
}
