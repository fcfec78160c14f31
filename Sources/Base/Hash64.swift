/// The hash of Fowler, Noll and Vo (FNV-1a) over words instead of bytes: for fingerprints of models and data, which are
/// compared and printed. It is quick and the same on every machine, and no protection against a forger.
package struct Hash64 {
  private var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  /// Takes on a word.
  package mutating func absorb(_ word: UInt64) {
    value = (value ^ word) &* 0x100_0000_01B3
    value ^= value >> 32
  }

  /// Takes on a string, with its end.
  package mutating func absorb(_ text: String) {
    for byte in text.utf8 { absorb(UInt64(byte)) }
    absorb(0xFF)
  }

  /// The hash as 16 hexadecimal digits.
  package var digits: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}
