import Base
import Tensors

/// Built-in synthetic images: the ten digits drawn as strokes of random pose, shape, width, softness, contrast and
/// noise, some of them blends of two digits whose exact label distribution is known.
///
/// How one image comes about, and why its posterior is exact:
///
/// 1. With probability `ambiguity` the image is a blend: an unordered pair of different classes a < b, each pair
///    equally likely, and a weight w uniform in [0.1, 0.9]. Otherwise one class a, each equally likely, and w = 1.
/// 2. The image is drawn from (a, b, w) and from pose, shape, stroke, background and noise that do not depend on them:
///    ink = w · ink of a + (1 − w) · ink of b.
/// 3. The label is drawn last, from (a, b, w) alone: a with probability w, b with 1 − w.
///
/// So P(label | everything the image was made from) is w on a and 1 − w on b, exactly; this is what `posterior` holds.
/// No classifier can be right more often than the larger of the two, and none that sees the image alone can know w
/// better than the noise lets it be read from the two inks (hundreds of pixels: within about 0.01).
///
/// Image i depends on (seed, part, i), `ambiguity` and `size` only: not on n, the order or the number of threads.
///
/// - Parameters:
///   - n: training images, 0…10,000,000.
///   - test: test images; by default a quarter of n.
///   - ambiguity: the share of blends, 0…1.
///   - size: height and width in pixels, 8…256.
/// - Throws: `value` for arguments out of range, `memory` for images of more than 4 GiB or `Compute.memoryLimit`,
///   `interrupted`.
public func glyphs(
  n: Int = 4000, test: Int? = nil, ambiguity: Double = 0.3, seed: UInt64 = 0, size: Int = 28
) throws(CoreError) -> (train: Dataset, test: Dataset) {
  for (name, count) in [("n", n), ("test", test ?? 0)] where !(0...10_000_000).contains(count) {
    throw CoreError(.value, "\(name) must be from 0 to 10000000, not \(count)", hint: "n=4000 is usual", argument: name)
  }
  guard ambiguity >= 0, ambiguity <= 1 else {
    throw CoreError(
      .value, "ambiguity must be from 0 to 1, not \(ambiguity)",
      hint: "ambiguity=0 makes no blends, ambiguity=1 only blends",
      argument: "ambiguity")
  }
  guard (8...256).contains(size) else {
    throw CoreError(.value, "size must be from 8 to 256, not \(size)", hint: "size=28 is usual", argument: "size")
  }
  let test = test ?? (n + 3) / 4
  guard (n + test) * size * size <= min(4 << 30, Compute.memoryLimit) else {
    throw CoreError(
      .memory, "\(n + test) images of \(size)×\(size) are too many for the memory",
      hint: "make fewer or smaller ones: n=4000, size=28")
  }
  let source = GlyphSource(ambiguity: ambiguity, size: size)
  return (
    try source.dataset(name: "glyphs train", count: n, stream: RandomStream(seed: seed, purpose: "glyphs.train")),
    try source.dataset(name: "glyphs test", count: test, stream: RandomStream(seed: seed, purpose: "glyphs.test"))
  )
}

private struct GlyphSource {
  let ambiguity: Double
  let size: Int

  func dataset(name: String, count: Int, stream: RandomStream) throws(CoreError) -> Dataset {
    let classes = GlyphOutlines.digits.count
    let area = size * size
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * area)
    var labels = [Int](repeating: 0, count: count)
    var posterior = [Float](repeating: 0, count: count * classes)
    let group = 4096
    for start in stride(from: 0, to: count, by: group) {
      try StopSignal.poll()
      pixels.append(contentsOf: repeatElement(0, count: min(group, count - start) * area))
      pixels.withUnsafeMutableBufferPointer { pixels in
        labels.withUnsafeMutableBufferPointer { labels in
          posterior.withUnsafeMutableBufferPointer { posterior in
            // Each chunk writes its own images only.
            nonisolated(unsafe) let (pixels, labels, posterior) = (pixels, labels, posterior)
            Compute.inParallel(min(group, count - start), grain: 64) { range in
              var canvas = GlyphCanvas(size: size)
              for i in range.lowerBound + start..<range.upperBound + start {
                let drawing = GlyphDrawing(stream: stream.child(i), ambiguity: ambiguity)
                canvas.draw(drawing, into: UnsafeMutableBufferPointer(rebasing: pixels[i * area..<(i + 1) * area]))
                labels[i] = drawing.label
                posterior[i * classes + drawing.first] += Float(drawing.weight)
                posterior[i * classes + drawing.second] += 1 - Float(drawing.weight)
              }
            }
          }
        }
      }
    }
    // The last group may have been stopped too.
    try StopSignal.poll()
    return Dataset(
      name: name, classNames: (0..<classes).map(String.init), labels: labels, ids: Array(0..<count),
      source: InMemoryImages(bytes: pixels, shape: [1, size, size]), posteriorValues: posterior)
  }
}

