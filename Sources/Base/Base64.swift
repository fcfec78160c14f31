/// Bytes as the letters of base64, with its padding.
package func base64(_ bytes: [UInt8]) -> [UInt8] {
  let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  var text: [UInt8] = []
  text.reserveCapacity((bytes.count + 2) / 3 * 4)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let rest = min(3, bytes.count - start)
    var word = UInt32(bytes[start]) << 16
    if rest > 1 { word |= UInt32(bytes[start + 1]) << 8 }
    if rest > 2 { word |= UInt32(bytes[start + 2]) }
    for k in 0..<4 {
      text.append(k <= rest ? letters[Int(word >> UInt32(18 - 6 * k) & 63)] : UInt8(ascii: "="))
    }
  }
  return text
}
