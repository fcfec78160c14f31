import Synchronization

/// A place in the record of what was computed: the inputs through which a gradient is followed, and how a gradient of
/// the result becomes gradients of the inputs.
package final class Node: @unchecked Sendable {
  /// `nil` for inputs that need no gradient.
  package typealias Backward = (_ gradient: Tensor, _ needs: [Bool]) throws(CoreError) -> [Tensor?]

  /// Later nodes have greater numbers, so that descending order is an order for the backward pass.
  let number: Int
  private(set) var inputs: [Node?]
  private var backward: Backward?
  /// The operation, for the messages of `Compute.checksFinite`; empty unless that is on.
  let operation: String

  private static let counter = Atomic(0)

  /// A leaf.
  init() {
    number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    inputs = []
    operation = ""
  }

  init(inputs: [Node?], operation: String, backward: @escaping Backward) {
    number = Self.counter.wrappingAdd(1, ordering: .relaxed).newValue
    self.operation = operation
    self.inputs = inputs
    self.backward = backward
  }

  /// The gradients of the inputs. What was saved for it is released: a graph is walked once.
  func pull(_ gradient: Tensor, needs: [Bool]) throws(CoreError) -> [Tensor?] {
    guard let body = backward else {
      throw CoreError(
        .value, "the record behind this tensor was already used for a gradient",
        hint: "compute the loss again before asking for gradients a second time")
    }
    backward = nil
    return try body(gradient, needs)
  }

  var isLeaf: Bool { inputs.isEmpty && backward == nil }

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

extension Tensor {
  /// The same values as a new starting point for gradients.
  public func tracked() -> Tensor { with(node: Node()) }

  /// The same values without a record.
  public func detached() -> Tensor { with(node: nil) }

  /// Whether a gradient is followed through this tensor.
  public var isTracked: Bool { node != nil }

  /// The result of an operation, recorded if a gradient is followed through one of its inputs. `backward` must not
  /// hold tracked tensors.
  ///
  /// - Parameter operation: the name in messages; that of the calling function when left out.
  /// - Throws: `numeric` for NaN or infinity while `Compute.checksFinite` is on.
  package func recording(
    _ inputs: [Tensor], operation: @autoclosure () -> String = #function, _ backward: @escaping Node.Backward
  ) throws(CoreError) -> Tensor {
    let checks = Compute.checksFinite
    if checks { try requireFinite(operation: operation(), of: inputs) }
    guard inputs.contains(where: \.isTracked) else { return self }
    return with(
      node: Node(inputs: inputs.map(\.node), operation: checks ? Tensor.readable(operation()) : "", backward: backward))
  }
}
