import Base
import Networks
import Tensors

/// A value that is made by a call and prints as that call, such as `pgd(eps=8/255, steps=20)`: attacks and methods.
///
/// The list of settings is the one place that names them: printing, equality and the checks of each follow from it.
public protocol Configurable: CustomStringConvertible {
  /// The built-in that makes it.
  static var name: String { get }
  /// In the order of the call.
  var settings: [Setting] { get }
  /// Checks what single settings cannot tell, such as two that exclude each other.
  func validateTogether() throws(CoreError)
}

extension Configurable {
  public func validateTogether() throws(CoreError) {}

  /// As it could be typed.
  public var description: String {
    "\(Self.name)(\(settings.filter(\.isShown).map(\.description).joined(separator: ", ")))"
  }

  /// Checks the settings; the error names the one at fault.
  public func validate() throws(CoreError) {
    for setting in settings { try setting.rule?.check(setting.value, name: setting.name, of: Self.name) }
    try validateTogether()
  }

  /// Whether the other is of the same kind and has the same settings.
  public func isEqual(to other: any Configurable) -> Bool {
    guard type(of: other) == Self.self else { return false }
    return zip(settings, other.settings).allSatisfy { $0.value == $1.value }
  }
}

/// One setting of a `Configurable`: its name, its value, what is allowed, and when it is printed.
public struct Setting: CustomStringConvertible {
  public enum Value: Equatable {
    /// Left out: whoever uses the value decides.
    case unset
    case flag(Bool)
    case int(Int)
    case number(Double)
    /// In units of the [0, 1] image; prints as k/255 where it is one.
    case radius(Double)
    case text(String)
    case model(Model)

    public static func == (a: Value, b: Value) -> Bool {
      switch (a, b) {
      case (.unset, .unset): true
      case (.flag(let a), .flag(let b)): a == b
      case (.int(let a), .int(let b)): a == b
      case (.number(let a), .number(let b)), (.radius(let a), .radius(let b)): a == b
      case (.text(let a), .text(let b)): a == b
      // Models are references, equal where training one changes the other and both give the same logits.
      case (.model(let a), .model(let b)): a.sharesWeights(with: b) && a.temperature == b.temperature
      default: false
      }
    }
  }

  public var name: String
  public var value: Value
  /// Not printed when it has this value.
  var usual: Value?
  var rule: Rule?

  /// - Parameter usual: the value that goes without saying; nil prints it always.
  public init(_ name: String, _ value: Value, usual: Value? = nil, _ rule: Rule? = nil) {
    self.name = name
    self.value = value
    self.usual = usual
    self.rule = rule
  }

  var isShown: Bool { value != usual }

  public var description: String {
    switch value {
    case .unset: "\(name)=none"
    case .flag(let flag): "\(name)=\(flag)"
    case .int(let number): "\(name)=\(number)"
    case .number(let number): "\(name)=\(number.shortest)"
    case .radius(let radius): "\(name)=\(radius.asRadius)"
    case .text(let text): "\(name)=\"\(text)\""
    case .model(let model): model.name
    }
  }
}

extension Setting {
  /// What a value must be. Numbers are used in float32: one that is 0 or infinite there is refused.
  public enum Rule {
    case radius
    case int(ClosedRange<Int>, hint: String)
    case positive(hint: String)
    case atLeastZero(hint: String)
    case share(hint: String)

    func check(_ value: Value, name: String, of owner: String) throws(CoreError) {
      switch (self, value) {
      case (.radius, .radius(let eps)): try requireRadius(eps)
      case (.int(let range, let hint), .int(let number)) where !range.contains(number):
        throw CoreError(
          .value, "\(name) of \(owner) must be from \(range.lowerBound) to \(range.upperBound), not \(number)",
          hint: hint, argument: name)
      case (.positive(let hint), .number(let number)), (.positive(let hint), .radius(let number)):
        guard Float(number) > 0, Float(number).isFinite else {
          throw CoreError(
            .value, "\(name) of \(owner) must be a positive float32 number, not \(number)", hint: hint, argument: name)
        }
      case (.atLeastZero(let hint), .number(let number)):
        guard number >= 0, Float(number).isFinite else {
          throw CoreError(
            .value, "\(name) of \(owner) must be a finite float32 number of at least 0, not \(number)", hint: hint,
            argument: name)
        }
      case (.share(let hint), .number(let number)):
        guard number >= 0, number <= 1 else {
          throw CoreError(
            .value, "\(name) of \(owner) must be from 0 to 1, not \(number)", hint: hint, argument: name)
        }
      default: break
      }
    }
  }
}

func requireRadius(_ eps: Double) throws(CoreError) {
  guard eps >= 0, Float(eps).isFinite else {
    throw CoreError(
      .value, "eps must be a finite float32 number of at least 0, not \(eps)",
      hint: "for instance eps=8/255, with images in [0, 1]", argument: "eps")
  }
  guard eps <= 1 else {
    throw CoreError(
      .value, "eps is in units of the [0, 1] image, where \(eps) is more than everything",
      hint: "a radius in grey levels is divided by 255: eps=8/255", argument: "eps")
  }
}
