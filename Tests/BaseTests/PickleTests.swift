import Base
import Foundation
import TestSupport
import Testing

/// Pickles as descriptions: nothing runs, nothing recurses, nothing traps.
@Suite struct PickleTests {
  private func read(_ bytes: [UInt8]) throws -> Pickle { try Pickle(bytes) }
  private func read(_ text: String) throws -> Pickle { try Pickle(Array(text.utf8)) }

  private func number(_ bytes: [UInt8]) throws -> Pickle.Value {
    let pickle = try read(bytes)
    return pickle[pickle.root]
  }

  @Test func numbersOfEveryForm() throws {
    func int(_ bytes: [UInt8]) throws -> Int? {
      let pickle = try read(bytes)
      return pickle.int(pickle.root)
    }
    #expect(try int([0x80, 2, 0x4B, 200, 0x2E]) == 200)
    #expect(try int([0x4D, 0x34, 0x12, 0x2E]) == 0x1234)
    #expect(try int([0x4A, 0xFE, 0xFF, 0xFF, 0xFF, 0x2E]) == -2)
    #expect(try int([0x8A, 0, 0x2E]) == 0)
    #expect(try int([0x8A, 1, 0x80, 0x2E]) == -128)
    #expect(try int([0x8A, 2, 0x80, 0, 0x2E]) == 128)
    #expect(try int([0x8A, 8] + [UInt8](repeating: 0xFF, count: 7) + [0x7F, 0x2E]) == .max)
    #expect(try int([0x8A, 8] + [UInt8](repeating: 0, count: 7) + [0x80, 0x2E]) == .min)
    #expect(try int([0x8A, 10] + [UInt8](repeating: 0xFF, count: 10) + [0x2E]) == -1)
    #expect(try int([0x8B, 1, 0, 0, 0, 7, 0x2E]) == 7)
    #expect(try int(Array("I-17\n.".utf8)) == -17)
    #expect(try int(Array("L123L\n.".utf8)) == 123)
    func large(_ bytes: [UInt8]) throws -> String? {
      if case .largeInt(let text) = try number(bytes) { text } else { nil }
    }
    // The number that the old form of torch.save begins with.
    let magic: [UInt8] = [0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    #expect(try large(magic) == "0x1950a86a20f9469cfc6c")
    #expect(try large([0x8A, 9] + [UInt8](repeating: 0, count: 7) + [0x80, 0, 0x2E]) == "0x8000000000000000")
    #expect(try large([0x8A, 9] + [UInt8](repeating: 0, count: 8) + [0xFF, 0x2E]) == "-0x10000000000000000")
    #expect(try large(Array("L99999999999999999999L\n.".utf8)) == "99999999999999999999")
    guard case .float(-1.5) = try number([0x47, 0xBF, 0xF8, 0, 0, 0, 0, 0, 0, 0x2E]) else { throw Unexpected() }
    guard case .float(2.25) = try number(Array("F2.25\n.".utf8)) else { throw Unexpected() }
    guard case .bool(true) = try number(Array("I01\n.".utf8)) else { throw Unexpected() }
    guard case .none = try number(Array("N.".utf8)) else { throw Unexpected() }
  }

  private struct Unexpected: Error {}

  @Test func stringsOfEveryForm() throws {
    func text(_ bytes: [UInt8]) throws -> String? {
      let pickle = try read(bytes)
      return pickle.text(pickle.root)
    }
    #expect(try text([0x58, 3, 0, 0, 0] + Array("abc.".utf8)) == "abc")
    #expect(try text([0x8C, 2] + Array("é.".utf8)) == "é")
    #expect(try text([0x8D, 1, 0, 0, 0, 0, 0, 0, 0] + Array("x.".utf8)) == "x")
    #expect(try text([0x55, 4] + Array("data.".utf8)) == "data")
    #expect(try text(Array("S'a\\n\\x41\\'\\101'\n.".utf8)) == "a\nA'A")
    #expect(try text(Array("Va\\u00e9\\U0001f600\n.".utf8)) == "aé😀")
    // Half of a surrogate pair stays bytes.
    #expect(try text([0x8C, 3, 0xED, 0xA0, 0x80, 0x2E]) == nil)
    // As Python 3 writes bytes where the protocol has none.
    let codecs = try read("c_codecs\nencode\n(V\\u00ff\\u0001\nVlatin1\ntR.")
    #expect(codecs.bytes(codecs.root).map(Array.init) == [0xFF, 1])
  }

  @Test func whatWouldRunIsOnlyDescribed() throws {
    let evil = try read("cos\nsystem\n(S'touch evil_ran'\ntR.")
    let call = try #require(evil.call(evil.root))
    #expect(call.name == "os.system")
    #expect(call.arguments.map { evil.text($0) } == ["touch evil_ran"])
    #expect(!FileManager.default.fileExists(atPath: "evil_ran"))
    // A class made and filled by every way there is.
    for program in ["(S'a'\ni__main__\nC\n.", "(c__main__\nC\nS'a'\no.", "c__main__\nC\n(S'a'\nt\u{01}."] {
      let bytes = Array(program.utf8).map { $0 == 1 ? 0x81 : $0 }
      let pickle = try read(bytes)
      #expect(pickle.call(pickle.root)?.name == "__main__.C")
      #expect(pickle.call(pickle.root)?.arguments.count == 1)
    }
    let built = try read("ccollections\nOrderedDict\n)R(S'k'\nI1\nu}b.")
    #expect(built.pairs(built.root)?.map { built.text($0.key) } == ["k"])
    #expect(built.call(built.root)?.object.state != nil)
  }

  @Test func whatContainsItselfIsRead() throws {
    // a = []; a.append(a); d = {}; d["d"] = d
    let list = try read([0x5D, 0x71, 0, 0x68, 0, 0x61, 0x2E])
    #expect(list.items(list.root) == [list.root])
    let dictionary = try read([0x7D, 0x71, 0] + Array("S'd'\n".utf8) + [0x68, 0, 0x73, 0x2E])
    #expect(dictionary.pairs(dictionary.root)?.map(\.value) == [dictionary.root])
  }

  /// A million lists in each other, a million items one by one, and sixty doublings of a list: in linear time.
  @Test func sizeIsNoProblem() throws {
    let begin = threadSeconds()
    let deep = try read(
      [UInt8](repeating: 0x28, count: 1_000_000) + [UInt8](repeating: 0x74, count: 1_000_000) + [0x2E])
    #expect(deep.nodes.count > 1_000_000)
    let nested = [UInt8](repeating: 0x5D, count: 1_000_000) + [UInt8](repeating: 0x61, count: 999_999) + [0x2E]
    #expect(try read(nested).objects.isEmpty)
    let long = try read([0x5D] + (0..<1_000_000).flatMap { _ in [0x4E, 0x61] as [UInt8] } + [0x2E])
    #expect(long.items(long.root)?.count == 1_000_000)
    var laughs: [UInt8] = [0x5D, 0x71, 0]
    for _ in 0..<60 { laughs += [0x5D, 0x68, 0, 0x61, 0x68, 0, 0x61, 0x71, 0] }
    #expect(try read(laughs + [0x2E]).nodes.count < 400)
    do {
      _ = try read([UInt8](repeating: 0x5D, count: 10_100_000))
      Issue.record("ten million values were taken")
    } catch let error as Pickle.Failure {
      guard case .damaged(let what, _) = error else { throw error }
      #expect(what.contains("more than"))
    }
    #expect(threadSeconds() - begin < 60)
  }

  @Test func damageIsAnErrorThatNamesThePlace() throws {
    func message(_ bytes: [UInt8]) -> String {
      do throws(Pickle.Failure) {
        _ = try Pickle(bytes)
        return ""
      } catch { return error.error(in: "a.pt", "its data.pkl").message }
    }
    #expect(message([0x80, 2, 0xFF, 0x2E]).contains("byte 2: there is no instruction 255"))
    #expect(message([0x80, 9]).contains("protocol 9"))
    #expect(message([0x2E]).contains("ends with nothing"))
    #expect(message([0x80, 2]).contains("ends early"))
    for bytes in [
      Array("a.".utf8), Array("NNa.".utf8), Array("t.".utf8), Array("(u.".utf8), Array("}(Nu.".utf8), Array("Nb.".utf8),
      Array("R.".utf8), Array("(o.".utf8), Array("h\u{1}.".utf8), Array("Sx\n.".utf8), Array("Ix\n.".utf8),
      Array("Vab\\u12\n.".utf8), [0x85, 0x2E], [0x93, 0x2E], [0x97, 0x2E], [0x4E, 0x4E, 0x93, 0x2E],
      [0x8D] + [UInt8](repeating: 0xFF, count: 8), [0x8B, 0xFF, 0xFF, 0xFF, 0xFF, 0x2E],
      [0x28, 0x4E, 0x28, 0x61, 0x2E],
    ] { #expect(message(bytes) != "", "\(bytes)") }
  }

  /// Cut at every length and damaged at every byte: an error or another description, never a trap.
  @Test func anyDamageIsSurvived() throws {
    let whole = Array("\u{1}(S'state'\ncollections\nOrderedDict\n)R(S'w'\n(I1\nL5L\nF1.5\ntS'b'\n]K\u{5}aud.".utf8)
    let good = [0x80, 2] + whole.dropFirst()
    for length in 0..<good.count { _ = try? Pickle(Array(good[..<length])) }
    for place in good.indices {
      for value in UInt8.min...UInt8.max {
        var bytes = good
        bytes[place] = value
        if let pickle = try? Pickle(bytes) {
          for node in pickle.nodes.indices {
            _ = (pickle.text(node), pickle.bytes(node), pickle.pairs(node), pickle.array(node), pickle.ints(node))
          }
        }
      }
    }
  }

  @Test func arraysOfNumPy() throws {
    // pickle.dumps(numpy.arange(6, dtype='uint8').reshape(2, 3), protocol=2), as Python 2 writes it
    let type = "cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb"
    let array = "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR(I1\n(I2\nI3\nt\(type)I00\nS'"
    let pickle = try read(array + "\\x00\\x01\\x02\\x03\\x04\\x05'\ntb.")
    let read = try #require(pickle.array(pickle.root))
    #expect(
      read.shape == [2, 3] && read.type.name == "uint8" && !read.isFortran && Array(read.bytes) == [0, 1, 2, 3, 4, 5])
    let short = try self.read(array + "\\x00'\ntb.")
    #expect(short.array(short.root)?.shape == nil)
  }
}
