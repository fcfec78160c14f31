import Base
import Tensors

/// A setting of an operation.
public enum Attribute: Sendable, Equatable {
  case number(Double)
  case flag(Bool)
  case text(String)
  case list([Int])
}

extension Attribute: ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral,
  ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .flag(value) }
  public init(stringLiteral value: String) { self = .text(value) }
  public init(arrayLiteral elements: Int...) { self = .list(elements) }
}

extension Attribute: CustomStringConvertible {
  public var description: String {
    switch self {
    case .number(let value): Int(exactly: value).map(String.init) ?? "\(value)"
    case .flag(let value): "\(value)"
    case .text(let value): value
    case .list(let values): "\(values)"
    }
  }
}

/// The settings of one case, named as in the reference vectors; a size is a number, or a list of one, two or four.
public struct Attributes: Sendable, ExpressibleByDictionaryLiteral, CustomStringConvertible {
  let all: [String: Attribute]

  public init(_ values: [String: Attribute]) { all = values }

  public init(dictionaryLiteral elements: (String, Attribute)...) {
    all = Dictionary(elements) { _, last in last }
  }

  public var description: String {
    all.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
  }

  func float(_ key: String, _ standard: Double) -> Float { Float(double(key, standard)) }

  func double(_ key: String, _ standard: Double) -> Double {
    switch all[key] {
    case .number(let value): value
    case .text(let text): Double(text) ?? .nan
    default: standard
    }
  }

  func flag(_ key: String, _ standard: Bool) -> Bool { if case .flag(let value) = all[key] { value } else { standard } }

  func text(_ key: String) -> String? { if case .text(let value) = all[key] { value } else { nil } }

  func ints(_ key: String) -> [Int]? {
    switch all[key] {
    case .number(let value): [Int(value)]
    case .list(let values): values
    default: nil
    }
  }

  func int(_ key: String) -> Int? { ints(key)?.first }

  func pair(_ key: String) -> (Int, Int)? {
    guard let list = ints(key), let first = list.first else { return nil }
    return (first, list.count > 1 ? list[1] : first)
  }

  var padding: Padding {
    let list = ints("padding_top_bottom_left_right") ?? ints("padding") ?? [0]
    switch list.count {
    case 4: return Padding(top: list[0], bottom: list[1], left: list[2], right: list[3])
    case 2: return Padding(top: list[0], bottom: list[0], left: list[1], right: list[1])
    default: return Padding(list.first ?? 0)
    }
  }

  /// `standard` where the case does not say.
  func reduction(_ standard: LossReduction) throws -> LossReduction {
    guard let text = text("reduction") else { return standard }
    guard let reduction = LossReduction(rawValue: text) else { throw CoreError(.value, "unknown reduction \(text)") }
    return reduction
  }
}
