import Base
import Tensors

/// Tensors by name.
public typealias NamedTensors = [(name: String, tensor: Tensor)]

/// What a training run must save so that it can be continued bit for bit: an optimiser's momentum, what a method or an
/// observer keeps between steps, the position of the run itself.
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

  public func restore(_ state: NamedTensors) throws(CoreError) {
    guard let first = state.first else { return }
    throw CoreError(.value, "nothing keeps '\(first.name)': this is the state of something else")
  }
}
