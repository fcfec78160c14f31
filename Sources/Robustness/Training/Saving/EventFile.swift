import Base
import Platform

/// The curves of a run as TensorBoard reads them: an event file, a sequence of records of TensorFlow.
///
/// A record is the length of its content (8 bytes, lowest first), the masked CRC-32C of these, the content, and the masked
/// CRC-32C of that. The content is an `Event` of protocol buffers: wall time (1, double), step (2, varint), and either the
/// version of the file (3, string), which the first record has, or a summary (5) of one value (1) with a tag (1, string)
/// and a number (2, float).
///
/// The file is written anew when a run begins or continues, from what its epochs have measured so far, and then grows: a
/// step is never told twice, whatever ended the process before.
public enum EventFile {
  /// The record with which a file begins.
  static func beginning(at seconds: Double) -> [UInt8] {
    var event = number(1, seconds)
    event += text(3, Array("brain.Event:2".utf8))
    return record(event)
  }

  /// A record of one number.
  static func scalar(_ tag: String, _ value: Double, step: Int, at seconds: Double) -> [UInt8] {
    var single: [UInt8] = [0x15]
    withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { single += $0 }
    let item = text(1, Array(tag.utf8)) + single
    let event = number(1, seconds) + [0x10] + varint(UInt64(max(0, step))) + text(5, text(1, item))
    return record(event)
  }

  private static func number(_ field: UInt8, _ value: Double) -> [UInt8] {
    var bytes: [UInt8] = [field << 3 | 1]
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    return bytes
  }

  private static func text(_ field: UInt8, _ content: [UInt8]) -> [UInt8] {
    [field << 3 | 2] + varint(UInt64(content.count)) + content
  }

  private static func varint(_ value: UInt64) -> [UInt8] {
    var (rest, bytes) = (value, [UInt8]())
    repeat {
      bytes.append(UInt8(truncatingIfNeeded: rest & 0x7F) | (rest > 0x7F ? 0x80 : 0))
      rest >>= 7
    } while rest > 0
    return bytes
  }

  private static func record(_ content: [UInt8]) -> [UInt8] {
    let length = (0..<8).map { UInt8(truncatingIfNeeded: content.count >> (8 * $0)) }
    return length + masked(length) + content + masked(content)
  }

  /// The CRC-32C in TensorFlow's mask: turned right by 15 bits, plus a constant.
  private static func masked(_ bytes: [UInt8]) -> [UInt8] {
    let sum = checksum(bytes)
    let masked = (sum >> 15 | sum << 17) &+ 0xA282_EAD8
    return (0..<4).map { UInt8(truncatingIfNeeded: masked >> (8 * UInt32($0))) }
  }

  /// CRC-32C (Castagnoli): the reflected polynomial 0x82F63B78.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var sum = ~UInt32(0)
    for byte in bytes {
      sum ^= UInt32(byte)
      for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
    }
    return ~sum
  }
}

/// Writes the curves of a run into a folder that TensorBoard watches. It keeps nothing: it is told the whole history.
final class EventWriter {
  private let path: String
  private var written = 0
  private var file: GrowingFile?

  /// - Parameter continues: whether the run goes on; the file of another one, which has come further than its first
  ///   record, is set aside under a name that TensorBoard passes over.
  /// - Throws: `io` where the folder cannot be made or written to, or another run writes there.
  init(_ folder: String, continues: Bool) throws(CoreError) {
    do throws(CoreError) {
      if let status = FileStatus(folder), !status.isFolder {
        throw CoreError.file(folder, "is not a folder", hint: "give the path of a folder: tensorboard=\"logs/run1\"")
      }
      try Folder.make(folder)
      path = Folder.joined(folder, "events.out.tfevents.0000000000.ltd")
      let found = try GrowingFile(path)
      file = found
      if !continues, found.size > EventFile.beginning(at: 0).count {
        var number = 1
        func aside() -> String { Folder.joined(folder, "earlier-\(number).events") }
        while FileStatus(aside()) != nil { number += 1 }
        guard rename(path, aside()) == 0 else { throw .cannot("rename", path) }
        found.end()
        file = try GrowingFile(path)
      }
    } catch {
      var error = error
      error.argument = "tensorboard"
      throw error
    }
  }

  /// Adds the epochs that are not there yet; the first call begins the file anew.
  func write(_ epochs: [EpochReport]) throws(CoreError) {
    guard let file else { return }
    let now = secondsSince1970()
    var bytes: [UInt8] = []
    if written == 0 {
      try file.restart()
      bytes = EventFile.beginning(at: now)
    }
    for epoch in epochs.dropFirst(written) {
      for (name, value) in epoch.curves { bytes += EventFile.scalar(name, value, step: epoch.epoch, at: now) }
    }
    try file.append(bytes)
    written = epochs.count
  }
}

extension EpochReport {
  /// All that was measured, by name: loss, its parts, accuracies, learning rate and seconds.
  public var curves: [(name: String, value: Double)] {
    [(name: "loss", value: loss)] + parts + accuracies + [("lr", learningRate), ("seconds", seconds)]
  }
}
