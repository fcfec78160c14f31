import Base
import Foundation
import TestSupport
import Testing

/// Heads of NumPy arrays: what each form means, and what is refused.
@Suite struct NumPyHeaderTests {
  private func file(_ literal: String, version: UInt8 = 1, data: Int = 0) -> [UInt8] {
    let text = Array(literal.utf8)
    let length = version == 1 ? [UInt8(text.count & 255), UInt8(text.count >> 8)] : word(text.count).reversed()
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + [UInt8](repeating: 0, count: data)
  }

  private func header(_ bytes: [UInt8]) throws -> NumPyHeader {
    try NumPyHeader(bytes, size: bytes.count, path: "a.npy")
  }

  private func message(_ bytes: [UInt8]) -> String {
    do throws(CoreError) {
      _ = try NumPyHeader(bytes, size: bytes.count, path: "a.npy")
      return ""
    } catch { return error.message }
  }

  @Test func everyForm() throws {
    for version: UInt8 in 1...3 {
      let header = try header(
        file("{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }     \n", version: version, data: 48))
      #expect(header.shape == [3, 4] && header.type.name == "float32" && !header.isFortran && header.byteCount == 48)
    }
    let fortran = try header(file("{\"shape\": (2L,), 'fortran_order': True, 'descr': '>i2'}", data: 4))
    #expect(fortran.shape == [2] && fortran.isFortran)
    #expect(fortran.type.name == "int16" && fortran.type.isBigEndian)
    #expect(try header(file("{'descr': '|b1', 'fortran_order': False, 'shape': ()}", data: 1)).shape == [])
    #expect(try header(file("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 5)}")).count == 0)
    #expect(try ["|u1", ">u1", ">f8"].map { try NumPyType($0).isBigEndian } == [false, false, true])
  }

  @Test func whatIsRefusedIsNamed() {
    func refused(_ type: String) -> String {
      message(file("{'descr': \(type), 'fortran_order': False, 'shape': (1,)}", data: 64))
    }
    #expect(refused("'|O'").contains("holds Python objects, which are not read"))
    #expect(refused("'<c8'").contains("complex numbers"))
    #expect(refused("'<f16'").contains("extended precision"))
    #expect(refused("'|S5'").contains("strings") && refused("'<U5'").contains("strings"))
    #expect(refused("'<M8[ns]'").contains("dates") && refused("'<m8[s]'").contains("spans of time"))
    #expect(refused("[('a', '<f4'), ('b', '<i8', (2,))]").contains("records (a structured array)"))
    #expect(refused("'|V8'").contains("records or raw bytes"))
    #expect(refused("'<i3'").contains("unknown type"))
  }

  @Test func damageIsNamed() {
    func shape(_ shape: String, data: Int = 16) -> String {
      message(file("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape)}", data: data))
    }
    #expect(shape("(5,)").contains("takes 20 bytes, and 16 are there"))
    #expect(shape("(3,)").contains("4 bytes more than its array"))
    #expect(shape("(-1,)").contains("whole numbers"))
    #expect(shape("(1000000000000, 1000000000000)").contains("no file holds"))
    #expect(shape("(9223372036854775807, 0)").contains("no file holds"))
    #expect(shape("(99999999999999999999,)").contains("no dictionary"))
    #expect(shape("(1, 'a')").contains("whole numbers"))
    #expect(message(file("__import__('os').system('x')")).contains("no dictionary"))
    #expect(message(file(String(repeating: "(", count: 10_000))).contains("no dictionary"))
    #expect(message(file("{'descr': '<f4', 'shape': (1,)}", data: 4)).contains("lacks"))
    #expect(message(file("{}", version: 9)).contains("version 9"))
    #expect(message(Array("\u{1}NUMPY".utf8)).contains("does not begin"))
  }

  @Test func anyDamageIsSurvived() {
    let good = file("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", data: 16)
    for length in 0..<good.count { #expect(message(Array(good[..<length])) != "") }
    for place in 0..<good.count - 16 {
      for value in UInt8.min...UInt8.max {
        var bytes = good
        bytes[place] = value
        _ = message(bytes)
      }
    }
  }

  @Test(.enabled(if: SharedFiles.vectors != nil, "set LTD_VECTORS to the folder of reference vectors"))
  func filesOfNumPy() throws {
    let folder = try #require(SharedFiles.vectors).deletingLastPathComponent().appending(path: "cases/npy")
    let text = try Data(contentsOf: folder.appending(path: "expected.json"))
    let expected = try #require(try JSONSerialization.jsonObject(with: text) as? [String: [String: Any]])
    for (name, wanted) in expected where name.hasSuffix(".npy") {
      let message = message([UInt8](try Data(contentsOf: folder.appending(path: name))))
      #expect(message.isEmpty == (wanted["error"] == nil), "\(name): \(message)")
    }
  }
}
