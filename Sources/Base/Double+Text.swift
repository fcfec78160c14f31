extension Double {
  /// Without ".0" where it is whole.
  package var shortest: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }

  /// To this many places after the point.
  package func rounded(to places: Int) -> Double {
    let scale = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
    return (self * scale).rounded() / scale
  }

  /// As a multiple of 1/255 where it is one and no short decimal.
  package var asRadius: String {
    let isDecimal = abs(self * 1000 - (self * 1000).rounded()) < 1e-9
    return isDecimal ? shortest : greyLevels ?? shortest
  }

  /// As a multiple of 1/255, such as `8/255` or `0.5/255`, where it is one but for rounding errors: in whole levels or
  /// quarters of one, up to 255.
  public var greyLevels: String? {
    let level = (self * 1020).rounded() / 4
    guard level > 0, level <= 255, abs(level / 255 - self) <= 4 * ulp else { return nil }
    return "\(level.shortest)/255"
  }
}
