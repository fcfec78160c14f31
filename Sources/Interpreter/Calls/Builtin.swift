/// Code that a person can run, and what it prints.
public struct Example: Sendable {
  public let code: String
  public let result: String

  public init(_ code: String, _ result: String) {
    self.code = code
    self.result = result
  }
}

/// A built-in function: everything that binding, help, completion, the manual and the example tests need, in one place.
public final class Builtin: Sendable {
  /// Throws an error of the language or of the core, as it comes: the call makes one of the language of either, at the
  /// argument that it names.
  public typealias Body = @Sendable (Call) throws -> Value

  public let name: String
  public let signature: CallSignature
  /// One sentence.
  public let summary: String
  /// Paragraphs on arguments, units, defaults, sources.
  public let details: String
  public let examples: [Example]
  public let seeAlso: [String]
  /// Words by which people look for it, foreign names included.
  public let search: [String]
  /// The chapter of the manual: `math`, `tensors`, `attacks`, …
  public let family: String
  /// Whether a host object among the first two arguments is asked first, through `HostObject.apply`.
  public let isGeneric: Bool
  /// Answers for the first argument where it stands, without a call; `nil` leaves it to the body.
  typealias Glance = @Sendable (UnsafeMutablePointer<Value>) -> Value?
  let glance: Glance?
  let body: Body

  /// - Parameter signature: in the language's own notation, such as `clip(x: tensor, min: float | none = none) -> tensor`;
  ///   parsed when first needed. Type names are `any bool int float number string list record range function error
  ///   module none` and those of host objects; `number` is an int or a float, `float` takes an int and makes it a float.
  public convenience init(
    _ signature: String, _ summary: String, details: String = "", examples: [Example] = [], seeAlso: [String] = [],
    search: [String] = [], family: String, isGeneric: Bool = false, body: @escaping Body
  ) {
    self.init(
      signature, summary, details: details, examples: examples, seeAlso: seeAlso, search: search, family: family,
      isGeneric: isGeneric, glance: nil, body: body)
  }

  init(
    _ signature: String, _ summary: String, details: String = "", examples: [Example] = [], seeAlso: [String] = [],
    search: [String] = [], family: String, isGeneric: Bool = false, glance: Glance?, body: @escaping Body
  ) {
    self.signature = CallSignature(signature)
    name = self.signature.name
    self.summary = summary
    self.details = details
    self.examples = examples
    self.seeAlso = seeAlso
    self.search = search
    self.family = family
    self.isGeneric = isGeneric
    self.glance = glance
    self.body = body
  }
}

/// A value that is always there under a name, such as `pi`.
public struct Constant: Sendable {
  public let name: String
  public let value: Value
  public let summary: String
  public let family: String

  public init(_ name: String, _ value: Value, _ summary: String, family: String) {
    self.name = name
    self.value = value
    self.summary = summary
    self.family = family
  }
}
