import Base

/// Code that a user can type, and what it prints.
public struct Example: Sendable {
  /// What to type: one line, or several.
  public let code: String
  /// What the prompt answers; empty for none.
  public let result: String

  /// An example that the tests of the table run: the answer to `code` must be `result`.
  public init(_ code: String, _ result: String) {
    self.code = code
    self.result = result
  }
}

/// A built-in function: one entry holds everything that binding, help, completion, the manual and the example tests need.
public final class Builtin: Sendable {
  /// What the function does. It may throw errors of the language and of the core: the call turns either into an error of
  /// the language that points at the argument which it names.
  public typealias Body = @Sendable (Call) throws -> Value

  /// The name by which it is called, that of the signature.
  public let name: String
  /// Names, types, defaults and checks of the parameters, and the type of the result.
  public let signature: CallSignature
  /// One sentence.
  public var summary: String { words().summary }
  /// Paragraphs on arguments, units, defaults, sources.
  public var details: String { words().details }
  /// What the help page shows; the tests run them.
  public var examples: [Example] { words().examples }
  /// Names of related functions.
  public var seeAlso: [String] { words().seeAlso }
  /// Words by which people look for it, foreign names included.
  public var search: [String] { words().search }
  /// The chapter of the manual: `math`, `tensors`, `attacks`, …
  public let family: String
  /// Whether a host object among the first two arguments is asked first, through `HostObject.apply`.
  public let isGeneric: Bool
  /// Computes the result from the first argument where it stands, without a call; `nil` leaves it to the body.
  typealias Glance = @Sendable (UnsafeMutablePointer<Value>) -> Value?
  let glance: Glance?
  let body: Body
  private let words: @Sendable () -> Words
  private let argumentValues: @Sendable (String) -> ArgumentValues?

  /// What may be given for a parameter, beyond its type; nil where nothing is said.
  public func values(_ parameter: String) -> ArgumentValues? { argumentValues(parameter) }

  private struct Words: Sendable {
    var summary, details: String
    var examples: [Example]
    var seeAlso, search: [String]
  }

  /// - Parameter signature: in the language's own notation, such as `clip(x: tensor, min: float | none = none) -> tensor`;
  ///   parsed when first needed. Type names are `any bool int float number string list record range function error
  ///   module none` and those of host objects; `number` is an int or a float, `float` takes an int and makes it a float.
  /// - Parameter values: by the name of a parameter what may be given for it, beyond its type, for completion.
  public convenience init(
    _ signature: String, _ summary: String, details: @autoclosure @escaping @Sendable () -> String = "",
    examples: [Example] = [], seeAlso: [String] = [],
    search: [String] = [], values: @autoclosure @escaping @Sendable () -> [String: ArgumentValues] = [:],
    family: String, isGeneric: Bool = false, checksFirst: Bool = true, body: @escaping Body
  ) {
    self.init(
      signature, summary, details: details(), examples: examples, seeAlso: seeAlso, search: search, values: values(),
      family: family, isGeneric: isGeneric, checksFirst: checksFirst, glance: nil, body: body)
  }

  init(
    _ signature: String, _ summary: String, details: @autoclosure @escaping @Sendable () -> String = "",
    examples: [Example] = [], seeAlso: [String] = [],
    search: [String] = [], values: @autoclosure @escaping @Sendable () -> [String: ArgumentValues] = [:],
    family: String, isGeneric: Bool = false, checksFirst: Bool = true, glance: Glance?, body: @escaping Body
  ) {
    self.signature = CallSignature(signature, checksFirst: checksFirst)
    name = self.signature.name
    words = {
      Words(summary: summary, details: details(), examples: examples, seeAlso: seeAlso, search: search)
    }
    argumentValues = { values()[$0] }
    self.family = family
    self.isGeneric = isGeneric
    self.glance = glance
    self.body = body
  }

  /// A built-in whose words follow from a declaration elsewhere. They are made when help or a first call asks for them.
  ///
  /// - Parameters:
  ///   - page: what the manual says of it.
  ///   - details: the paragraphs of the page with a line for each argument.
  ///   - values: what may be given for a parameter, beyond its type.
  public init(
    name: String, signature: @escaping @Sendable () -> String, page: @escaping @Sendable () -> Page,
    details: @escaping @Sendable () -> String, values: @escaping @Sendable (String) -> ArgumentValues? = { _ in nil },
    family: String, body: @escaping Body
  ) {
    argumentValues = values
    self.name = name
    self.signature = CallSignature(name: name, signature)
    words = {
      let page = page()
      return Words(
        summary: page.summary, details: details(), examples: page.examples.map { Example($0.code, $0.result) },
        seeAlso: page.seeAlso, search: page.search)
    }
    self.family = family
    isGeneric = false
    glance = nil
    self.body = body
  }

  /// The same entry with another body, which may call the first one.
  public init(_ other: Builtin, body: @escaping Body) {
    (name, signature, family, isGeneric) = (other.name, other.signature, other.family, other.isGeneric)
    (words, glance, argumentValues) = (other.words, other.glance, other.argumentValues)
    self.body = body
  }

  /// What the function does, for an entry that wraps it.
  public var unwrapped: Body { body }
}

/// A value that is always there under a name, such as `pi`.
public struct Constant: Sendable {
  /// What is written for it.
  public let name: String
  /// What it stands for.
  public let value: Value
  /// One sentence.
  public let summary: String
  /// The chapter of the manual.
  public let family: String

  /// A constant for `BuiltinTable.add`.
  public init(_ name: String, _ value: Value, _ summary: String, family: String) {
    self.name = name
    self.value = value
    self.summary = summary
    self.family = family
  }
}
