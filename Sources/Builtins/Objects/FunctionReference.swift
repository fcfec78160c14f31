import Base
import Interpreter

/// A function of the language as the setting of a value that the core works with: an attack, a method.
///
/// It belongs to the thread of its session, as all values of the language do.
final class FunctionReference: SettingReference {
  private let function: Value
  private unowned let session: Session

  init(_ function: Value, _ session: Session) {
    self.function = function
    self.session = session
  }

  func callAsFunction(_ arguments: Value...) throws -> Value { try session.invoke(function, arguments) }

  private var value: FunctionValue? { if case .function(let value) = function { value } else { nil } }

  /// Its name; one without a name cannot be typed.
  var settingName: String { value.flatMap { $0.isNamed ? $0.name : nil } ?? "…" }
  /// Its name and digits of what is written in it: not of what it calls and what it knows from outside.
  var settingIdentity: String {
    var hash = Hash64()
    hash.absorb(value?.text ?? "")
    return "function \(settingName)#\(hash.digits)"
  }
  var isLasting: Bool { false }

  func isSame(as other: any SettingReference) -> Bool {
    guard let value, let other = (other as? FunctionReference)?.value else { return false }
    return value.isSame(as: other)
  }
}

/// A function that belongs to an object, such as `oracle.gradient`.
final class HostFunction: HostObject {
  private let signature: CallSignature
  private let body: (Call) throws -> Value

  init(_ signature: CallSignature, _ body: @escaping (Call) throws -> Value) {
    self.signature = signature
    self.body = body
  }

  override class var typeName: String { "function" }
  override var callSignature: CallSignature? { signature }
  override func call(_ call: Call) throws -> Value { try body(call) }
  override func shortText(_ options: PrintOptions) -> String { "<function \(signature.name)>" }
}
