import Base
import Tensors

/// Handwritten digits, 8×8 grey, ten classes, 1,797 images: small enough to train on in a second or two.
///
/// Pixel values 0…16 become 0…1 (divided by 16 in float32).
///
/// - Parameter file: lines of 64 pixels (0–16, row by row) and the label, separated by commas; plain or gzip.
/// - Throws: `io` where the file cannot be read, and for the first line that is not as it should be.
///
/// Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits", UCI, 1998 (test part).
public func digits(file path: String) throws(CoreError) -> Dataset {
  let expected = "lines of 64 pixels from 0 to 16 and a label from 0 to 9, separated by commas"
  let reader = try FileReader(path, expected: expected)
  let content = try reader.next(1 << 24)
  guard try reader.isAtEnd() else { throw .file(path, "is too large", hint: "expected \(expected)") }

  var values: [Float] = []
  var labels: [Int] = []
  for (number, line) in content.split(separator: 0x0A, omittingEmptySubsequences: true).enumerated() {
    let line = line.last == 0x0D ? line.dropLast() : line
    let fields = line.split(separator: 0x2C, omittingEmptySubsequences: false).map(smallInteger)
    let pixels = fields.dropLast()
    guard fields.count == 65, pixels.allSatisfy({ $0.map { $0 <= 16 } ?? false }), let label = fields[64], label <= 9
    else {
      if number == 0, let kind = FileKind(content[...], size: content.count), kind != .text {
        throw .file(path, "is \(kind.rawValue)", hint: "expected \(expected)")
      }
      throw .file(path, "is not right in line \(number + 1)", hint: "expected \(expected)")
    }
    values += pixels.map { Float($0 ?? 0) / 16 }
    labels.append(label)
  }
  guard !labels.isEmpty else { throw .file(path, "has no lines", hint: "expected \(expected)") }
  return Dataset(
    name: "digits", classNames: (0...9).map(String.init), labels: labels, ids: Array(labels.indices),
    source: InMemoryImages(floats: values, shape: [1, 8, 8]))
}

/// One or two ASCII digits as a number.
private func smallInteger(_ digits: ArraySlice<UInt8>) -> Int? {
  guard (1...2).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
  return digits.reduce(0) { $0 * 10 + Int($1) - 0x30 }
}
