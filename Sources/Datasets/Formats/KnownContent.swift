import Base
import Tensors

/// Content that is recognised by its length and CRC-32: the parts of published data sets.
///
/// Files of one data set are often saved under the names of another (Fashion-MNIST has those of MNIST), and everything
/// still seems to work. One that is known to be something else is refused; one of the right size that is not known is
/// taken to be altered, which the name of the data set then says.
enum KnownContent {
  /// Refuses content that is known to be something else than expected.
  ///
  /// - Parameter crc: nil where it was not computed.
  /// - Returns: true where the expected content is known and this, of the same length, is not it.
  static func isAltered(_ path: String, length: Int, crc: UInt32?, expected: String) throws(CoreError) -> Bool {
    guard let crc else { return false }
    let sameLength = table.filter { $0.length == length }
    if let known = sameLength.first(where: { $0.crc == crc }) {
      if known.description == expected { return false }
      throw .file(
        path, "holds \(known.description), not \(expected)", hint: "check which file was saved under this name")
    }
    return sameLength.contains { $0.description == expected }
  }

  private static let table: [(length: Int, crc: UInt32, description: String)] = [
    (47_040_016, 0xE9F4_D8B3, "the MNIST training images"),
    (60_008, 0xE0CB_4AD2, "the MNIST training labels"),
    (7_840_016, 0x9137_3BDF, "the MNIST test images"),
    (10_008, 0x4AB9_EFF9, "the MNIST test labels"),
    (47_040_016, 0xB4F2_9F28, "the Fashion-MNIST training images"),
    (60_008, 0x741A_4657, "the Fashion-MNIST training labels"),
    (7_840_016, 0x678F_E0B1, "the Fashion-MNIST test images"),
    (10_008, 0x8014_2C1F, "the Fashion-MNIST test labels"),
    (30_730_000, 0xB322_0C1F, "CIFAR-10 training batch 1"),
    (30_730_000, 0xC439_A348, "CIFAR-10 training batch 2"),
    (30_730_000, 0x8C6F_54F0, "CIFAR-10 training batch 3"),
    (30_730_000, 0x1977_7D49, "the CIFAR-10 test batch"),
  ]
}
