import CMinizip
import CZlib

/// The files in a zip archive, zip64 too, read by minizip.
///
/// The directory is read and checked as a whole when the archive is opened: no name twice, no file that overlaps
/// another, none that is encrypted, and no size that its compressed bytes cannot give. Names are only looked up; nothing
/// is ever written under one. Where a file is stored without compression its bytes lie in the archive as they are, and
/// a reader takes them from there without a copy. Every byte that is handed out was compared with the checksum that the
/// directory states.
package final class ZipArchive {
  /// A file in the archive.
  package struct Entry: Sendable {
    /// Its name with the folders before it, as the archive says it.
    package let name: String
    /// How many bytes it has when it is unpacked.
    package let size: Int
    /// How many bytes it takes in the archive.
    package let storedSize: Int
    /// Where its bytes begin in the archive.
    package let offset: Int
    /// Its CRC-32.
    package let crc: UInt32
    /// Whether it lies in the archive as it is, without compression.
    package let isStored: Bool
    fileprivate let place: unz64_file_pos
  }

  /// The path of the archive.
  package let path: String
  /// Its files in the order of its directory, without folders.
  package let entries: [Entry]

  private let source: Source
  /// Nil for an archive without files, which minizip does not open.
  private let archive: unzFile?
  private let places: [String: Int]
  private var file: FileReader { source.file }

  /// Reads and checks the directory of an archive.
  ///
  /// - Throws: `io` where it has none or is damaged; what `StopSignal.poll` throws.
  package init(_ file: FileReader) throws(CoreError) {
    path = file.path
    source = Source(file)
    if file.size == 22, file.beginning.starts(with: [0x50, 0x4B, 5, 6]), file.beginning[4...].allSatisfy({ $0 == 0 }) {
      (archive, entries, places) = (nil, [], [:])
      return
    }
    guard let archive = source.open() else {
      if let failure = source.failure { throw failure }
      let kind = FileKind(file.beginning[...], size: file.size) ?? .zip
      throw .file(
        path, "is damaged: it begins as \(kind.rawValue), but the directory at its end is not there",
        hint: downloadAgain)
    }
    self.archive = archive
    var entries: [Entry] = []
    var places: [String: Int] = [:]
    do throws(CoreError) {
      entries = try Self.directory(of: archive, source)
      for (index, entry) in entries.enumerated() {
        guard places.updateValue(index, forKey: entry.name) == nil else {
          throw .file(path, "is damaged: it holds two files named '\(shortened(entry.name))'", hint: downloadAgain)
        }
      }
      try Self.checkOverlaps(entries, path)
    } catch {
      unzClose(archive)
      throw error
    }
    (self.entries, self.places) = (entries, places)
  }

  deinit { if let archive { unzClose(archive) } }

  /// The file of this name, if there is one.
  package subscript(_ name: String) -> Entry? { places[name].map { entries[$0] } }

  // MARK: Directory

  private static func directory(of archive: unzFile, _ source: Source) throws(CoreError) -> [Entry] {
    let path = source.file.path
    func damaged(_ what: String) -> CoreError {
      source.failure ?? .file(path, "is damaged: in its zip archive, \(what)", hint: downloadAgain)
    }
    // Nothing follows the end of the directory but a comment of the length that it states.
    var global = unz_global_info64()
    guard unzGetGlobalInfo64(archive, &global) == UNZ_OK, source.file.size >= 22 + Int(global.size_comment),
      try source.file.read(at: source.file.size - 22 - Int(global.size_comment), count: 4) == [0x50, 0x4B, 5, 6]
    else { throw damaged("the directory at the end is cut short, or something follows it") }
    var entries: [Entry] = []
    var nameBuffer = [CChar](repeating: 0, count: 1 << 16)
    var status = unzGoToFirstFile(archive)
    while status == UNZ_OK {
      try StopSignal.poll()
      var info = unz_file_info64()
      guard
        unzGetCurrentFileInfo64(archive, &info, &nameBuffer, UInt(nameBuffer.count), nil, 0, nil, 0) == UNZ_OK
      else { throw damaged("the directory cannot be read") }
      let length = min(Int(info.size_filename), nameBuffer.count)
      let name = String(decoding: nameBuffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let shown = "'\(shortened(name))'"
      guard let size = Int(exactly: info.uncompressed_size), let stored = Int(exactly: info.compressed_size),
        stored <= source.file.size
      else { throw damaged("\(shown) has an impossible size") }
      if name.hasSuffix("/"), size == 0 {
        status = unzGoToNextFile(archive)
        continue
      }
      guard info.flag & 1 == 0 else {
        throw .file(path, "holds the encrypted file \(shown)", hint: "unpack it, and pack it again without a password")
      }
      guard info.compression_method == 0 || info.compression_method == UInt(Z_DEFLATED) else {
        throw .file(
          path, "holds \(shown) in the compression \(info.compression_method), which is not read",
          hint: "pack it again with deflate, or without compression")
      }
      let isStored = info.compression_method == 0
      if isStored, size != stored { throw damaged("\(shown) has \(size) bytes, of which \(stored) are there") }
      // Deflate shrinks at most 1032 to 1.
      let (most, overflow) = stored.multipliedReportingOverflow(by: 1032)
      if !isStored, !overflow, size > most {
        throw damaged("\(shown) claims to unpack to \(size) bytes, more than its \(stored) bytes can give")
      }
      var place = unz64_file_pos()
      guard unzGetFilePos64(archive, &place) == UNZ_OK,
        unzOpenCurrentFile2(archive, nil, nil, 1) == UNZ_OK
      else { throw damaged("\(shown) is not where the directory says") }
      let offset = Int(exactly: unzGetCurrentFileZStreamPos64(archive)) ?? -1
      unzCloseCurrentFile(archive)
      guard offset >= 0, offset <= source.file.size - stored else { throw damaged("\(shown) lies outside the file") }
      entries.append(
        Entry(
          name: name, size: size, storedSize: stored, offset: offset, crc: UInt32(truncatingIfNeeded: info.crc),
          isStored: isStored, place: place))
      status = unzGoToNextFile(archive)
    }
    guard status == UNZ_END_OF_LIST_OF_FILE else { throw damaged("the directory is cut short") }
    return entries
  }

  private static func checkOverlaps(_ entries: [Entry], _ path: String) throws(CoreError) {
    var end = 0
    for entry in entries.sorted(by: { ($0.offset, $0.storedSize) < ($1.offset, $1.storedSize) }) {
      // The head before the bytes of a file has 30 bytes and its name.
      guard entry.offset - 30 >= end else {
        throw .file(
          path, "is damaged: in its zip archive, '\(shortened(entry.name))' overlaps another file", hint: downloadAgain)
      }
      end = entry.offset + entry.storedSize
    }
  }

  // MARK: Content

  /// The whole content of a file.
  ///
  /// - Parameter limit: the most bytes that are taken.
  /// - Throws: `io` where it is damaged or longer than `limit`.
  package func bytes(of entry: Entry, limit: Int = .max) throws(CoreError) -> [UInt8] {
    guard entry.size <= limit else {
      throw .file(path, "holds '\(shortened(entry.name))' of \(entry.size) bytes; at most \(limit) are read")
    }
    if entry.isStored {
      let bytes = try file.read(at: entry.offset, count: entry.size)
      try check(checksum(bytes, after: 0), of: entry)
      return bytes
    }
    // Memory grows with what really comes out.
    var bytes: [UInt8] = []
    try unpack(entry) { (piece) in
      bytes += piece
    }
    return bytes
  }

  /// The first bytes of a file, as many as there are up to `count`; they are not compared with the checksum.
  package func beginning(of entry: Entry, count: Int) throws(CoreError) -> [UInt8] {
    if entry.isStored { return try file.read(at: entry.offset, count: min(count, entry.size)) }
    var bytes: [UInt8] = []
    try unpack(entry, atMost: min(count, entry.size)) { (piece) in
      bytes += piece
    }
    return bytes
  }

  /// Reads the whole content of a file that is stored without compression to memory of its size.
  ///
  /// - Throws: `io` where it is damaged.
  package func read(_ entry: Entry, into target: UnsafeMutableRawBufferPointer) throws(CoreError) {
    guard entry.isStored, target.count == entry.size else {
      let bytes = try bytes(of: entry)
      guard bytes.count == target.count else { throw damaged(entry) }
      target.copyBytes(from: bytes)
      return
    }
    try check(try file.readWithChecksum(at: entry.offset, into: target), of: entry)
  }

  /// Unpacks a file piece by piece.
  private func unpack(
    _ entry: Entry, atMost most: Int? = nil, _ take: (UnsafeRawBufferPointer) -> Void
  ) throws(CoreError) {
    var place = entry.place
    guard let archive, unzGoToFilePos64(archive, &place) == UNZ_OK, unzOpenCurrentFile(archive) == UNZ_OK else {
      throw damaged(entry)
    }
    var isOpen = true
    defer { if isOpen { unzCloseCurrentFile(archive) } }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    defer { buffer.deallocate() }
    var left = most ?? entry.size
    while left > 0 {
      try StopSignal.poll()
      let count = Int(unzReadCurrentFile(archive, buffer.baseAddress, UInt32(min(left, buffer.count))))
      if let failure = source.failure { throw failure }
      guard count > 0 else { throw damaged(entry) }
      take(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      left -= count
    }
    if most != nil { return }
    isOpen = false
    guard unzCloseCurrentFile(archive) == UNZ_OK else { throw damaged(entry) }
  }

  private func check(_ crc: UInt32, of entry: Entry) throws(CoreError) {
    guard crc == entry.crc else { throw damaged(entry) }
  }

  private func damaged(_ entry: Entry) -> CoreError {
    source.failure
      ?? .file(
        path, "is damaged: '\(shortened(entry.name))' in its zip archive does not have the checksum that it states",
        hint: downloadAgain)
  }
}

/// A name for a message, at most 80 characters of it.
private func shortened(_ name: String) -> String { name.count > 80 ? "\(name.prefix(80))…" : name }

/// The archive as minizip reads it: some bytes at a place, a few at a time, from what was read ahead.
private final class Source {
  let file: FileReader
  /// Why reading failed, if it did.
  private(set) var failure: CoreError?
  private var position = 0
  private var buffer: [UInt8] = []
  private var bufferStart = 0

  init(_ file: FileReader) { self.file = file }

  func open() -> unzFile? {
    var functions = zlib_filefunc64_def()
    functions.opaque = Unmanaged.passUnretained(self).toOpaque()
    functions.zopen64_file = { opaque, _, _ in opaque }
    functions.zread_file = { opaque, _, target, size in
      guard let opaque, let target else { return 0 }
      return UInt(Source.from(opaque).read(target, Int(size)))
    }
    functions.zwrite_file = { _, _, _, _ in 0 }
    functions.ztell64_file = { opaque, _ in opaque.map { ZPOS64_T(Source.from($0).position) } ?? 0 }
    functions.zseek64_file = { opaque, _, offset, origin in
      guard let opaque else { return -1 }
      return Source.from(opaque).seek(offset, origin) ? 0 : -1
    }
    functions.zclose_file = { _, _ in 0 }
    functions.zerror_file = { opaque, _ in opaque.map { Source.from($0).failure == nil ? 0 : 1 } ?? 1 }
    return unzOpen2_64(file.path, &functions)
  }

  private static func from(_ opaque: UnsafeMutableRawPointer) -> Source {
    Unmanaged<Source>.fromOpaque(opaque).takeUnretainedValue()
  }

  private func seek(_ offset: ZPOS64_T, _ origin: Int32) -> Bool {
    let base = origin == ZLIB_FILEFUNC_SEEK_CUR ? position : origin == ZLIB_FILEFUNC_SEEK_END ? file.size : 0
    let (place, overflow) = base.addingReportingOverflow(Int(truncatingIfNeeded: offset))
    guard !overflow, place >= 0 else { return false }
    position = place
    return true
  }

  private func read(_ target: UnsafeMutableRawPointer, _ size: Int) -> Int {
    var done = 0
    while done < size, position < file.size, failure == nil {
      if position < bufferStart || position >= bufferStart + buffer.count {
        do throws(CoreError) {
          // After a leap only a head of some 30 bytes is wanted.
          let ahead = position == bufferStart + buffer.count ? 1 << 16 : 1 << 10
          buffer = try file.read(at: position, count: min(ahead, file.size - position))
          bufferStart = position
        } catch {
          failure = error
          break
        }
      }
      let start = position - bufferStart
      let count = min(size - done, buffer.count - start)
      UnsafeMutableRawBufferPointer(start: target + done, count: count).copyBytes(from: buffer[start..<start + count])
      done += count
      position += count
    }
    return done
  }
}
