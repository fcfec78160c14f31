import Base
import Devices
import Synchronization

/// A node in the record of what was computed: the inputs through which a gradient is followed, and how a gradient of
/// the result becomes gradients of the inputs.
///
/// A tensor that `tracked()` made has a leaf, and every operation gives its result a node that holds the nodes of its
/// operands and a step backwards. Nodes hold no tracked tensors, so that a record dies with its result, and what a step has
/// saved is released when it was taken: a record is walked once, unless whoever walks it says that it stays.
///
/// **Second derivatives.** When the gradients will be differentiated in turn, the step is asked for them with
/// `Needs.areFollowed`. It then takes its saved operands from `Needs`, which puts their nodes back on them, and computes
/// with recorded operations, so that its results have records of their own. A step that cannot do so (`isTwice` is false)
/// still returns the right gradients, with a node that refuses to be walked: a wrong 0 never passes unseen.
package final class Node: @unchecked Sendable {
  /// The gradients of the inputs; `nil` for inputs that need none.
  package typealias Backward = (_ gradient: Tensor, _ needs: Needs) throws(CoreError) -> [Tensor?]

  /// Later nodes have greater numbers, so that descending order is an order for the backward pass.
  let number: Int
  private(set) var inputs: [Node?]
  private var backward: Backward?
  /// Whether `backward` computes with recorded operations of operands that it takes from `Needs`, so that its results can
  /// be differentiated again.
  private let isTwice: Bool
  /// The operation, for messages: those of `Compute.checksFinite`, and that of an operation that is not `isTwice`; else empty.
  let operation: String
  /// Of a leaf: whether a gradient with respect to it may still be asked for.
  fileprivate(set) var isOpen: Bool

  private static let counter = Atomic(0)

  /// A leaf.
  init(isOpen: Bool = true) {
    number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    inputs = []
    operation = ""
    isTwice = true
    self.isOpen = isOpen
  }

  init(inputs: [Node?], operation: String, isTwice: Bool, backward: @escaping Backward) {
    number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    self.operation = operation
    self.inputs = inputs
    self.backward = backward
    self.isTwice = isTwice
    isOpen = false
  }

  /// The gradients of the inputs. What was saved for it is released, since a graph is walked once, unless it is to stay
  /// for another walk (`keeping`), or the gradients are `followed` in turn: then they have records of their own.
  func pull(_ gradient: Tensor, needs: [Bool], followed: Bool, keeping: Bool) throws(CoreError) -> [Tensor?] {
    guard let body = backward else {
      throw CoreError(
        .value, "the record of this tensor was already used for a gradient",
        hint: "compute the loss again before asking for gradients a second time")
    }
    guard followed else {
      if !keeping { backward = nil }
      return try body(gradient, Needs(needs, by: nil, recordStays: keeping))
    }
    if isTwice { return try body(gradient, Needs(needs, by: self, recordStays: true)) }
    // The values are right; whoever differentiates them gets an error.
    let refusal = Node(inputs: [gradient.node] + inputs, operation: operation, isTwice: false) {
      [operation] (_, _) throws(CoreError) in
      throw CoreError(
        .value, "the gradient of a gradient is asked for, which ltd does not compute through \(operation)",
        hint: "detach(grad(…)) takes the inner gradient as a constant")
    }
    return try body(gradient.detached(), Needs(needs, by: nil, recordStays: true)).map { $0?.with(node: refusal) }
  }

  var isLeaf: Bool { inputs.isEmpty && backward == nil }

  /// Whether this node, or one that it was computed from, is a leaf of a differentiation that is under way.
  var leadsToOpenLeaf: Bool {
    var seen: Set<ObjectIdentifier> = [ObjectIdentifier(self)]
    var pending = [self]
    while let node = pending.popLast() {
      if node.isOpen { return true }
      for case let input? in node.inputs where seen.insert(ObjectIdentifier(input)).inserted { pending.append(input) }
    }
    return false
  }

  // A chain of a million operations must not overflow the stack when it goes.
  deinit {
    var pending = inputs.compactMap { $0 }
    inputs = []
    backward = nil
    while var next = pending.popLast() {
      if isKnownUniquelyReferenced(&next) {
        pending += next.inputs.compactMap { $0 }
        next.inputs = []
      }
    }
  }
}

