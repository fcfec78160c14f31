import Interpreter

extension Diagnostic {
  func rendered(colour: Bool) -> String { "error: \(message)" }
  var json: String { "{}" }
}
