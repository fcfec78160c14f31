import Platform

/// Natural exponential and logarithm of plain numbers, under names that tensors do not have.
func exponential(_ x: Double) -> Double { exp(x) }
func logarithm(_ x: Double) -> Double { log(x) }

/// A number with so many digits after the point.
func formatFixed(_ value: Double, digits: Int) -> String { formatted("%.*f", value, digits) }

/// A number with so many significant digits, without needless zeros.
func formatGeneral(_ value: Double, digits: Int) -> String { formatted("%.*g", value, digits) }

private func formatted(_ format: String, _ value: Double, _ digits: Int) -> String {
  var buffer = [CChar](repeating: 0, count: 400)
  let count = withVaList([Int32(min(max(digits, 0), 60)), value]) { vsnprintf(&buffer, buffer.count, format, $0) }
  return String(
    decoding: buffer.prefix(max(0, min(Int(count), buffer.count - 1))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
