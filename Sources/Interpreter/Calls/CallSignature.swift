import Base

/// A signature as calls use it: parsed once, when first needed.
public final class CallSignature: Sendable {
  /// What stands before the parenthesis.
  public let name: String
  private let written: Late<String>
  private let checksFirst: Bool
  private let parsed: Locked<ParameterList?>

  /// As it was written.
  public var text: String { written.value }

  /// - Parameters:
  ///   - text: such as `clip(x: tensor, min: float | none = none) -> tensor`.
  ///   - checksFirst: false where whoever is called looks at the first argument, and knows better what to say of one
  ///     that is of no use: its type is then for help and completion alone.
  public init(_ text: String, checksFirst: Bool = true) {
    written = .now(text)
    self.checksFirst = checksFirst
    name = String(text.prefix { $0 != "(" })
    parsed = Locked(nil)
  }

  /// A signature that is written when it is first needed, so that a table of many costs nothing at the start.
  ///
  /// - Parameter name: what stands before the parenthesis.
  public init(name: String, _ text: @escaping @Sendable () -> String) {
    self.name = name
    checksFirst = true
    written = .later(text)
    parsed = Locked(nil)
  }

  init(name: String, text: String, parameters: ParameterList) {
    self.name = name
    checksFirst = true
    written = .now(text)
    parsed = Locked(parameters)
  }

  var parameters: ParameterList {
    parsed.withLock { known in
      if let known { return known }
      let list = ParameterList(signature: text, checksFirst: checksFirst)
      known = list
      return list
    }
  }

  /// The parameters' names in order.
  public var parameterNames: [String] { parameters.items.map(\.name) }
}

extension CallSignature {
  /// What is wrong with the signature, nil when nothing is; for the tests of the table.
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

/// A value that is there, or is made each time that it is asked for: what only help and the first call need.
enum Late<Value: Sendable>: Sendable {
  case now(Value)
  case later(@Sendable () -> Value)

  var value: Value {
    switch self {
    case .now(let value): value
    case .later(let make): make()
    }
  }
}
