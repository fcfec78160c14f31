import Base
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
    var diagnostic = Diagnostic(kind, error.message, hint: error.hint)
    if let argument = error.argument { diagnostic.arguments = [argument] + (Self.otherNames[argument] ?? []) }
    self.init(diagnostic)
  }

  /// What built-ins call arguments that have another name in the core.
  private static let otherNames = [
    "images": ["x", "data"], "labels": ["target", "y", "index"], "path": ["dir"], "channels": ["input"],
    "size": ["input"], "features": ["hidden"], "temperature": ["T"],
  ]
}

/// Runs a piece of the core; its errors become errors of the language, and errors of the language that pass through stay as
/// they are.
func attempt<T>(_ body: () throws(CoreError) -> T) throws(LTDError) -> T {
  do { return try body() } catch { throw error.origin as? LTDError ?? LTDError(error) }
}
