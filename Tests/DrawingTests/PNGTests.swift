import CZlib
import Drawing
import Foundation
import TestSupport
import Testing

@Suite struct PNGTests {
  private let folder: TemporaryFolder
  init() throws { folder = try TemporaryFolder() }

  @Test func grey() throws {
    try writePNG([0, 1, 0.5, -3, 7, .nan], shape: [1, 2, 3], to: folder.path("a.png"))
    let picture = try decode("a.png")
    #expect(picture.width == 3 && picture.height == 2 && picture.colourType == 0)
    #expect(picture.rows == [[0, 255, 128], [0, 255, 0]])
    try writePNG([0, 1], shape: [1, 2], to: folder.path("a.png"), scale: 2)
    #expect(try decode("a.png").rows == [[0, 0, 255, 255], [0, 0, 255, 255]])
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.png"])
  }

  @Test func colourGrid() throws {
    let values: [Float] = [1, 0, 0, 0, 1, 0, 0, 0, 1]
    try writePNG(values, shape: [3, 3, 1, 1], to: folder.path("b.png"), columns: 2)
    let picture = try decode("b.png")
    #expect(picture.width == 3 && picture.height == 3 && picture.colourType == 2)
    let gap: [UInt8] = [128, 128, 128]
    #expect(picture.rows == [[255, 0, 0] + gap + [0, 255, 0], gap + gap + gap, [0, 0, 255] + gap + gap])
  }

  @Test func refusals() throws {
    let path = folder.path("c.png")
    for shape in [[4], [2, 2, 1], [1, 0, 2], [0], [1, 1, 1, 1, 1]] {
      let values = [Float](repeating: 0, count: shape.reduce(1, *))
      expectRefusal { try writePNG(values, shape: shape, to: path) }
    }
    for count in [0, 1, 5] {
      expectRefusal("\(count) values") { try writePNG([Float](repeating: 0, count: count), shape: [2, 2], to: path) }
    }
    func one(columns: Int = 1, gap: Int = 1, scale: Int = 1) throws {
      try writePNG([0], shape: [1, 1, 1, 1], to: path, columns: columns, gap: gap, scale: scale)
    }
    for scale in [0, -1, 257, .max] { expectRefusal("scale") { try one(scale: scale) } }
    for (columns, gap) in [(0, 1), (-1, 1), (1, -1), (1, .max)] {
      expectRefusal { try one(columns: columns, gap: gap) }
    }
    expectRefusal("absent") { try writePNG([0], shape: [1, 1], to: folder.path("absent/c.png")) }
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  private struct Picture {
    var (width, height, colourType) = (0, 0, 0)
    var rows: [[UInt8]] = []
  }

  /// Reads back what the writer writes: unfiltered rows, checked chunk by chunk.
  private func decode(_ name: String) throws -> Picture {
    let file = try folder.read(name)
    #expect(file.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]))
    var picture = Picture()
    var types: [String] = []
    var packed: [UInt8] = []
    var start = 8
    while start + 12 <= file.count {
      let number = { (at: Int) in file[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
      let size = number(start)
      let checked = Array(file[start + 4..<start + 8 + size])
      #expect(Int(crc32_z(0, checked, checked.count)) == number(start + 8 + size))
      types.append(String(decoding: checked.prefix(4), as: UTF8.self))
      switch types.last {
      case "IHDR":
        (picture.width, picture.height, picture.colourType) = (number(start + 8), number(start + 12), Int(checked[13]))
        #expect(checked[12] == 8)
      case "IDAT": packed += checked.dropFirst(4)
      default: break
      }
      start += 12 + size
    }
    #expect(types == ["IHDR", "IDAT", "IEND"] && start == file.count)
    let rowSize = 1 + picture.width * (picture.colourType == 2 ? 3 : 1)
    var size = uLong(rowSize * picture.height)
    var rows = [UInt8](repeating: 9, count: Int(size))
    #expect(uncompress(&rows, &size, packed, uLong(packed.count)) == Z_OK)
    picture.rows = stride(from: 0, to: rows.count, by: rowSize).map { Array(rows[$0 + 1..<$0 + rowSize]) }
    return picture
  }
}
