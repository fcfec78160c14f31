import Base
import CCairo

/// What a figure can be saved as.
public enum PictureFormat: String, CaseIterable, Sendable {
  case svg, png, pdf

  /// The format that the ending of a path names.
  public init?(path: String) {
    let name = path.split(separator: "/").last ?? ""
    guard let point = name.lastIndex(of: ".") else { return nil }
    self.init(rawValue: name[name.index(after: point)...].lowercased())
  }
}

extension Figure {
  /// Saves the figure; an existing file is replaced only when the new one is complete.
  ///
  /// Equal figures are equal files: neither the time nor what was drawn before is in them.
  ///
  /// - Parameters:
  ///   - path: ends in .svg, .png or .pdf.
  ///   - width: of the picture in points, 1/72 inch.
  ///   - height: of each chart in points.
  ///   - scale: pixels for each point of a PNG.
  /// - Throws: `value` for another ending or a size out of range, `memory` for a picture that is too large, `io` where the
  ///   file cannot be written or cairo is not there.
  public func save(
    to path: String, width: Double = 640, height: Double = 360, scale: Double = 2
  ) throws(CoreError) {
    guard let format = PictureFormat(path: path) else {
      throw CoreError(
        .value, "a figure is saved as .svg, .png or .pdf, which the end of the path says, not '\(path)'",
        hint: "save_plot(figure, \"figure.svg\")", argument: "path")
    }
    try AtomicFile.replace(path, parts: [try file(format, width: width, height: height, scale: scale)])
  }

  /// The bytes of the file that `save` writes.
  public func file(
    _ format: PictureFormat, width: Double = 640, height: Double = 360, scale: Double = 2
  ) throws(CoreError) -> [UInt8] {
    for (name, value, range) in [
      ("width", width, 100.0...5000.0), ("height", height, 80...5000), ("scale", scale, 0.5...8),
    ] {
      guard range.contains(value) else {
        throw CoreError(
          .value,
          "\(name) must be from \(range.lowerBound.shortest) to \(range.upperBound.shortest), not \(value.shortest)",
          hint: "width=640, height=360 and scale=2 are the defaults", argument: name)
      }
    }
    let layout = PageLayout(self, width: width, height: height)
    guard layout.height <= 20_000 else {
      throw CoreError(
        .memory, "the picture would be \(Int(layout.height)) points tall", hint: "draw fewer images", argument: "figure"
      )
    }
    let page = try Page(format, width: width, height: layout.height, scale: scale)
    try layout.draw(on: page)
    return try page.file()
  }
}

/// A page of cairo: lines, boxes, words and pixels in points from the left upper corner.
final class Page {
  private let page: OpaquePointer
  private let format: PictureFormat
  private let size: (width: Int, height: Int)

  enum Weight { case normal, bold }

  init(_ format: PictureFormat, width: Double, height: Double, scale: Double) throws(CoreError) {
    if let problem = ltd_page_prepare() {
      throw CoreError(.io, String(cString: problem), hint: "install libcairo2: apt-get install libcairo2")
    }
    let kind: ltd_page_kind =
      switch format {
      case .svg: LTD_PAGE_SVG
      case .pdf: LTD_PAGE_PDF
      case .png: LTD_PAGE_PIXELS
      }
    self.format = format
    size = (Int((width * scale).rounded(.up)), Int((height * scale).rounded(.up)))
    guard let page = ltd_page_begin(kind, width, height, scale) else {
      throw CoreError(.memory, "not enough memory for a picture of \(size.width) × \(size.height) pixels")
    }
    self.page = page
  }

  deinit { ltd_page_free(page) }

  func line(_ points: [(Double, Double)], _ colour: Colour, width: Double, dash: Double = 0) {
    guard let first = points.first else { return }
    ltd_page_move(page, first.0, first.1)
    // A line of one point is a dot.
    if points.count == 1 { ltd_page_line(page, first.0 + 0.01, first.1) }
    for point in points.dropFirst() { ltd_page_line(page, point.0, point.1) }
    ltd_page_stroke(page, colour.rgb, width, dash)
  }

  func box(_ x: Double, _ y: Double, _ width: Double, _ height: Double, _ colour: Colour, opacity: Double = 1) {
    ltd_page_box(page, x, y, width, height)
    ltd_page_fill(page, colour.rgb, opacity)
  }

  func disc(_ x: Double, _ y: Double, radius: Double, _ colour: Colour, opacity: Double = 1) {
    ltd_page_disc(page, x, y, radius)
    ltd_page_fill(page, colour.rgb, opacity)
  }

  /// - Parameter anchor: 0 where the text begins at the point, 1 where it ends there.
  func text(
    _ text: String, _ x: Double, _ y: Double, size: Double = 11, anchor: Double = 0,
    _ colour: Colour = Colour(0x222222),
    _ weight: Weight = .normal, upward: Bool = false
  ) {
    ltd_page_text(page, Words.plain(text), x, y, size, anchor, colour.rgb, weight == .bold, upward)
  }

  func width(of text: String, size: Double = 11, _ weight: Weight = .normal) -> Double {
    ltd_page_text_width(page, Words.plain(text), size, weight == .bold)
  }

  /// The text, cut to a width.
  func cut(_ text: String, to room: Double, size: Double = 11) -> String {
    var text = Words.plain(text)
    if width(of: text, size: size) <= room { return text }
    text = String(text.prefix(200))
    while !text.isEmpty, width(of: text + "…", size: size) > room { text.removeLast() }
    return text.isEmpty ? "" : text + "…"
  }

  func image(_ pixels: Pixels, _ x: Double, _ y: Double, _ width: Double, _ height: Double) {
    // Some programs that show an SVG blur the pixels of an image over each other; large ones have sharp edges all the same.
    let pixels = format == .svg ? pixels.enlarged(by: min(16, 1024 / max(pixels.width, pixels.height, 1))) : pixels
    let words = pixels.colours.map(\.rgb)
    ltd_page_image(page, words, Int32(pixels.width), Int32(pixels.height), x, y, width, height)
  }

  func file() throws(CoreError) -> [UInt8] {
    var count = 0
    guard let bytes = ltd_page_end(page, &count) else {
      throw CoreError(.memory, "the picture could not be drawn: cairo has no memory left")
    }
    let drawn = Array(UnsafeBufferPointer(start: bytes, count: count))
    switch format {
    case .pdf: return drawn
    case .svg: return renumbered(drawn)
    case .png: return try pngFile(drawn, width: size.width, height: size.height, channels: 3)
    }
  }
}

/// An SVG whose ids count from 1: cairo counts the surfaces of the whole process.
private func renumbered(_ bytes: [UInt8]) -> [UInt8] {
  var result: [UInt8] = []
  result.reserveCapacity(bytes.count)
  var numbers: [[UInt8]: Int] = [:]
  let names = ["surface", "image", "pattern", "mask", "clip", "linear", "radial", "source-", "filter-"].map {
    Array($0.utf8)
  }
  var index = 0
  while index < bytes.count {
    let byte = bytes[index]
    result.append(byte)
    index += 1
    // Only after a quotation mark or a # can an id begin, and pixels in base64 have neither.
    guard byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "#") else { continue }
    for name in names where bytes[index...].starts(with: name) {
      var end = index + name.count
      while end < bytes.count, (48...57).contains(bytes[end]) { end += 1 }
      guard end > index + name.count else { continue }
      let id = Array(bytes[index..<end])
      let number = numbers[id] ?? numbers.count + 1
      numbers[id] = number
      result += name + Array("\(number)".utf8)
      index = end
      break
    }
  }
  return result
}
