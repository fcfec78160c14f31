/// The parameters of one function, ready for binding.
final class ParameterList: Sendable {
  let items: [ParameterInfo]
  /// Why the signature could not be parsed; a mistake in a built-in, found by the tests.
  let failure: Diagnostic?

  init(items: [ParameterInfo]) {
    self.items = items
    failure = nil
  }

  init(signature text: String) {
    do {
      items = try parseSignature(text).parameters.map { ParameterInfo($0) }
      failure = nil
    } catch {
      items = []
      failure = error.diagnostic
    }
  }
}

struct ParameterInfo: Sendable {
  let name: String
  let kind: Parameter.Kind

  init(_ parameter: Parameter) {
    name = parameter.name.text
    kind = parameter.kind
  }
}
