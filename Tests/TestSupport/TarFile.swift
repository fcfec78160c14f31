/// One entry of a tar archive in the form ustar: a header and the content, padded to a multiple of 512 bytes.
///
/// - Parameters:
///   - type: `0` for a file, `5` for a folder, `2` for a link, `L` for a long name, `x` for pax records.
///   - size: what the header states, where that is not the size of the content.
public func tarEntry(
  _ name: String, _ content: [UInt8] = [], type: Character = "0", target: String = "", size: Int? = nil
) -> [UInt8] {
  func field(_ text: String, _ count: Int) -> [UInt8] {
    let bytes = Array(text.utf8.prefix(count))
    return bytes + [UInt8](repeating: 0, count: count - bytes.count)
  }
  func octal(_ number: Int, _ count: Int) -> [UInt8] {
    let digits = String(number, radix: 8)
    return field(String(repeating: "0", count: max(0, count - 1 - digits.count)) + digits, count)
  }
  let start = field(name, 100) + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(size ?? content.count, 12)
  let header =
    start + octal(0, 12) + [UInt8](repeating: 0x20, count: 8) + Array(String(type).utf8) + field(target, 100)
    + Array("ustar\0".utf8) + Array("00".utf8) + [UInt8](repeating: 0, count: 247)
  return tarChecked(header) + content + [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
}

/// A header of a tar archive with its checksum.
public func tarChecked(_ header: [UInt8]) -> [UInt8] {
  var header = header
  header.replaceSubrange(148..<156, with: [UInt8](repeating: 0x20, count: 8))
  let digits = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
  let sum = Array((String(repeating: "0", count: 6 - digits.count) + digits).utf8) + [0, 0x20]
  header.replaceSubrange(148..<156, with: sum)
  return header
}

/// What ends a tar archive.
public let tarEnd = [UInt8](repeating: 0, count: 1024)

/// A tar archive of files.
public func tar(_ files: [(name: String, content: [UInt8])]) -> [UInt8] {
  files.flatMap { tarEntry($0.name, $0.content) } + tarEnd
}
