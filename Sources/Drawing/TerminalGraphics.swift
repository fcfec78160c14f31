import Base

/// Pixels for terminals that take them: the graphics protocol of kitty, or sixels.
///
/// A sequence leaves the cursor where it was, whatever the terminal does after a picture. Through tmux the pixels pass by in
/// a sequence of its own that tmux hands on, and what tmux knows of is text: a character in each cell of the image, with
/// marks for its row and column, in a colour that is the number of the image. So tmux moves, hides and draws them again as
/// any text.
struct TerminalGraphics {
  private let kind: PictureLook.Graphics
  private let cell: (width: Int, height: Int)

  init(_ kind: PictureLook.Graphics, cell: (width: Int, height: Int)?) {
    self.kind = kind
    let known = cell ?? (10, 20)
    self.cell = (min(max(known.width, 4), 40), min(max(known.height, 4), 80))
  }

  /// One sequence that draws images beside each other, from the cell of the cursor on.
  ///
  /// - Parameters:
  ///   - stride: cells from the left edge of an image to that of the next.
  ///   - width: the cells of an image.
  /// - Throws: `memory` where the pixels cannot be packed.
  func row(_ pictures: [ImageSheet.Picture], stride: Int, width: Int, height: Int) throws(CoreError) -> String {
    let columns = max(1, (pictures.count - 1) * stride + width)
    // A sixel has six rows, and none of them may lie below the image.
    let high = kind == .sixel ? max(6, height * cell.height / 6 * 6) : height * cell.height
    let wide = columns * cell.width
    var canvas = [Colour?](repeating: nil, count: wide * high)
    for (place, picture) in pictures.enumerated() {
      let (w, h) = SheetText.size(picture, in: width * cell.width, high)
      let pixels = Pixels(picture, width: w, height: h)
      let left = place * stride * cell.width + (width * cell.width - w) / 2
      for y in 0..<h {
        for x in 0..<w { canvas[y * wide + left + x] = pixels[x, y] }
      }
    }
    let sequence =
      kind == .sixel
      ? sixel(canvas, wide, high)
      : try kitty(canvas, "a=T,C=1,s=\(wide),v=\(high),c=\(columns),r=\(height)") { $0 }
    return "\u{1B}7" + sequence + "\u{1B}8"
  }

  /// An image whose place is told by the characters of `mark`.
  ///
  /// - Returns: what hands tmux its pixels, and the colour of its cells.
  func placed(_ picture: ImageSheet.Picture, width: Int, height: Int) throws(CoreError) -> (String, Colour) {
    let (wide, high) = (width * cell.width, height * cell.height)
    var canvas = [Colour?](repeating: nil, count: wide * high)
    let (w, h) = SheetText.size(picture, in: wide, high)
    let pixels = Pixels(picture, width: w, height: h)
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for y in 0..<h {
      for x in 0..<w {
        canvas[y * wide + (wide - w) / 2 + x] = pixels[x, y]
        hash = (hash ^ UInt64(pixels[x, y].rgb)) &* 0x100_0000_01B3
      }
    }
    hash = (hash ^ UInt64(width) << 16 ^ UInt64(height)) &* 0x100_0000_01B3
    // Equal images have equal numbers, and none is 0.
    let id = max(1, UInt32(truncatingIfNeeded: hash >> 20) & 0xFFFFFF)
    let keys = "a=T,U=1,i=\(id),s=\(wide),v=\(high),c=\(width),r=\(height)"
    let sequence = try kitty(canvas, keys) { part in
      "\u{1B}Ptmux;" + part.replacing("\u{1B}", with: "\u{1B}\u{1B}") + "\u{1B}\\"
    }
    return (sequence, Colour(id))
  }

  /// The character that stands in the cells of an image.
  static let placeholder: Unicode.Scalar = "\u{10EEEE}"
  /// The marks of rows and columns, in the order of the protocol; more than these cannot be told.
  static let marks: [Unicode.Scalar] = {
    let codes: [UInt32] = [
      0x305, 0x30D, 0x30E, 0x310, 0x312, 0x33D, 0x33E, 0x33F, 0x346, 0x34A, 0x34B, 0x34C, 0x350, 0x351, 0x352, 0x357,
      0x35B, 0x363, 0x364, 0x365, 0x366, 0x367, 0x368, 0x369, 0x36A, 0x36B, 0x36C, 0x36D, 0x36E, 0x36F, 0x483, 0x484,
      0x485, 0x486, 0x487, 0x592, 0x593, 0x594, 0x595, 0x597, 0x598, 0x599, 0x59C, 0x59D, 0x59E, 0x59F, 0x5A0, 0x5A1,
      0x5A8, 0x5A9, 0x5AB, 0x5AC, 0x5AF, 0x5C4, 0x610, 0x611, 0x612, 0x613, 0x614, 0x615, 0x616, 0x617, 0x657, 0x658,
      0x659, 0x65A, 0x65B, 0x65D, 0x65E, 0x6D6, 0x6D7, 0x6D8, 0x6D9, 0x6DA, 0x6DB, 0x6DC, 0x6DF, 0x6E0, 0x6E1, 0x6E2,
      0x6E4, 0x6E7, 0x6E8, 0x6EB, 0x6EC, 0x730, 0x732, 0x733, 0x735, 0x736, 0x73A, 0x73D, 0x73F, 0x740, 0x741, 0x743,
      0x745, 0x747, 0x749, 0x74A, 0x7EB, 0x7EC, 0x7ED, 0x7EE, 0x7EF, 0x7F0, 0x7F1, 0x7F3, 0x816, 0x817, 0x818, 0x819,
      0x81B, 0x81C, 0x81D, 0x81E, 0x81F, 0x820, 0x821, 0x822, 0x823, 0x825, 0x826, 0x827, 0x829, 0x82A, 0x82B,
    ]
    return codes.compactMap { Unicode.Scalar($0) }
  }()

  /// Packed pixels in sequences of a length that every terminal takes.
  private func kitty(
    _ canvas: [Colour?], _ keys: String, wrap: (String) -> String
  ) throws(CoreError) -> String {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(canvas.count * 4)
    for colour in canvas {
      if let colour {
        bytes += [UInt8(colour.red), UInt8(colour.green), UInt8(colour.blue), 255]
      } else {
        bytes += [0, 0, 0, 0]
      }
    }
    let text = base64(try zlibPacked(bytes))
    var sequence = ""
    var rest = text[...]
    var isFirst = true
    repeat {
      let part = rest.prefix(4096)
      rest = rest.dropFirst(part.count)
      let more = rest.isEmpty ? 0 : 1
      let head = isFirst ? "\(keys),f=32,o=z,q=2,m=\(more)" : "q=2,m=\(more)"
      sequence += wrap("\u{1B}_G\(head);\(String(decoding: part, as: UTF8.self))\u{1B}\\")
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
      if top > 0 { sequence += "-" }
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
    }
    return sequence + "\u{1B}\\"
  }
}
