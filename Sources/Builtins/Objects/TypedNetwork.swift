import Base
import Interpreter
import Networks

/// A network as a person says it to `load_model`: a call in a string, as `model.architecture` prints it, the name of a
/// family, a model, or a layer.
///
/// A string is parsed and read, not run: numbers, strings, lists and records as they stand, arithmetic between numbers, and
/// calls of what makes layers. So a string from a file or another program can do nothing else, and a family needs no
/// weights to be drawn that nobody uses.
struct TypedNetwork {
  private let call: Call

  /// What an argument of a call says of the network.
  static func request(_ name: String, of call: Call) throws -> LoadRequest.Network {
    switch try call[name] {
    case .none: return .open(family: nil)
    case .string(let text): return try TypedNetwork(call: call).read(text.text)
    case .object(let object as ModelObject): return .architecture(object.model.architecture)
    case .object(let object as LayerObject): return .layers(object.layer)
    case .function(let function) where Families.all.contains { $0.name == function.name }:
      return .open(family: function.name)
    case let value:
      throw call.error(
        .type, "\(name) of \(call.name) must be a string, a model or a layer, not \(value.described)", hint: example,
        at: name)
    }
  }

  private static let example = "architecture=\"resnet18(classes=10)\", or the family alone: architecture=\"resnet18\""

  private func read(_ text: String) throws -> LoadRequest.Network {
    let program = parse(Source(name: "architecture", text: text))
    if let problem = program.diagnostics.first { throw wrong(problem.message) }
    guard program.body.statements.count == 1,
      case .expression(let expression)? = program.body.statements.first?.kind
    else { throw wrong("'\(text)' is not a call") }
    switch expression.kind {
    case .name(let name):
      guard Families.all.contains(where: { $0.name == name }) else { throw unknown(name) }
      return .open(family: name)
    case .call(let function, let arguments):
      guard case .name(let name) = function.kind else { throw wrong("'\(text)' is not a call of a family") }
      if let family = Families.all.first(where: { $0.name == name }) {
        return .architecture(try architecture(family, arguments))
      }
      let value = try made(name, arguments)
      if case .object(let object as ModelObject) = value { return .architecture(object.model.architecture) }
      if case .object(let object as LayerObject) = value { return .layers(object.layer) }
      throw unknown(name)
    default: throw wrong("'\(text)' is not a call")
    }
  }

  private func architecture<Family: NetworkFamily>(
    _ family: Family.Type, _ arguments: [Argument]
  ) throws -> Architecture {
    let names = NetworkCall<Family>.settings.map(\.name)
    var given: [(name: String, value: SettingValue)] = []
    for (index, argument) in arguments.enumerated() {
      let name: String
      switch argument.kind {
      case .named(let named): name = named.text
      case .positional where index < names.count: name = names[index]
      default: throw wrong("\(Family.name) takes its settings one by one")
      }
      guard !given.contains(where: { $0.name == name }) else { throw wrong("\(name) is said twice") }
      given.append((name, try setting(value(argument.value))))
    }
    return try call.at("architecture") { try NetworkCall<Family>(given).architecture }
  }

  private func setting(_ value: Value) throws -> SettingValue {
    switch value {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .number(value)
    case .string(let text): return .string(text.text)
    case .list(let list): return .list(try list.items.map { try setting($0) })
    default: throw wrong("\(value.described) is no setting of a network")
    }
  }

  // MARK: Values

  private func value(_ expression: Expr) throws -> Value {
    switch expression.kind {
    case .none: return .none
    case .bool(let value): return .bool(value)
    case .int(let value): return .int(value)
    case .float(let value): return .float(value)
    case .group(let inner): return try value(inner)
    case .string(let parts):
      return Value(
        try parts.map { part in
          guard case .text(let text) = part else { throw wrong("a string in it has parts that are computed") }
          return text
        }.joined())
    case .list(let items):
      return Value(
        try items.map { item in
          guard !item.isSpread else { throw notRead }
          return try value(item.value)
        })
    case .record(let items):
      return Value(
        fields: try items.map { item in
          guard case .field(let key, let inner) = item else { throw notRead }
          return (key.text, try value(inner))
        })
    case .unary(.negate, let inner):
      switch try value(inner) {
      case .int(let value) where value != .min: return .int(-value)
      case .float(let value): return .float(-value)
      default: throw notRead
      }
    case .binary(let sign, let left, let right, _):
      guard let a = try value(left).asDouble, let b = try value(right).asDouble else { throw notRead }
      switch sign {
      case .add: return .float(a + b)
      case .subtract: return .float(a - b)
      case .multiply: return .float(a * b)
      case .divide: return .float(a / b)
      default: throw notRead
      }
    case .call(let function, let arguments):
      guard case .name(let name) = function.kind else { throw notRead }
      return try made(name, arguments)
    default: throw notRead
    }
  }

  /// What a call of a function that makes layers returns.
  private func made(_ name: String, _ arguments: [Argument]) throws -> Value {
    guard let function = call.session.table.functions[name], Self.makesLayers(function) else { throw unknown(name) }
    var positional: [Value] = []
    var named: [(String, Value)] = []
    for argument in arguments {
      switch argument.kind {
      case .positional: positional.append(try value(argument.value))
      case .named(let key): named.append((key.text, try value(argument.value)))
      default: throw notRead
      }
    }
    let made = try call.at("architecture") {
      try call.session.invoke(.function(FunctionValue(function)), positional, named: named)
    }
    guard case .object(let object) = made, object is LayerObject || object is ModelObject else { throw unknown(name) }
    return made
  }

  /// Whether a function makes layers, of numbers and other layers: it has no other effect. An activation makes one when it
  /// is called without a tensor.
  private static func makesLayers(_ function: Builtin) -> Bool {
    function.family == "layers" || function.signature.text.contains("-> tensor | layer")
  }

  // MARK: Errors

  private var notRead: LTDError { wrong("it has more than numbers, strings, lists, records and layers") }

  private func unknown(_ name: String) -> LTDError {
    call.error(
      .value, "there is no family of networks '\(name)', and no layer",
      hint: "families: " + Families.all.map { $0.name }.joined(separator: ", "), at: "architecture")
  }

  private func wrong(_ what: String) -> LTDError {
    call.error(.value, "architecture of \(call.name) cannot be read: \(what)", hint: Self.example, at: "architecture")
  }
}
