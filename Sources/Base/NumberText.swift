import Platform

// Numbers as text: the only place where digits are chosen. `description` is the fewest digits that name a number, with
// ".0" where it is whole, and what files and the language write. `shortest` leaves the ".0" out, for sentences and
// settings; `asRadius` writes multiples of 1/255 as such; `printed` has C's forms with a number of digits that the
// caller chooses, for columns; `grouped` sets off the thousands of a count. `asTyped` gives the double that a float32 was made from.

extension Double {
  /// The fewest digits that name the number, without ".0" where it is whole: `3`, `0.1`.
  package var shortest: String { self == rounded() && abs(self) < 1e15 ? String(Int(self)) : String(self) }

  /// The number as a multiple of 1/255 where it is one and no short decimal, else as `shortest`: `8/255`, `0.1`.
  package var asRadius: String {
    let isDecimal = abs(self * 1000 - (self * 1000).rounded()) < 1e-9
    return isDecimal ? shortest : greyLevels ?? shortest
  }

  /// The number as a multiple of 1/255, such as `8/255` or `0.5/255`, where it is one but for rounding errors: in whole
  /// levels or quarters of one, above 0 and up to 255. nil for any other number.
  public var greyLevels: String? {
    let level = (self * 1020).rounded() / 4
    guard level > 0, level <= 255, abs(level / 255 - self) <= 4 * ulp else { return nil }
    return "\(level.shortest)/255"
  }

  /// The nearest number with this many places after the point.
  package func rounded(to places: Int) -> Double {
    let scale = (0..<places).reduce(1.0) { factor, _ in factor * 10 }
    return (self * scale).rounded() / scale
  }

  /// The number with this many places after the point, as C's `%.*f` writes it: `0.50`.
  package func fixed(_ places: Int) -> String { printed("f", places) }

  /// The number with at most this many significant digits and no zeros at the end, as C's `%.*g` writes it: `0.5`,
  /// `1e-05`.
  package func general(_ digits: Int) -> String { printed("g", digits) }

  /// The number in a form of C's printf.
  ///
  /// - Parameters:
  ///   - form: one of `e`, `f`, `g`, `E`, `F`, `G`.
  ///   - precision: places after the point, or significant digits for `g`; at most 1000.
  ///   - alternate: whether the point and the zeros after it stay (`#`).
  package func printed(_ form: Character, _ precision: Int, alternate: Bool = false) -> String {
    if form == "f", !alternate, let text = exactlyFixed(precision) { return text }
    let format = "%\(alternate ? "#" : "").\(min(max(precision, 0), 1_000))\(form)"
    var buffer = [CChar](repeating: 0, count: 1_500)
    let count = withVaList([self]) { vsnprintf(&buffer, buffer.count, format, $0) }
    let length = min(max(Int(count), 0), buffer.count - 1)
    return String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Few decimals of a number of common size, computed exactly and rounded half to even, as printf does it but at once.
  private func exactlyFixed(_ precision: Int) -> String? {
    let magnitude = self.magnitude
    guard precision >= 0, precision <= 9, magnitude < 0x1p52, magnitude >= 0x1p-60 else { return nil }
    // magnitude = significand / 2^shift
    let shift = 52 - Int(magnitude.exponent)
    let significand = magnitude.significandBitPattern | (1 << 52)
    var unit: UInt64 = 1
    for _ in 0..<precision { unit &*= 10 }
    guard magnitude * Double(unit) < 0x1p62 else { return nil }
    let product = UInt128(significand) &* UInt128(unit)
    var scaled = UInt64(truncatingIfNeeded: product >> UInt128(shift))
    let rest = product & ((UInt128(1) << UInt128(shift)) &- 1)
    let half = UInt128(1) << UInt128(shift - 1)
    if shift > 0, rest > half || (rest == half && scaled & 1 == 1) { scaled &+= 1 }
    return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { bytes in
      var place = 40
      var digits = 0
      while scaled > 0 || digits <= precision {
        if digits == precision, precision > 0 {
          place &-= 1
          bytes[place] = UInt8(ascii: ".")
        }
        place &-= 1
        bytes[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: scaled % 10)
        scaled /= 10
        digits &+= 1
      }
      if sign == .minus {
        place &-= 1
        bytes[place] = UInt8(ascii: "-")
      }
      return String(decoding: UnsafeBufferPointer(rebasing: bytes[place...]), as: UTF8.self)
    }
  }
}

extension Float {
  /// The double that this float32 stands for: what somebody has typed, before it was rounded to float32.
  ///
  /// Quarters of a grey level, k/255 with k a multiple of 1/4 up to 255, are recognised, since radii are given in them;
  /// anything else is the shortest decimal that names the float: 0.1 rather than 0.10000000149011612. Rounded to
  /// float32 it is this float again, whatever it is, so that different floats stay different and in their order.
  public var asTyped: Double {
    if self == rounded(), abs(self) <= 0x1p24 { return Double(self) }
    guard isFinite else { return Double(self) }
    let exact = Double(self)
    if abs(exact) < 1 {
      let quarters = (exact * 1020).rounded()
      let level = quarters / 4 / 255
      if quarters != 0, Float(level) == self { return level }
    }
    return shortestDecimal(exact) ?? Double(description) ?? exact
  }

  /// The shortest decimal of a float below 2²⁴, where it has at most eleven places: up to those the products below are
  /// exact and the quotients are rounded once, so that it is the one that `description` writes, found without a string.
  private func shortestDecimal(_ exact: Double) -> Double? {
    guard abs(exact) < 0x1p24 else { return nil }
    return powersOfTen.withUnsafeBufferPointer { powers in
      func decimal(_ places: Int) -> Double? {
        let value = (exact * powers[places]).rounded(.toNearestOrEven) / powers[places]
        return Float(value) == self ? value : nil
      }
      // More places name it too: the search starts in the middle.
      var places = 6
      if var best = decimal(places) {
        while places > 1, let shorter = decimal(places - 1) { (best, places) = (shorter, places - 1) }
        return best
      }
      while places < powers.count - 1 {
        places += 1
        if let found = decimal(places) { return found }
      }
      return nil
    }
  }
}

/// The powers of ten from 1 to 10¹¹, all of them exact.
private let powersOfTen: [Double] = (0...11).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

extension Int {
  /// Digits in groups of three: 25,557,032.
  package var grouped: String {
    let digits = String(magnitude)
    var text = self < 0 ? "-" : ""
    for (i, digit) in digits.enumerated() {
      if i > 0, (digits.count - i) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }
}
