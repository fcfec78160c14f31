import Base
import Foundation
import Testing

/// Numbers as text, and float32 as the numbers that were typed.
@Suite struct NumberTextTests {
  @Test func shortest() {
    for (number, text) in [
      (3.0, "3"), (-0.0, "0"), (0.1, "0.1"), (1e17, "1e+17"), (-2e14, "-200000000000000"), (.infinity, "inf"),
    ] as [(Double, String)] {
      #expect(number.shortest == text)
    }
    for (number, text) in [
      (8.0 / 255, "8/255"), (0.5 / 255, "0.5/255"), (0.1, "0.1"), (0, "0"), (1, "1"), (0.3 / 255, "\(0.3 / 255)"),
      (-8 / 255, "\(-8.0 / 255)"),
    ] as [(Double, String)] {
      #expect(number.asRadius == text)
    }
  }

  /// The quick way to few decimals gives what C's printf does, to the last digit and half to even.
  @Test func printedIsAsInC() {
    var numbers: [Double] = [
      0, -0.0, 0.5, 1.5, 2.5, 0.125, 0.375, 1e15, 1e300, .leastNonzeroMagnitude, .infinity, -.infinity, 9.995, 99.5,
    ]
    var stream = SystemRandomNumberGenerator()
    numbers += (0..<2000).map { _ in Double.random(in: -1000...1000, using: &stream) }
    numbers += (0..<2000).map { _ in Double(bitPattern: .random(in: 0...UInt64.max, using: &stream)) }
    numbers += (0..<2000).map { _ in Double(Int.random(in: -9999...9999, using: &stream)) / 16 }
    for number in numbers where !number.isNaN {
      for digits in [0, 1, 2, 3, 6, 9, 12] {
        #expect(number.fixed(digits) == String(format: "%.\(digits)f", number))
        #expect(number.general(digits) == String(format: "%.\(digits)g", number))
        #expect(number.printed("E", digits, alternate: true) == String(format: "%#.\(digits)E", number))
      }
    }
    #expect(Double.greatestFiniteMagnitude.fixed(.max).count == 309 + 1 + 1000)
    #expect(1.0.fixed(-3) == "1")
  }

  @Test func greyLevels() {
    let levels = (0...1020).map { Double($0) / 4 }
    for level in levels {
      #expect(Float(level / 255).asTyped == level / 255, "\(level)/255")
      #expect(Float(-level / 255).asTyped == -level / 255, "-\(level)/255")
    }
    // As the language divides: in float32.
    let divided = (0...1020).map { (i: Int) -> Double in (Float(i) / 4 / 255).asTyped }
    let expected = levels.map { (level: Double) -> Double in level / 255 }
    #expect(divided == expected)
  }

  @Test func decimals() {
    for places in 0...5 {
      let unit = (0..<places).reduce(1.0) { power, _ in power * 10 }
      for digits in 0..<100_000 {
        let typed = Double(digits) / unit
        #expect(Float(typed).asTyped == typed)
        #expect(Float(-typed).asTyped == -typed)
      }
    }
    // Of six places, a few are the same float32 as a grey level, which is taken.
    var levels = 0
    for digits in 0..<1_000_000 {
      let typed = Double(digits) / 1e6
      let read = Float(typed).asTyped
      if read == typed { continue }
      levels += 1
      #expect((read * 1020).rounded() / 4 / 255 == read, "\(typed)")
    }
    #expect(levels < 40)
  }

  @Test func scientific() {
    for exponent in -37...37 {
      for digits in ["1", "2.5", "1.25", "9.99999"] {
        let text = "\(digits)e\(exponent)"
        #expect(Float(text)!.asTyped == Double(text)!, "\(text)")
      }
    }
  }

  /// Nothing is lost: it is the same float32 again, and the shortest decimal but for grey levels.
  @Test func anyFloat() throws {
    var stream = SystemRandomNumberGenerator()
    var floats: [Float] = (1...1000).map { 1 / Float($0) }
    floats += (0..<100_000).map { _ in Float(bitPattern: .random(in: 0...UInt32.max, using: &stream)) }
    floats += (0..<100_000).map { _ in .random(in: 0...1, using: &stream) }
    floats += [0, -0.0, 1, .leastNonzeroMagnitude, .leastNormalMagnitude, .greatestFiniteMagnitude, 0x1p24, 0x1p24 + 2]
    for float in floats where float.isFinite {
      let typed = float.asTyped
      #expect(Float(typed).bitPattern == float.bitPattern, "\(float)")
      let isLevel = (typed * 1020).rounded() / 4 / 255 == typed
      #expect(isLevel || typed == Double(float.description)!, "\(float)")
      #expect(float.nextUp.asTyped > typed, "\(float)")
    }
    #expect(Float.infinity.asTyped == .infinity)
    #expect(Float.nan.asTyped.isNaN)
  }
}
