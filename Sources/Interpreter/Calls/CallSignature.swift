import Base

/// A signature as calls use it: parsed once, when first needed.
public final class CallSignature: Sendable {
  /// What stands before the parenthesis.
  public let name: String
  /// As it was written.
  public let text: String
  private let parsed: Locked<ParameterList?>

  /// - Parameter text: such as `clip(x: tensor, min: float | none = none) -> tensor`.
  public init(_ text: String) {
    self.text = text
    name = String(text.prefix { $0 != "(" })
    parsed = Locked(nil)
  }

  init(name: String, text: String, parameters: ParameterList) {
    self.name = name
    self.text = text
    parsed = Locked(parameters)
  }

  var parameters: ParameterList {
    parsed.withLock { known in
      if let known { return known }
      let list = ParameterList(signature: text)
      known = list
      return list
    }
  }

  /// The parameters' names in order.
  public var parameterNames: [String] { parameters.items.map(\.name) }
}

extension CallSignature {
  /// What is wrong with the text of a signature; for the tests of the table.
  public var problem: String? { parameters.failure?.message }
}

extension CallSignature {
  /// How it may be called: the arguments that must be there, those taken by position, and the names of all.
  public var shape: (required: Int, positional: Int, names: [String]) {
    let parameters = self.parameters
    let normal = parameters.items.filter { $0.kind == .normal }
    let positional = parameters.rest ?? normal.count
    return (normal.prefix(positional).count { !$0.hasDefault }, positional, normal.map(\.name))
  }
}
