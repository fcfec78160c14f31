import Base
import Tensors

/// Built-in synthetic images: the ten digits drawn as strokes of random pose, shape, width, softness, contrast and
/// noise, some of them blends of two digits whose exact label distribution is known.
///
/// How one image comes about, and why its posterior is exact:
///
/// 1. With probability `ambiguity` the image is a blend: an unordered pair of different classes a < b, each of `pairs`
///    equally likely, and a weight w uniform in [0.1, 0.9]. Otherwise one class a, each equally likely, and w = 1.
/// 2. The image is drawn from (a, b, w) and from pose, shape, stroke, colour, background and noise that do not depend
///    on them: ink = w · ink of a + (1 − w) · ink of b.
/// 3. The label is drawn last, from (a, b, w) alone: a with probability w, b with 1 − w.
///
/// So P(label | everything the image was made from) is w on a and 1 − w on b, exactly, at every difficulty, in every
/// colour and size; this is what `posterior` holds. No classifier can be right more often than the larger of the two,
/// and none that sees the image alone can know w better than the noise lets it be read from the two inks (hundreds of
/// pixels: within about 0.01 at the usual difficulty and size).
///
/// Image i depends on (seed, part, i) and on the settings of the drawing only: not on n, the order or the number of
/// threads.
///
/// - Parameters:
///   - n: training images, 0…10,000,000.
///   - test: test images; by default a quarter of n.
///   - ambiguity: the share of blends, 0…1.
///   - size: height and width in pixels, 8…256.
///   - difficulty: how far pose, shape, stroke, contrast and noise vary, 0…1: not at all at 0, twice the usual at 1.
///   - pairs: the pairs of classes that are blended; all 45 where it is nil.
///   - channels: 1 for grey, 3 for coloured ink on coloured paper.
/// - Throws: `value` for arguments out of range, `memory` for images of more than 4 GiB or `Compute.memoryLimit`,
///   `interrupted`.
public func glyphs(
  n: Int = 4000, test: Int? = nil, ambiguity: Double = 0.3, seed: UInt64 = 0, size: Int = 28, difficulty: Double = 0.5,
  pairs: [[Int]]? = nil, channels: Int = 1
) throws(CoreError) -> (train: Dataset, test: Dataset) {
  for (name, count) in [("n", n), ("test", test ?? 0)] where !(0...10_000_000).contains(count) {
    throw CoreError(.value, "\(name) must be from 0 to 10000000, not \(count)", hint: "n=4000 is usual", argument: name)
  }
  let source = GlyphSource(
    ambiguity: ambiguity, difficulty: difficulty, pairs: try checked(pairs, ambiguity), shape: [channels, size, size])
  try source.validate()
  let test = test ?? (n + 3) / 4
  guard (n + test) * channels * size * size <= min(4 << 30, Compute.memoryLimit) else {
    throw CoreError(
      .memory,
      "\(n + test) images of \(channels == 1 ? "" : "\(channels)×")\(size)×\(size) are too many for the memory",
      hint: "make fewer or smaller ones: n=4000, size=28")
  }
  return (
    try source.dataset(name: "glyphs train", count: n, stream: RandomStream(seed: seed, purpose: "glyphs.train")),
    try source.dataset(name: "glyphs test", count: test, stream: RandomStream(seed: seed, purpose: "glyphs.test"))
  )
}

/// The pairs to blend, the smaller class of each first.
private func checked(_ pairs: [[Int]]?, _ ambiguity: Double) throws(CoreError) -> [GlyphPair]? {
  guard let pairs else { return nil }
  func refusal(_ message: String) -> CoreError {
    CoreError(.value, message, hint: "pairs=[[3, 8], [4, 9]] blends 3 with 8 and 4 with 9", argument: "pairs")
  }
  if pairs.isEmpty { throw refusal("pairs must name at least one pair of classes") }
  if ambiguity == 0 {
    throw CoreError(
      .value, "with ambiguity=0 nothing is blended: pairs would not be used",
      hint: "give an ambiguity above 0, or leave pairs out", argument: "pairs")
  }
  var known: [GlyphPair] = []
  for pair in pairs {
    guard pair.count == 2, pair.allSatisfy((0...9).contains), pair[0] != pair[1] else {
      throw refusal("a pair must be two different classes from 0 to 9, not \(pair)")
    }
    let ordered = GlyphPair(first: min(pair[0], pair[1]), second: max(pair[0], pair[1]))
    if known.contains(ordered) { throw refusal("the pair \(pair) is given twice") }
    known.append(ordered)
  }
  return known
}

private struct GlyphSource {
  /// The share of blends, 0…1.
  let ambiguity: Double
  /// How far images vary, 0…1.
  let difficulty: Double
  /// What is blended; nil for every pair.
  let pairs: [GlyphPair]?
  /// Channels, height, width.
  let shape: [Int]

  func validate() throws(CoreError) {
    guard ambiguity >= 0, ambiguity <= 1 else {
      throw CoreError(
        .value, "ambiguity must be from 0 to 1, not \(ambiguity)",
        hint: "ambiguity=0 makes no blends, ambiguity=1 only blends", argument: "ambiguity")
    }
    guard difficulty >= 0, difficulty <= 1 else {
      throw CoreError(
        .value, "difficulty must be from 0 to 1, not \(difficulty)",
        hint: "difficulty=0.5 is usual, 0 makes all images of a class alike", argument: "difficulty")
    }
    guard shape[0] == 1 || shape[0] == 3 else {
      throw CoreError(
        .value, "channels must be 1 or 3, not \(shape[0])", hint: "channels=3 makes coloured images",
        argument: "channels")
    }
    guard (8...256).contains(shape[1]) else {
      throw CoreError(
        .value, "size must be from 8 to 256, not \(shape[1])", hint: "size=28 is usual", argument: "size")
    }
  }

  func dataset(name: String, count: Int, stream: RandomStream) throws(CoreError) -> Dataset {
    let classes = GlyphOutlines.digits.count
    let imageSize = shape.reduce(1, *)
    var pixels: [UInt8] = []
    pixels.reserveCapacity(count * imageSize)
    var labels = [Int](repeating: 0, count: count)
    var posterior = [Float](repeating: 0, count: count * classes)
    let group = 4096
    for start in stride(from: 0, to: count, by: group) {
      try StopSignal.poll()
      pixels.append(contentsOf: repeatElement(0, count: min(group, count - start) * imageSize))
      pixels.withUnsafeMutableBufferPointer { pixels in
        labels.withUnsafeMutableBufferPointer { labels in
          posterior.withUnsafeMutableBufferPointer { posterior in
            // Each chunk writes its own images only.
            nonisolated(unsafe) let (pixels, labels, posterior) = (pixels, labels, posterior)
            Compute.inParallel(min(group, count - start), grain: 64) { range in
              var canvas = GlyphCanvas(shape: shape)
              for i in range.lowerBound + start..<range.upperBound + start {
                let drawing = GlyphDrawing(
                  stream: stream.child(i), ambiguity: ambiguity, difficulty: difficulty, pairs: pairs)
                let image = UnsafeMutableBufferPointer(rebasing: pixels[i * imageSize..<(i + 1) * imageSize])
                canvas.draw(drawing, into: image)
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
      source: InMemoryImages(bytes: pixels, shape: shape), posteriorValues: posterior)
  }
}
