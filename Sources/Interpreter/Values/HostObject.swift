import Base
@_exported import Syntax

/// One part between the commas of `x[…]`, evaluated.
public enum IndexItem {
  case index(Int)
  case slice(start: Int?, stop: Int?, step: Int)
  case ellipsis
  /// `none`
  case newAxis
  /// A mask, a list of indices, a string key: whatever is not one of the above.
  case value(Value)
}

/// A kind of value that the language does not have itself: tensors, models, data sets, attacks.
///
/// Subclass it and override what the kind can do. A method that returns `nil` says "not supported", and the interpreter
/// makes the error, with the names of both types. Methods throw errors of the language or of the core, as they come
/// (`fromHost`); one without a place gets that of the operation.
open class HostObject {
  /// Subclasses add what they hold.
  public init() {}

  /// The name in messages and in parameter types: `x: tensor`.
  open class var typeName: String { "object" }

  /// What this kind of value is, in one sentence for help and the manual.
  open class var typeSummary: String { "" }

  /// What can stand after the point of a value of this kind.
  open class var members: [Member] { [] }

  /// The name of the kind, which `type(x)` gives.
  public final var typeName: String { Self.typeName }

  /// Whether a parameter of type `name` takes this object; for kinds with a common name, such as attacks.
  open func isKind(of name: String) -> Bool { name == typeName }

  /// Type and size in a few words, for the labels of error messages: `tensor [10, 784]`.
  open var summary: String { typeName }

  /// The sizes that a parameter check such as `x: tensor[n, c]` is compared with.
  open var shape: [Int]? { nil }

  /// What the help page of a variable shows of the object that it holds, beside its kind, such as the layers of a model;
  /// lines without an end. It must be quick, and run nothing.
  /// - Parameter options: the width of the page.
  open func page(_ options: PrintOptions) -> String? { nil }

  // MARK: Operators

  /// `self op other`, or `other op self` when `reversed`.
  open func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? { nil }

  /// As `binary`, written over this object, which nothing else refers to.
  /// - Returns: whether it was; else nothing has changed, and `binary` is called.
  open func overwrite(with op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Bool { false }

  /// `-self`, `+self`; `not` only for kinds with a truth value of their own.
  open func unary(_ op: UnaryOperator) throws -> Value? { nil }

  /// `self op other` (or reversed) for `== != < <= > >=` when the result is not a plain bool, such as a mask.
  /// `nil` leaves `==` and `!=` to `isEqual`, and makes the rest an error.
  open func compare(_ op: ComparisonOperator, _ other: Value, reversed: Bool) throws -> Value? { nil }

  /// Equality as one bool, as lists and records need it of their elements.
  open func isEqual(to other: Value) throws -> Bool {
    if case .object(let object) = other { object === self } else { false }
  }

  /// `value in self`
  open func contains(_ value: Value) throws -> Bool? { nil }

  /// What `if`, `and`, `not` see; the standard answer is an error.
  open func truth() throws -> Bool {
    throw LTDError(.type, "\(typeName.withArticle) is neither true nor false")
  }

  /// The value as a plain number where one is needed, such as in `"{loss:.3f}"`; for tensors of one element.
  open func number() throws -> Value? { nil }

  /// Whether the object is a single number: parameters of type `float` take it.
  open var isNumber: Bool { false }

  /// Whether the object is a row of numbers: parameters that take a list of numbers take it as the list of its elements.
  open var isVector: Bool { false }

  /// The float that this object is to the language, where it is one through which a gradient is followed. Whatever asks for
  /// a value without a gradient (comparing, printing, indexing, hashing, types, messages) sees `Value.plain`, so that code
  /// gives within `grad` what it gives elsewhere. `nil` for all other objects.
  open var plainNumber: Double? { nil }

  /// The record of this number with the value that the language has computed beside it.
  open func numbered(_ value: Double) -> Value { .float(value) }

  /// Whether a gradient may still be asked for through this object: its `grad` is under way.
  open var isRecording: Bool { false }

  /// As `number`, with the gradient still followed.
  open func scalar() throws -> Value? { try number() }

  // MARK: Parts

  /// `self[items]`
  open func index(_ items: [IndexItem]) throws -> Value? { nil }

  /// `self[items] = value`: returns the object that takes this one's place. Kinds with value semantics change themselves
  /// only when `isUnique`, which says that the variable holds the only reference; references always return `self`.
  open func setIndex(_ items: [IndexItem], to value: Value, isUnique: Bool) throws -> HostObject? { nil }

  /// What to write instead of `self.name`, where people bring the name from elsewhere.
  open func advice(on name: String) -> String? { nil }

  /// `len(self)`, and the number of elements of `for x in self`.
  open var length: Int? { nil }

  /// The element at a place from 0 to `length - 1`, for `for x in self`.
  open func element(at place: Int) throws -> Value? { nil }

  /// Whether `for a, b in self` has a meaning of its own, as with records; else two variables take each element apart.
  open var hasPairs: Bool { false }

  /// What the two variables of `for a, b in self` take at a place from 0 to `length - 1`: a list of two.
  open func pair(at place: Int) throws -> Value { .none }

  /// For kinds that are iterated without a length or without indices: a function that returns one element after the
  /// other and `nil` at the end.
  open func makeIterator() throws -> (() throws -> Value?)? { nil }

  // MARK: Calls

  /// The signature when `self(…)` is allowed, such as `model(x: tensor) -> tensor`. Return a stored one: it is parsed.
  open var callSignature: CallSignature? { nil }

  /// `self(…)` with the arguments bound to `callSignature`.
  open func call(_ call: Call) throws -> Value {
    throw LTDError(.type, "\(typeName.withArticle) is not a function")
  }

  /// A built-in of the language itself (`sum`, `abs`, `len`, …) called with this object as its first or second argument.
  /// `nil` makes the error "… does not take a …".
  open func apply(_ builtin: String, _ call: Call) throws -> Value? { nil }

  // MARK: Saving

  /// Writes what the table's restorer of this kind makes the object of again.
  ///
  /// - Throws: `value` for what cannot be kept, which is the standard answer.
  open func save(to out: ObjectWriter) throws(CoreError) {
    throw CoreError(.value, "\(typeName.withArticle) cannot be kept")
  }

  /// The state that changes in place, held as it is now; nil for what never changes.
  open var restorePoint: (any RestorePoint)? { nil }

  /// Further objects and values that can be reached from this one and may change in place.
  open var parts: [Value] { [] }

  /// How many bytes it holds beside itself.
  open var byteCount: Int { 0 }

  // MARK: Printing

  /// Whether its text is a picture of it, drawn for a terminal, in whose place a report has a better one.
  open var isPicture: Bool { false }

  /// One line, for places inside of other values.
  open func shortText(_ options: PrintOptions) -> String { "<\(typeName)>" }

  /// What the prompt and `print` show; may have several lines.
  open func text(_ options: PrintOptions) -> String { shortText(options) }
}
