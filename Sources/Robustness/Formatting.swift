extension Double {
  /// Without ".0" where it is whole.
  var shortest: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }

  /// To this many places after the point.
  func rounded(to places: Int) -> Double {
    let scale = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
    return (self * scale).rounded() / scale
  }

  /// As a multiple of 1/255 where it is one and no short decimal.
  var asRadius: String {
    let scaled = self * 255
    let whole = scaled.rounded()
    let isDecimal = abs(self * 1000 - (self * 1000).rounded()) < 1e-9
    guard !isDecimal, abs(scaled - whole) < 1e-9, whole >= 1, whole <= 255 else { return shortest }
    return "\(Int(whole))/255"
  }
}
