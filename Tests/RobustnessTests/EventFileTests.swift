import Base
import Networks
import TestSupport
import Testing

@testable import Robustness

/// Curves as TensorBoard reads them, read back by a parser of our own.
@Suite struct EventFileTests {
  /// The check values of RFC 3720, B.4.
  @Test func checksums() {
    #expect(EventFile.checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(EventFile.checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(EventFile.checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
    #expect(EventFile.checksum(Array("123456789".utf8)) == 0xE306_9283)
  }

  private func epoch(_ number: Int) -> EpochReport {
    EpochReport(
      epoch: number, loss: 1 / Double(number), parts: [("loss_natural", 0.5)], naturalAccuracy: 0.25,
      learningRate: 0.1, seconds: 2)
  }

  /// A run that is continued has every step once; one that begins anew sets the earlier file aside.
  @Test func noStepIsToldTwice() throws {
    let folder = try TemporaryFolder()
    let path = folder.path("curves")
    func write(_ counts: [Int], continues: Bool) throws {
      let writer = try EventWriter(path, continues: continues)
      for count in counts { try writer.write((0..<count).map { epoch($0 + 1) }) }
    }
    try write([0, 1, 2], continues: false)
    try write([1, 2, 3], continues: true)
    let events = try read(folder.read("curves/events.out.tfevents.0000000000.ltd"))
    #expect(events.filter { $0.tag == "loss" }.map(\.step) == [1, 2, 3])
    #expect(events.filter { $0.tag == "loss" }.map(\.value) == [1, 0.5, Float(1.0 / 3)])
    #expect(Set(events.map(\.tag)) == ["loss", "loss_natural", "natural", "lr", "seconds"])
    try write([0, 1], continues: false)
    #expect(try read(folder.read("curves/events.out.tfevents.0000000000.ltd")).count == 5)
    #expect(try read(folder.read("curves/earlier-1.events")).count == 15)
  }

  /// The numbers of a file; its records and checksums are as they should be.
  private func read(_ bytes: [UInt8]) throws -> [(tag: String, step: Int, value: Float)] {
    func word(_ at: Int, _ size: Int) -> UInt64 {
      (0..<size).reduce(0) { $0 | UInt64(bytes[at + $1]) << UInt64(8 * $1) }
    }
    func masked(_ range: Range<Int>) -> UInt64 {
      let sum = EventFile.checksum(Array(bytes[range]))
      return UInt64((sum >> 15 | sum << 17) &+ 0xA282_EAD8)
    }
    var events: [(tag: String, step: Int, value: Float)] = []
    var at = 0
    while at < bytes.count {
      let size = Int(word(at, 8))
      let content = at + 12..<at + 12 + size
      try #require(content.upperBound + 4 <= bytes.count)
      #expect(word(at + 8, 4) == masked(at..<at + 8) && word(content.upperBound, 4) == masked(content))
      if at > 0 {
        // Wall time, step below 128, summary, value, tag, number.
        #expect(bytes[content.lowerBound] == 0x09 && bytes[content.lowerBound + 9] == 0x10)
        let start = content.lowerBound + 17
        let length = Int(bytes[start - 1])
        let name = String(decoding: bytes[start..<start + length], as: UTF8.self)
        events.append(
          (name, Int(bytes[content.lowerBound + 10]), Float(bitPattern: UInt32(word(start + length + 1, 4)))))
      }
      at = content.upperBound + 4
    }
    #expect(at == bytes.count)
    return events
  }
}
