/// A value of the language: 16 bytes, so that every kind that needs more is one final class behind a reference.
///
/// Lists, records and strings have value semantics: a holder that is the only one changes its storage in place, any other
/// copies it first. Host objects decide for themselves; tensors are values, models are references.
/// Values belong to the thread that evaluates: they may be handed to another thread, not shared with it.
public enum Value: @unchecked Sendable {
  case none
  case bool(Bool)
  case int(Int)
  case float(Double)
  case string(StringValue)
  case list(ListValue)
  case record(RecordValue)
  case range(RangeValue)
  case function(FunctionValue)
  case object(HostObject)
  case error(ErrorValue)
  case module(ModuleValue)
}

extension Value {
  /// A bool.
  public init(_ value: Bool) { self = .bool(value) }
  /// An int.
  public init(_ value: Int) { self = .int(value) }
  /// A float.
  public init(_ value: Double) { self = .float(value) }
  /// A string.
  public init(_ text: String) { self = .string(StringValue(text)) }
  /// A list of values.
  public init(_ items: [Value]) { self = .list(ListValue(items)) }
  /// A list of floats.
  public init(_ numbers: [Double]) { self = .list(ListValue(numbers.map { .float($0) })) }
  /// A list of ints.
  public init(_ numbers: [Int]) { self = .list(ListValue(numbers.map { .int($0) })) }
  /// A list of strings.
  public init(_ texts: [String]) { self = .list(ListValue(texts.map { Value($0) })) }
  /// A record with these fields in this order; a later field of the same name replaces the earlier one.
  public init(fields: [(String, Value)]) { self = .record(.make(fields)) }
  /// A tensor, a model or another object of the host.
  public init(_ object: HostObject) { self = .object(object) }

  /// The name of the type as the language prints it.
  public var typeName: String {
    switch self {
    case .none: "none"
    case .bool: "bool"
    case .int: "int"
    case .float: "float"
    case .string: "string"
    case .list: "list"
    case .record: "record"
    case .range: "range"
    case .function: "function"
    case .object(let object): object.typeName
    case .error: "error"
    case .module: "module"
    }
  }

  /// Whether it is `none`.
  public var isNone: Bool { if case .none = self { true } else { false } }
  /// The bool, if it is one.
  public var asBool: Bool? { if case .bool(let value) = self { value } else { nil } }
  var asFunction: FunctionValue? { if case .function(let value) = self { value } else { nil } }
  var isModule: Bool { if case .module = self { true } else { false } }
  /// The int, if it is one.
  public var asInt: Int? { if case .int(let value) = self { value } else { nil } }
  /// The number as a `Double`, for an int or a float.
  public var asDouble: Double? {
    switch self {
    case .int(let value): Double(value)
    case .float(let value): value
    default: nil
    }
  }
  /// The string, if it is one.
  public var asString: String? { if case .string(let box) = self { box.text } else { nil } }
  /// The elements, if it is a list.
  public var asList: [Value]? { if case .list(let box) = self { box.items } else { nil } }
  /// The record, if it is one.
  public var asRecord: RecordValue? { if case .record(let box) = self { box } else { nil } }
  /// The object of the host, if it is one.
  public var asObject: HostObject? { if case .object(let object) = self { object } else { nil } }

  /// True for an int or a float, also one through which a gradient is followed.
  public var isNumber: Bool {
    switch self {
    case .int, .float: true
    case .object: isFollowed
    default: false
    }
  }

  /// Whether this is a number through which a gradient is followed.
  @inline(__always)
  public var isFollowed: Bool { if case .object(let object) = self { object.plainNumber != nil } else { false } }

  /// A number through which a gradient is followed as the plain float that it is elsewhere; other values as they are.
  @inline(__always)
  public var plain: Value {
    if case .object(let object) = self, let number = object.plainNumber { .float(number) } else { self }
  }
}

extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral, ExpressibleByNilLiteral
{
  /// A bool written in Swift.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// An int written in Swift.
  public init(integerLiteral value: Int) { self = .int(value) }
  /// A float written in Swift.
  public init(floatLiteral value: Double) { self = .float(value) }
  /// A string written in Swift.
  public init(stringLiteral value: String) { self = .string(StringValue(value)) }
  /// A list written in Swift.
  public init(arrayLiteral elements: Value...) { self = .list(ListValue(elements)) }
  /// A record written in Swift, its fields in order.
  public init(dictionaryLiteral elements: (String, Value)...) { self = .record(.make(elements)) }
  /// `none`, written as nil in Swift.
  public init(nilLiteral: ()) { self = .none }
}
