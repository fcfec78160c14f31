/// The files in a tar archive, plain or compressed with gzip, one after the other from front to back.
///
/// Reads what tar programs write: the old form, ustar, GNU (long names, large sizes) and pax (`path`, `size`). The
/// checksum of every header is compared, an archive that ends early is an error, and nothing is taken into memory
/// beyond what a caller asks for. Names are only told, never followed: nothing is written here, and whoever writes
/// files under them looks at `hasSafeName` first. Links, devices and the like are told apart by their kind and have no
/// content.
package final class TarArchive {
  /// What an entry stands for.
  package enum Kind: Sendable {
    /// An ordinary file, the one kind that has content.
    case file
    /// A folder.
    case folder
    /// A link, symbolic or hard.
    case link
    /// A device, a pipe, or something that is not known.
    case other
  }

  /// A file, folder or other thing in the archive.
  package struct Entry: Sendable {
    /// Its path in the archive, as the archive says it, such as `cifar-10-batches-bin/test_batch.bin`.
    package let name: String
    /// What it is.
    package let kind: Kind
    /// How many bytes its content has.
    package let size: Int

    /// Whether the name stays within a folder that it is put in: no `..`, no beginning with `/`, no zero byte.
    package var hasSafeName: Bool {
      let parts = name.split(separator: "/", omittingEmptySubsequences: false)
      return !name.utf8.contains(0) && !parts.dropLast().contains("") && !parts.contains("..") && parts.first != ""
    }
  }

  /// The path of the archive.
  package let path: String
  private let file: FileReader
  /// How many bytes of the content of the current entry are still to come.
  package private(set) var remaining = 0
  /// The zero bytes after the content, up to a multiple of 512.
  private var padding = 0
  private var isFinished = false

  private static let block = 512
  /// The longest name, or list of pax records, that is taken.
  private static let longestText = 1 << 20

  /// Begins to read an archive at its front.
  package init(_ file: FileReader) {
    path = file.path
    self.file = file
  }

  /// The next entry, after whatever was not read of the last one; nil at the end of the archive.
  ///
  /// - Throws: `io` where the archive is damaged or cut short; what `StopSignal.poll` throws.
  package func next() throws(CoreError) -> Entry? {
    var longName: String?
    var longSize: Int?
    while !isFinished {
      try skip()
      let header = try file.next(Self.block)
      if header.isEmpty { throw cutShort }
      guard header.count == Self.block else { throw cutShort }
      if header.allSatisfy({ $0 == 0 }) {
        guard longName == nil, longSize == nil else { throw cutShort }
        isFinished = true
        try readToEnd()
        return nil
      }
      try check(header)
      guard let stated = Self.number(header[124..<136]) else { throw damaged("a size is not a number") }
      let type = header[156]
      switch type {
      case UInt8(ascii: "L"):
        let text = try self.text(stated)
        longName = Self.string(text[...])
      case UInt8(ascii: "x"):
        let records = try self.text(stated)
        guard let values = Self.paxRecords(records) else { throw damaged("a pax record cannot be read") }
        if let path = values["path"] { longName = path }
        if let size = values["size"] {
          guard let size = Int(size), size >= 0 else { throw damaged("a size is not a number") }
          longSize = size
        }
      case UInt8(ascii: "K"), UInt8(ascii: "g"):
        // The target of a link, and what holds for all files.
        _ = try text(stated)
      default:
        let name = longName ?? Self.name(of: header)
        let kind = Self.kind(type, name: name)
        // Folders and links may state a size that nothing follows.
        begin(kind == .file || kind == .other ? longSize ?? stated : 0)
        return Entry(name: name, kind: kind, size: kind == .file ? remaining : 0)
      }
    }
    return nil
  }

  /// The next bytes of the content of the current entry, at most `count`; none at its end.
  ///
  /// - Throws: `io` where the archive is damaged or cut short; what `StopSignal.poll` throws.
  package func read(_ count: Int) throws(CoreError) -> [UInt8] {
    let wanted = min(max(0, count), remaining)
    guard wanted > 0 else { return [] }
    let bytes = try file.next(wanted)
    guard bytes.count == wanted else { throw cutShort }
    remaining -= wanted
    return bytes
  }

  // MARK: Headers

  private func begin(_ size: Int) {
    remaining = size
    padding = (Self.block - size % Self.block) % Self.block
  }

  private func skip() throws(CoreError) {
    while remaining > 0 { _ = try read(1 << 18) }
    guard try file.next(padding).count == padding else { throw cutShort }
    padding = 0
  }

  /// What follows the last entry: zero bytes, up to the end of the file, where gzip states its checksum.
  private func readToEnd() throws(CoreError) {
    while try !file.isAtEnd() {
      guard try file.next(1 << 16).allSatisfy({ $0 == 0 }) else { throw damaged("something follows its end") }
    }
  }

  /// The content of an entry that says something of the next one.
  private func text(_ size: Int) throws(CoreError) -> [UInt8] {
    guard size <= Self.longestText else { throw damaged("a name has \(size) bytes") }
    begin(size)
    let text = try read(size)
    try skip()
    return text
  }

  private func check(_ header: [UInt8]) throws(CoreError) {
    // The checksum counts as spaces; old programs added bytes with a sign.
    var sum = 8 * 32
    var signed = 8 * 32
    for (place, byte) in header.enumerated() where !(148..<156).contains(place) {
      sum += Int(byte)
      signed += Int(Int8(bitPattern: byte))
    }
    guard let stated = Self.number(header[148..<156]), stated == sum || stated == signed else {
      let kind = file.position == Self.block ? FileKind(header[...], size: nil) : nil
      if let kind, kind != .tar { throw .file(path, "holds \(kind.rawValue), not a tar archive", hint: downloadAgain) }
      throw damaged("a header does not have the checksum that it states")
    }
  }

  private static func kind(_ type: UInt8, name: String) -> Kind {
    switch type {
    case 0, UInt8(ascii: "0"), UInt8(ascii: "7"): name.hasSuffix("/") ? .folder : .file
    case UInt8(ascii: "1"), UInt8(ascii: "2"): .link
    case UInt8(ascii: "5"): .folder
    default: .other
    }
  }

  private static func name(of header: [UInt8]) -> String {
    let name = string(header[..<100])
    // The prefix is there in ustar alone; GNU keeps other things in its place.
    guard header[257..<263].elementsEqual(Array("ustar\0".utf8)) else { return name }
    let prefix = string(header[345..<500])
    return prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  private static func string(_ field: ArraySlice<UInt8>) -> String {
    String(decoding: field.prefix { $0 != 0 }, as: UTF8.self)
  }

  /// An octal number, or one in base 256 as GNU writes large ones.
  private static func number(_ field: ArraySlice<UInt8>) -> Int? {
    if let first = field.first, first & 0x80 != 0 {
      guard first == 0x80 else { return nil }
      var value = 0
      for byte in field.dropFirst() {
        guard value <= Int.max >> 8 else { return nil }
        value = value << 8 | Int(byte)
      }
      return value
    }
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    return digits.isEmpty ? 0 : Int(String(decoding: digits, as: UTF8.self), radix: 8).flatMap { $0 < 0 ? nil : $0 }
  }

  /// Records `LENGTH KEY=VALUE`, each with a line end; nil where they are none.
  private static func paxRecords(_ bytes: [UInt8]) -> [String: String]? {
    var values: [String: String] = [:]
    var rest = bytes[...]
    while !rest.isEmpty {
      guard let space = rest.prefix(20).firstIndex(of: 0x20),
        let length = Int(String(decoding: rest[..<space], as: UTF8.self)), length > space - rest.startIndex + 1,
        length <= rest.count
      else { return nil }
      let record = rest[(space + 1)..<(rest.startIndex + length - 1)]
      guard rest[rest.startIndex + length - 1] == 0x0A, let equals = record.firstIndex(of: 0x3D) else { return nil }
      values[String(decoding: record[..<equals], as: UTF8.self)] =
        String(decoding: record[(equals + 1)...], as: UTF8.self)
      rest = rest.dropFirst(length)
    }
    return values
  }

  // MARK: Errors

  private var cutShort: CoreError { .file(path, "is cut short: its tar archive has no end", hint: downloadAgain) }

  private func damaged(_ reason: String) -> CoreError {
    .file(path, "is damaged: in its tar archive, \(reason)", hint: downloadAgain)
  }
}
