import Base
import Tensors

/// Tensors by name, in an order that is part of them.
public typealias NamedTensors = [(name: String, tensor: Tensor)]

/// What a training run must save so that it can be continued bit for bit: an optimiser's momentum, what a method or an
/// observer keeps between steps, the position of the run itself.
///
/// A state has only what changes while the object works; its settings are not part of it, since whoever restores makes
/// the object with the same ones. It is made of tensors by name, so that a weight file can hold it. Random streams have
/// no state, for they are keyed by the position.
public protocol Resumable: AnyObject {
  /// Everything that changes while it works; names are unique within one object.
  var state: NamedTensors { get throws(CoreError) }
  /// Takes on a state that an object with the same settings had.
  ///
  /// - Throws: `value` where a tensor is missing or unknown, `shape` where one does not fit.
  func restore(_ state: NamedTensors) throws(CoreError)
}

extension Resumable {
  /// The state of an object that keeps nothing.
  public var state: NamedTensors { get throws(CoreError) { [] } }

  /// Takes on the state of an object that keeps nothing: an empty one.
  public func restore(_ state: NamedTensors) throws(CoreError) {
    guard let first = state.first else { return }
    throw CoreError(.value, "nothing keeps '\(first.name)': this is the state of something else")
  }
}
