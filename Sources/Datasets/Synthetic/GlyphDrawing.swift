import Base
import Tensors

/// What one image shows, and its label.
struct GlyphDrawing {
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
  /// The colours of coloured images, which say nothing of the classes.
  private let colours: RandomStream

  /// - Parameters:
  ///   - stream: that of the image.
  ///   - ambiguity: the share of blends.
  ///   - difficulty: 0.5 is the usual one; what varies does so by twice this share of its usual range.
  ///   - pairs: what is blended; nil for every pair.
  init(stream: RandomStream, ambiguity: Double, difficulty: Double, pairs: [GlyphPair]?) {
    let spread = 2 * difficulty
    let numbers = stream.child(0)
    if Double(numbers.uniform(at: 0)) < ambiguity {
      let pair = numbers.child(1)
      if let pairs {
        let chosen = pairs[pair.integer(below: pairs.count, at: 0)]
        (first, second) = (chosen.first, chosen.second)
      } else {
        let a = pair.integer(below: 10, at: 0)
        let b = pair.integer(below: 9, at: 1)
        // Unordered: the smaller class comes first, so that w says nothing about the order of the draw.
        (first, second) = b < a ? (b, a) : (a, b + 1)
      }
      weight = 0.1 + 0.8 * Double(numbers.uniform(at: 1))
    } else {
      first = numbers.child(2).integer(below: 10, at: 0)
      second = first
      weight = 1
    }
    label = Double(stream.child(1).uniform(at: 0)) < weight ? first : second
    poses = (GlyphPose(stream: stream.child(2), spread: spread), GlyphPose(stream: stream.child(3), spread: spread))
    background = spread * (0.08 * Double(numbers.uniform(at: 2)))
    ink =
      spread == 1 ? 0.85 + 0.15 * Double(numbers.uniform(at: 3)) : 1 - spread * (0.15 * Double(numbers.uniform(at: 3)))
    noise = spread * spread * (0.01 + 0.03 * Double(numbers.uniform(at: 4)))
    noiseStream = stream.child(4)
    colours = stream.child(5)
  }

  /// Brightness of paper and of full ink in each channel: one for grey, three for the colours of the image.
  func tones(channels: Int) -> [(paper: Double, ink: Double)] {
    guard channels == 3 else { return [(background, ink)] }
    func number(_ index: Int) -> Double { Double(colours.uniform(at: index)) }
    let inks = rgb(hue: number(0), saturation: 0.2 + 0.7 * number(1), value: ink)
    let papers = rgb(hue: number(2), saturation: number(3), value: background + 0.15 * number(4))
    return zip(papers, inks).map { ($0, $1) }
  }
}

/// Two different classes, the smaller first.
struct GlyphPair: Equatable, Sendable {
  let first: Int
  let second: Int
}

/// A colour by hue (a full circle is 1), saturation and value, each from 0 to 1.
private func rgb(hue: Double, saturation: Double, value: Double) -> [Double] {
  [5.0, 3.0, 1.0].map { offset in
    let k = (offset + 6 * hue).truncatingRemainder(dividingBy: 6)
    return value * (1 - saturation * max(0, min(k, 4 - k, 1)))
  }
}

/// How one digit is drawn, in units of the image's side.
struct GlyphPose {
  let xAxis: SIMD2<Double>
  let yAxis: SIMD2<Double>
  let centre: SIMD2<Double>
  /// A smooth bend of the strokes.
  let bend: SIMD4<Double>
  let halfWidth: Double
  /// Width of the edge from full ink to none.
  let softness: Double

  /// - Parameter spread: how far the numbers lie from their middles; 1 is usual.
  init(stream: RandomStream, spread: Double) {
    func number(_ index: Int, _ low: Double, _ high: Double) -> Double {
      // Written so that the usual spread gives the usual bits.
      let usual = low + (high - low) * Double(stream.uniform(at: index))
      let middle = (low + high) / 2
      return spread == 1 ? usual : middle + spread * (usual - middle)
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
    // A digit must not leave the image.
    func shift(_ index: Int) -> Double { min(max(number(index, -0.08, 0.08), -0.11), 0.11) }
    centre = SIMD2(0.5 + shift(4), 0.5 + shift(5))
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