/// What one image shows, and its label.
private struct GlyphDrawing {
  let first: Int
  /// The same as `first` where the image is no blend.
  let second: Int
  /// The share of `first`.
  let weight: Double
  let label: Int
  let poses: (GlyphPose, GlyphPose)
  /// Brightness of the paper and of full ink.
  let background: Double
  let ink: Double
  let noise: Double
  let noiseStream: RandomStream

  init(stream: RandomStream, ambiguity: Double) {
    let numbers = stream.child(0)
    if Double(numbers.uniform(at: 0)) < ambiguity {
      let pair = numbers.child(1)
      let a = pair.integer(below: 10, at: 0)
      let b = pair.integer(below: 9, at: 1)
      // Unordered: the smaller class comes first, so that w says nothing about the order of the draw.
      (first, second) = b < a ? (b, a) : (a, b + 1)
      weight = 0.1 + 0.8 * Double(numbers.uniform(at: 1))
    } else {
      first = numbers.child(2).integer(below: 10, at: 0)
      second = first
      weight = 1
    }
    label = Double(stream.child(1).uniform(at: 0)) < weight ? first : second
    poses = (GlyphPose(stream: stream.child(2)), GlyphPose(stream: stream.child(3)))
    background = 0.08 * Double(numbers.uniform(at: 2))
    ink = 0.85 + 0.15 * Double(numbers.uniform(at: 3))
    noise = 0.01 + 0.03 * Double(numbers.uniform(at: 4))
    noiseStream = stream.child(4)
  }
}

/// How one digit is drawn, in units of the image's side.
private struct GlyphPose {
  let xAxis: SIMD2<Double>
  let yAxis: SIMD2<Double>
  let centre: SIMD2<Double>
  /// A smooth bend of the strokes.
  let bend: SIMD4<Double>
  let halfWidth: Double
  /// Width of the edge from full ink to none.
  let softness: Double

  init(stream: RandomStream) {
    func number(_ index: Int, _ low: Double, _ high: Double) -> Double {
      low + (high - low) * Double(stream.uniform(at: index))
    }
    let angle = number(0, -0.26, 0.26)
    let scale = number(1, 0.27, 0.35)
    let width = scale * number(2, 0.82, 1.15)
    let shear = number(3, -0.22, 0.22)
    // Third-order expansions keep the numbers the same on every machine.
    let sine = angle - angle * angle * angle / 6
    let cosine = (1 - sine * sine).squareRoot()
    xAxis = SIMD2(width * cosine, width * sine)
    yAxis = SIMD2(-scale * sine - scale * shear * cosine, scale * cosine - scale * shear * sine)
    centre = SIMD2(0.5 + number(4, -0.08, 0.08), 0.5 + number(5, -0.08, 0.08))
    bend = SIMD4(number(6, -0.1, 0.1), number(7, -0.1, 0.1), number(8, -0.08, 0.08), number(9, -0.08, 0.08))
    halfWidth = number(10, 0.028, 0.058)
    softness = number(11, 0.03, 0.075)
  }

  func place(_ point: SIMD2<Double>) -> SIMD2<Double> {
    let (x, y) = (point.x, point.y)
    let bent = SIMD2(x + bend.x * (y * y - 0.4) + bend.y * x * y, y + bend.z * x + bend.w * (x * x - 0.15))
    return centre + bent.x * xAxis + bent.y * yAxis
  }
}

/// Draws strokes as soft lines on one image at a time.
private struct GlyphCanvas {
  let size: Int
  private var distances: [Double]
  private var paper: [Double]

  init(size: Int) {
    self.size = size
    distances = [Double](repeating: 0, count: size * size)
    paper = distances
  }

  mutating func draw(_ drawing: GlyphDrawing, into pixels: UnsafeMutableBufferPointer<UInt8>) {
    for i in paper.indices { paper[i] = 0 }
    addInk(of: drawing.first, drawing.poses.0, weight: drawing.weight)
    if drawing.second != drawing.first { addInk(of: drawing.second, drawing.poses.1, weight: 1 - drawing.weight) }
    let contrast = drawing.ink - drawing.background
    for i in paper.indices {
      // The sum of four bytes: close to normal, and exact on every machine.
      let word = drawing.noiseStream.bits(at: i)
      let sum = Int(word & 255) + Int(word >> 8 & 255) + Int(word >> 16 & 255) + Int(word >> 24)
      let deviate = Double(sum - 510) / 147.8
      let value = drawing.background + contrast * paper[i] + drawing.noise * deviate
      pixels[i] = UInt8((min(max(value, 0), 1) * 255).rounded())
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
