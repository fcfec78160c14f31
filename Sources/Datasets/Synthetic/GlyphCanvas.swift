import Tensors

/// Draws strokes as soft lines on one image at a time.
struct GlyphCanvas {
  private let channels: Int
  private let size: Int
  private var distances: [Double]
  private var paper: [Double]

  /// - Parameter shape: channels, height and width, which are equal.
  init(shape: [Int]) {
    channels = shape[0]
    size = shape[1]
    distances = [Double](repeating: 0, count: size * size)
    paper = distances
  }

  mutating func draw(_ drawing: GlyphDrawing, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    for i in paper.indices { paper[i] = 0 }
    addInk(of: drawing.first, drawing.poses.0, weight: drawing.weight)
    if drawing.second != drawing.first { addInk(of: drawing.second, drawing.poses.1, weight: 1 - drawing.weight) }
    for (channel, tone) in drawing.tones(channels: channels).enumerated() {
      let contrast = tone.ink - tone.paper
      let start = channel * paper.count
      for i in paper.indices {
        // The sum of four bytes: close to normal, and exact on every machine.
        let word = drawing.noiseStream.bits(at: start + i)
        let sum = Int(word & 255) + Int(word >> 8 & 255) + Int(word >> 16 & 255) + Int(word >> 24)
        let deviate = Double(sum - 510) / 147.8
        let value = tone.paper + contrast * paper[i] + drawing.noise * deviate
        pixels[start + i] = UInt8((min(max(value, 0), 1) * 255).rounded())
      }
    }
  }

  private mutating func addInk(of digit: Int, _ pose: GlyphPose, weight: Double) {
    let pixel = 1 / Double(size)
    // An edge cannot be sharper than a pixel.
    let softness = max(pose.softness, pixel)
    let reach = max(pose.halfWidth, 0.6 * pixel) + softness / 2
    for i in distances.indices { distances[i] = reach * reach }
    for stroke in GlyphOutlines.digits[digit] {
      var start = pose.place(stroke[0])
      for point in stroke.dropFirst() {
        let end = pose.place(point)
        measure(from: start, to: end, reach: reach)
        start = end
      }
    }
    for i in distances.indices where distances[i] < reach * reach {
      let depth = min((reach - distances[i].squareRoot()) / softness, 1)
      paper[i] += weight * depth * depth * (3 - 2 * depth)
    }
  }

  /// Lowers the squared distances of the pixels near a segment.
  private mutating func measure(from start: SIMD2<Double>, to end: SIMD2<Double>, reach: Double) {
    let side = Double(size)
    func range(_ a: Double, _ b: Double) -> Range<Int> {
      let low = max(0, Int((side * (min(a, b) - reach) - 0.5).rounded(.up)))
      let high = min(size, Int((side * (max(a, b) + reach) - 0.5).rounded(.down)) + 1)
      return low..<max(low, high)
    }
    let direction = end - start
    let squared = (direction * direction).sum()
    let columns = range(start.x, end.x)
    for row in range(start.y, end.y) {
      for column in columns {
        let point = SIMD2((Double(column) + 0.5) / side, (Double(row) + 0.5) / side) - start
        let along = squared > 0 ? min(max((point * direction).sum() / squared, 0), 1) : 0
        let offset = point - along * direction
        let distance = (offset * offset).sum()
        let i = row * size + column
        if distance < distances[i] { distances[i] = distance }
      }
    }
  }
}
