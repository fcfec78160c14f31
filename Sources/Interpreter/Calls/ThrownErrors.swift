import Base

/// Built-ins and host objects throw errors of two kinds: those of the language (`LTDError`), which know their kind and
/// often their position in the source, and those of the core (`CoreError`), which name at most the argument that is at
/// fault. Both pass as they are through built-ins, and through the core where it calls a function of the language. Here,
/// where the evaluator has called such code, either becomes an error of the language. The call of a built-in then points it
/// at the argument (`Call.placed`), and the node that is evaluated at itself.
extension LTDError {
  /// What host code threw, as the language reports it.
  package static func reporting(_ error: any Error) -> LTDError {
    if let error = error as? LTDError { return error }
    guard let error = error as? CoreError else { return LTDError(.internal, "an error of unknown kind: \(error)") }
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
    diagnostic.argument = error.argument
    return LTDError(diagnostic)
  }
}

/// Runs host code; its errors become errors of the language.
@inline(__always)
func fromHost<T>(_ body: () throws -> T) throws(LTDError) -> T {
  do { return try body() } catch { throw LTDError.reporting(error) }
}
