import Base

/// Pixels for terminals that take them: the graphics protocol of kitty, or sixels.
struct TerminalGraphics {
  private let kind: PictureLook.Graphics
  private let cell: (width: Int, height: Int)

  init(_ kind: PictureLook.Graphics, cell: (width: Int, height: Int)?) {
    self.kind = kind
    let known = cell ?? (10, 20)
    self.cell = (min(max(known.width, 4), 40), min(max(known.height, 4), 80))
  }

  /// One sequence that draws images beside each other, each in a box of cells, with a cell between two.
  func row(_ pictures: [ImageSheet.Picture], width: Int, height: Int) -> String {
    let columns = max(1, pictures.count * (width + 1) - 1)
    let (wide, high) = (columns * cell.width, height * cell.height)
    var canvas = [Colour?](repeating: nil, count: wide * high)
    for (place, picture) in pictures.enumerated() {
      let (w, h) = SheetText.size(picture, in: width * cell.width, high)
      let pixels = Pixels(picture, width: w, height: h)
      let left = place * (width + 1) * cell.width + (width * cell.width - w) / 2
      for y in 0..<h {
        for x in 0..<w { canvas[y * wide + left + x] = pixels[x, y] }
      }
    }
    return kind == .kitty
      ? kitty(canvas, wide, high, columns: columns, rows: height) : sixel(canvas, wide, high)
  }

  private func kitty(_ canvas: [Colour?], _ width: Int, _ height: Int, columns: Int, rows: Int) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(canvas.count * 4)
    for colour in canvas {
      let colour = colour.map { ($0, UInt8(255)) } ?? (Colour(0), 0)
      bytes += [UInt8(colour.0.red), UInt8(colour.0.green), UInt8(colour.0.blue), colour.1]
    }
    let text = base64(bytes)
    var sequence = ""
    var rest = text[...]
    var isFirst = true
    repeat {
      let part = rest.prefix(4096)
      rest = rest.dropFirst(part.count)
      let more = rest.isEmpty ? 0 : 1
      let keys = isFirst ? "a=T,f=32,s=\(width),v=\(height),c=\(columns),r=\(rows),q=2,m=\(more)" : "m=\(more)"
      sequence += "\u{1B}_G\(keys);\(String(decoding: part, as: UTF8.self))\u{1B}\\"
      isFirst = false
    } while !rest.isEmpty
    return sequence
  }

  /// Six rows at a time, a pass for each colour of a cube of 6 × 6 × 6 and of 24 greys.
  private func sixel(_ canvas: [Colour?], _ width: Int, _ height: Int) -> String {
    let indices = canvas.map { $0.map(\.indexed) }
    var sequence = "\u{1B}P0;1;0q\"1;1;\(width);\(height)"
    let levels = [0, 95, 135, 175, 215, 255]
    for index in Set(indices.compactMap { $0 }).sorted() {
      let (r, g, b) =
        index >= 232
        ? (8 + 10 * (index - 232), 8 + 10 * (index - 232), 8 + 10 * (index - 232))
        : (levels[(index - 16) / 36], levels[(index - 16) / 6 % 6], levels[(index - 16) % 6])
      sequence += "#\(index);2;\(r * 100 / 255);\(g * 100 / 255);\(b * 100 / 255)"
    }
    for top in stride(from: 0, to: height, by: 6) {
      var masks: [Int: [UInt8]] = [:]
      for y in top..<min(top + 6, height) {
        for x in 0..<width {
          guard let index = indices[y * width + x] else { continue }
          masks[index, default: [UInt8](repeating: 0, count: width)][x] |= 1 << UInt8(y - top)
        }
      }
      for index in masks.keys.sorted() {
        guard let mask = masks[index] else { continue }
        sequence += "#\(index)"
        var x = 0
        while x < width {
          var end = x
          while end < width, mask[end] == mask[x] { end += 1 }
          let sign = String(Unicode.Scalar(63 + mask[x]))
          let count = end - x
          sequence += count > 3 ? "!\(count)\(sign)" : String(repeating: sign, count: count)
          x = end
        }
        sequence += "$"
      }
      sequence += "-"
    }
    return sequence + "\u{1B}\\"
  }
}