/// What a backward step is asked for: the gradients of which inputs, and whether these will be differentiated in turn.
package struct Needs {
  private let wanted: [Bool]
  /// The node whose step it is, when its results are followed in turn.
  private let node: Node?

  /// Whether the step will be taken again: what it has saved must stay.
  package let recordStays: Bool

  init(_ wanted: [Bool], by node: Node?, recordStays: Bool) {
    self.wanted = wanted
    self.node = node
    self.recordStays = recordStays
  }

  /// How many inputs the operation has.
  package var count: Int { wanted.count }
  /// Whether the gradient of the input at an index is wanted.
  package subscript(place: Int) -> Bool { wanted[place] }

  /// Whether the results are followed in turn: they must then be formed by recorded operations.
  package var areFollowed: Bool { node != nil }

  /// A saved operand of the operation, the input at an index; with its record where the results are followed in turn.
  package func operand(_ saved: Tensor, _ place: Int) -> Tensor {
    guard let node else { return saved }
    return saved.with(node: node.inputs[place])
  }

  /// The saved result of the operation; with its record where the results are followed in turn.
  package func result(_ saved: Tensor) -> Tensor {
    guard let node else { return saved }
    return saved.with(node: node)
  }
}

extension Tensor {
  /// The same values as a new starting point for gradients.
  public func tracked() -> Tensor { with(node: Node()) }

  /// The same values without a record.
  public func detached() -> Tensor { with(node: nil) }

  /// The shape and the record without the values, which are not held any longer: enough to take a gradient from, with a
  /// cotangent.
  package var recordAlone: Tensor {
    get throws(CoreError) {
      Tensor(try Storage(dtype, count: 0), dtype, shape: shape, count: 0, layout: layout).with(node: node)
    }
  }

  /// Whether a gradient is followed through this tensor.
  public var isTracked: Bool { node != nil }

  /// Whether a gradient may still be asked for through this tensor: it was computed from a `tracked()` tensor whose
  /// gradient has not been declared final by `close()`.
  package var isRecording: Bool { node?.leadsToOpenLeaf ?? false }

  /// Declares that no further gradient with respect to this leaf will be asked for.
  package func close() { node?.isOpen = false }

  /// The same values as a point of their own on the record, with respect to which a gradient can be taken that is followed
  /// in turn.
  package func branched() throws(CoreError) -> Tensor {
    isTracked
      ? try detached().recording([self], isTwice: true) { (g, _) throws(CoreError) in [g] }
      : with(node: Node(isOpen: false))
  }

  /// The result of an operation, recorded if a gradient is followed through one of its inputs. `backward` must not
  /// hold tracked tensors: it gets them from its `Needs`.
  ///
  /// - Parameters:
  ///   - operation: the name in messages; that of the calling function when left out.
  ///   - isTwice: whether `backward` can be differentiated in turn: whenever `Needs.areFollowed`, it computes with
  ///     recorded operations only, of saved values that it took through `Needs.operand` and `Needs.result`. Else asking for
  ///     a gradient of the gradient is an error.
  /// - Throws: `numeric` for NaN or infinity while `Compute.checksFinite` is on.
  package func recording(
    _ inputs: [Tensor], operation: @autoclosure () -> String = #function, isTwice: Bool = false,
    _ backward: @escaping Node.Backward
  ) throws(CoreError) -> Tensor {
    let checks = Compute.checksFinite
    if checks { try requireFinite(operation: operation(), of: inputs) }
    guard inputs.contains(where: \.isTracked) else { return self }
    return with(
      node: Node(
        inputs: inputs.map(\.node), operation: checks || !isTwice ? Tensor.readable(operation()) : "", isTwice: isTwice,
        backward: backward))
  }

  /// These values with a record that says that they are linear in each of some numbers.
  ///
  /// - Parameter numbers: tensors of one element, each with the slope of every value in it.
  package func recorded(linearIn numbers: [(number: Tensor, slope: Tensor)]) throws(CoreError) -> Tensor {
    guard numbers.contains(where: \.number.isTracked) else { return self }
    let slopes = numbers.map(\.slope)
    let shapes = numbers.map(\.number.shape)
    return try recording(numbers.map(\.number), operation: "arange", isTwice: true) { (g, needs) throws(CoreError) in
      var gradients: [Tensor?] = []
      for (place, slope) in slopes.enumerated() {
        gradients.append(needs[place] ? try mul(g, slope).sum().reshape(shapes[place]) : nil)
      }
      return gradients
    }
  }

  /// These values with a record that says which of them, by their position in row-major order, are those of numbers.
  package func filled(from numbers: [(place: Int, number: Tensor)]) throws(CoreError) -> Tensor {
    if numbers.isEmpty { return self }
    let places = numbers.map(\.place)
    let count = count
    return try recording(numbers.map(\.number), operation: "tensor", isTwice: true) { (g, needs) throws(CoreError) in
      let g = try g.reshape([count])
      var gradients: [Tensor?] = []
      for (input, place) in places.enumerated() {
        gradients.append(needs[input] ? try g.slice(axis: 0, place, place + 1).reshape([]) : nil)
      }
      return gradients
    }
  }

  /// A number with the record of this one and another value.
  package func valued(_ value: Float) -> Tensor {
    let own = floats().first
    if own == value || (own?.isNaN == true && value.isNaN) { return self }
    return (try? Tensor.scalar(value))?.with(node: node) ?? self
  }
}
