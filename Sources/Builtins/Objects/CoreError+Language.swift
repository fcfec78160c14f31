import Interpreter
import Tensors

extension LTDError {
  /// The core's error as the language reports it; the interpreter adds the place.
  convenience init(_ error: CoreError) {
    let kind: Diagnostic.Kind =
      switch error.kind {
      case .shape: .shape
      case .type: .type
      case .value: .value
      case .io: .io
      case .numeric: .numeric
      case .memory: .memory
      case .interrupted: .interrupted
      case .limit: .limit
      }
    self.init(kind, error.message, hint: error.hint)
  }
}

/// Runs a piece of the core; its errors become errors of the language.
func attempt<T>(_ body: () throws(CoreError) -> T) throws(LTDError) -> T {
  do { return try body() } catch { throw LTDError(error) }
}
