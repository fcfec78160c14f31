import Base
import Networks
import Tensors

/// How far logits are softened before they become labels: a rule that finds the temperature, the number by which they
/// are divided.
///
/// It is one idea for all that softens. One number is the usual one; a rule finds a temperature for each image, or another
/// in each epoch. Every method that distils takes either as one argument, and so does `soften`; none of them knows
/// which it has. To add a rule, write a type that conforms to this protocol, and put it into `SofteningRules.all`.
public protocol SofteningRule: Configurable, Sendable {
  /// What these logits [n, classes] are divided by.
  ///
  /// - Parameter position: where the run stands; nil outside of a run.
  /// - Throws: `value` where the rule does not hold for so many classes, or needs a run.
  func softness(of logits: Tensor, at position: TrainingPosition?) throws(CoreError) -> Softness
  /// Whether a student that is softened as well has the temperatures of its own logits, with gradients through them;
  /// else it has those of its teacher.
  var isOwnOfEach: Bool { get }
  /// Checks the rule before anything is softened.
  ///
  /// - Throws: `value` where no logits of so many classes can be softened so; its argument is "temperature".
  func validate(classes: Int) throws(CoreError)
}

extension SofteningRule {
  /// A student has the temperatures of its teacher.
  public var isOwnOfEach: Bool { false }
  /// Most rules are for any number of classes.
  public func validate(classes: Int) throws(CoreError) {}
}

/// The list of the rules.
public enum SofteningRules {
  /// Every rule, in the order of the manual.
  public static let all: [any SofteningRule.Type] = [ToEntropy.self, Standardised.self, Annealed.self]
}

/// What logits are divided by: one temperature for all images, or one for each.
public enum Softness {
  /// The same for all, above 0, times `scale` for what the loss is multiplied by.
  case one(Double)
  /// One for each, [n, 1]; losses that are multiplied by a squared temperature take that of `scale`, or where it is nil
  /// each its own.
  case each(Tensor, scale: Double?)

  /// softmax(logits / T), [n, classes].
  public func softmax(_ logits: Tensor) throws(CoreError) -> Tensor {
    switch self {
    case .one(let temperature): try logits.softmax(temperature: Float(temperature))
    case .each(let temperatures, _): try (logits / temperatures).softmax()
    }
  }

  /// log softmax(logits / T), [n, classes].
  public func logSoftmax(_ logits: Tensor) throws(CoreError) -> Tensor {
    switch self {
    case .one(let temperature): try logits.logSoftmax(temperature: Float(temperature))
    case .each(let temperatures, _): try (logits / temperatures).logSoftmax()
    }
  }

  /// That of some examples.
  func rows(of examples: [Int]) throws(CoreError) -> Softness {
    guard case .each(let temperatures, let scale) = self else { return self }
    return .each(try temperatures.rows(of: examples), scale: scale)
  }

  /// Losses of examples [n], times T².
  public func timesSquare(_ losses: Tensor) throws(CoreError) -> Tensor {
    switch self {
    case .one(let temperature): try losses * Float(temperature * temperature)
    case .each(_, let scale?): try losses * Float(scale * scale)
    case .each(let temperatures, nil): try losses * temperatures.detached().square().reshape([losses.count])
    }
  }
}

/// The temperature of a teacher as a setting: a number, or a rule.
public enum Temperature: Sendable {
  /// The same for all images, above 0.
  case fixed(Double)
  /// What a rule finds.
  case rule(any SofteningRule)

  /// What these logits [n, classes] are divided by.
  public func softness(of logits: Tensor, at position: TrainingPosition?) throws(CoreError) -> Softness {
    switch self {
    case .fixed(let temperature): .one(temperature)
    case .rule(let rule): try rule.softness(of: logits, at: position)
    }
  }

  /// What the logits of a student are divided by, whose teacher has this softness, where both are softened.
  public func softness(
    of student: Tensor, taughtBy teacher: Softness, at position: TrainingPosition?
  ) throws(CoreError) -> Softness {
    guard case .rule(let rule) = self, rule.isOwnOfEach else { return teacher }
    return try rule.softness(of: student, at: position)
  }

  /// Checks the temperature before anything is softened.
  ///
  /// - Throws: `value` where no logits of so many classes can be softened so.
  public func validate(classes: Int) throws(CoreError) {
    if case .rule(let rule) = self { try rule.validate(classes: classes) }
  }
}

extension Temperature: ExpressibleByFloatLiteral, ExpressibleByIntegerLiteral {
  /// The same temperature for all images.
  public init(floatLiteral value: Double) { self = .fixed(value) }
  /// The same temperature for all images.
  public init(integerLiteral value: Int) { self = .fixed(Double(value)) }
}

extension Setting {
  /// A temperature, which is a number or a rule.
  ///
  /// - Parameters:
  ///   - path: the property.
  ///   - name: "temperature", or what else the method calls it.
  ///   - hint: what to type for a usual one: "temperature=5".
  static func temperature(
    _ path: WritableKeyPath<Owner, Temperature> & Sendable, named name: String = "temperature", hint: String,
    note: String
  ) -> Setting {
    let rules = SofteningRules.all.map { "\($0.name)(…)" }.joined(separator: ", ")
    return Setting(
      name, type: "float | temperature", expected: "a positive number or a rule (\(rules))", hint: hint,
      note: "\(note) A number, or a rule: \(rules).", isAlwaysShown: true,
      read: { owner in
        switch owner[keyPath: path] {
        case .fixed(let temperature): .number(temperature)
        case .rule(let rule): .configured(rule)
        }
      },
      write: { owner, value in
        if case .configured(let made) = value, let rule = made as? any SofteningRule {
          owner[keyPath: path] = .rule(rule)
        } else if let number = Double(setting: value) {
          owner[keyPath: path] = .fixed(number)
        } else {
          return false
        }
        return true
      },
      check: { (owner) throws(CoreError) in
        switch owner[keyPath: path] {
        case .fixed(let temperature): try requireTemperature(temperature, name: name, of: Owner.name, hint: hint)
        case .rule(let rule): try rule.validate()
        }
      })
  }
}

/// Checks a temperature.
///
/// - Throws: `value` unless logits can be divided by it in float32: it and its reciprocal are positive and finite.
func requireTemperature(_ temperature: Double, name: String, of owner: String, hint: String) throws(CoreError) {
  let value = Float(temperature)
  guard value > 0, value.isFinite, (1 / value).isFinite else {
    throw CoreError(
      .value, "\(name) of \(owner) must be a positive float32 number, not \(temperature.shortest)", hint: hint,
      argument: name)
  }
}
