import Interpreter
import Robustness

/// An attack as a value: what it does when handed to `evaluate`, `fit` or `perturb`.
final class AttackObject: HostObject {
  let attack: any Attack

  init(_ attack: any Attack) { self.attack = attack }

  override class var typeName: String { "attack" }
  override class var typeSummary: String { "How images are changed until a model errs." }
  override func shortText(_ options: PrintOptions) -> String { attack.description }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other else { return false }
    return (object as? AttackObject)?.attack.isEqual(to: attack) ?? false
  }
}

/// A training method as a value for `fit`.
final class MethodObject: HostObject {
  let method: any TrainingMethod

  init(_ method: any TrainingMethod) { self.method = method }

  override class var typeName: String { "method" }
  override class var typeSummary: String { "What fit minimises." }
  override func shortText(_ options: PrintOptions) -> String { method.description }

  override func isEqual(to other: Value) throws -> Bool {
    guard case .object(let object) = other else { return false }
    return (object as? MethodObject)?.method.isEqual(to: method) ?? false
  }
}
