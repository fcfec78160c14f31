import Base
import Tensors

// What tells one model from another. Within a process two models are the same where they share weights and temperature,
// so that two methods with the same teacher are equal. In a record, which outlives the process, a model is its name and
// a fingerprint of everything that decides its logits.

extension Model: SettingReference {
  /// How the model prints within a call that holds it.
  public var settingName: String { name }

  /// The name and the fingerprint of its weights, in records: "smallcnn#9f86d081884c7d65".
  public var settingIdentity: String { "\(name)#\(fingerprint)" }

  /// Whether training one changes the other and both give the same logits.
  public func isSame(as other: any SettingReference) -> Bool {
    guard let other = other as? Model else { return false }
    return sharesWeights(with: other) && temperature == other.temperature && straight == other.straight
  }

  /// 16 hexadecimal digits made of the architecture, the temperature and every bit of the weights and running
  /// statistics: equal for equal models, on any machine. It is no protection against a forger.
  public var fingerprint: String {
    var hash = Hash64()
    hash.absorb(architecture.call)
    hash.absorb(UInt64(temperature.bitPattern))
    for layer in straight { hash.absorb(layer) }
    for (name, tensor) in state {
      hash.absorb(name)
      if tensor.dtype == .float32 {
        for value in tensor.floats() { hash.absorb(UInt64(value.bitPattern)) }
      } else {
        for value in tensor.ints() { hash.absorb(UInt64(bitPattern: Int64(value))) }
      }
    }
    return hash.digits
  }
}
