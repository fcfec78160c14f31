/// Makes a zip archive of files that are stored without compression, zip64 where the sizes need it.
///
/// The bytes depend on the names and contents alone: every file has the date 1 January 1980, so that equal content gives
/// equal archives. The content of each file can begin at a multiple of some number of bytes, as PyTorch wants it; the
/// gap is an extra field that readers pass over.
package struct ZipWriter {
  /// The pieces of the archive so far, to be written one after the other.
  private var parts: [[UInt8]] = []
  private var directory: [UInt8] = []
  private var position = 0
  private var count = 0

  /// An archive without files.
  package init() {}

  /// Adds a file.
  ///
  /// - Parameters:
  ///   - name: its name with the folders before it; the caller sees to it that there is one of each name.
  ///   - alignment: the content begins at a multiple of this number.
  package mutating func add(_ name: String, _ content: [UInt8], alignment: Int = 1) {
    let name = Array(name.utf8)
    let isLarge = content.count >= 0xFFFF_FFFF
    let isFar = position >= 0xFFFF_FFFF
    let common =
      word(isLarge || isFar ? 45 : 20, 2) + word(name.allSatisfy { $0 < 128 } ? 0 : 0x0800, 2) + word(0, 2)
      + word(0x0021 << 16, 4) + word(Int(checksum(content)), 4)
      + word(isLarge ? 0xFFFF_FFFF : content.count, 4) + word(isLarge ? 0xFFFF_FFFF : content.count, 4)
      + word(name.count, 2)
    let sizes = isLarge ? word(content.count, 8) + word(content.count, 8) : []

    var extra = isLarge ? word(1, 2) + word(16, 2) + sizes : []
    let start = position + 30 + name.count + extra.count
    if alignment > 1, start % alignment != 0 {
      var gap = alignment - start % alignment
      while gap < 4 { gap += alignment }
      extra += word(0x4246, 2) + word(gap - 4, 2) + [UInt8](repeating: 0, count: gap - 4)
    }
    let head = word(0x0403_4B50, 4) + common + word(extra.count, 2) + name + extra
    parts += [head, content]

    let far = isFar ? word(position, 8) : []
    let wide = sizes.isEmpty && far.isEmpty ? [] : word(1, 2) + word(sizes.count + far.count, 2) + sizes + far
    directory += word(0x0201_4B50, 4) + word(45, 2) + common + word(wide.count, 2) + word(0, 2) + word(0, 2)
    directory += word(0, 2) + word(0, 4) + word(isFar ? 0xFFFF_FFFF : position, 4) + name + wide
    position += head.count + content.count
    count += 1
  }

  /// The pieces of the whole archive.
  package func finished() -> [[UInt8]] {
    var end: [UInt8] = []
    if count >= 0xFFFF || position >= 0xFFFF_FFFF || directory.count >= 0xFFFF_FFFF {
      end += word(0x0606_4B50, 4) + word(44, 8) + word(45, 2) + word(45, 2) + word(0, 4) + word(0, 4)
      end += word(count, 8) + word(count, 8) + word(directory.count, 8) + word(position, 8)
      end += word(0x0706_4B50, 4) + word(0, 4) + word(position + directory.count, 8) + word(1, 4)
    }
    end += word(0x0605_4B50, 4) + word(0, 4) + word(min(count, 0xFFFF), 2) + word(min(count, 0xFFFF), 2)
    end += word(min(directory.count, 0xFFFF_FFFF), 4) + word(min(position, 0xFFFF_FFFF), 4) + word(0, 2)
    return parts + [directory, end]
  }

  private func word(_ value: Int, _ size: Int) -> [UInt8] {
    (0..<size).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
