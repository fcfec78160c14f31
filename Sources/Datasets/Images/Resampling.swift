/// How pixels between pixels are made.
public enum Interpolation: String, Sendable, CaseIterable {
  /// A triangle as wide as a pixel of the coarser image on each side.
  case bilinear
  /// Keys' cubic with a = -0.5, twice as wide.
  case bicubic

  /// Half the width of the filter, in pixels of the coarser image.
  var support: Double { self == .bilinear ? 1 : 2 }

  /// The weight at a distance.
  func weight(_ x: Double) -> Double {
    let x = abs(x)
    switch self {
    case .bilinear: return x < 1 ? 1 - x : 0
    case .bicubic:
      let a = -0.5
      if x < 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
      return x < 2 ? (((x - 5) * x + 8) * x - 4) * a : 0
    }
  }
}

/// Resampling as PIL does it, bit for bit: antialiased, in two passes of 8 bits, rows first, each sum in whole numbers
/// of 22 bits after the point.
///
/// Only what a crop keeps is computed: every pixel of the result depends on its own neighbourhood alone, so a part of
/// the result is the same as the whole cut afterwards. A pass that changes no size is left out, as PIL leaves it out,
/// since a pass rounds.
struct Resampling {
  /// Bits after the point of a weight.
  static let precision: Int32 = 22

  /// The weights of a range of output pixels along one axis.
  struct Axis {
    /// For each output pixel the first input pixel that it depends on.
    var first: [Int32] = []
    /// How many input pixels it depends on.
    var count: [Int32] = []
    /// `width` weights for each output pixel, those that are not used being 0.
    var weights: [Int32] = []
    /// The most input pixels that an output pixel depends on.
    let width: Int

    /// - Parameters:
    ///   - size: input pixels, all of which the output covers.
    ///   - output: the size of the whole output.
    ///   - range: the part that is wanted.
    init(_ size: Int, to output: Int, range: Range<Int>, _ interpolation: Interpolation) {
      let scale = Double(size) / Double(output)
      let filterScale = max(scale, 1)
      let support = interpolation.support * filterScale
      width = Int(support.rounded(.up)) * 2 + 1
      weights.reserveCapacity(range.count * width)
      let unit = Double(1 << Resampling.precision)
      for place in range {
        let centre = (Double(place) + 0.5) * scale
        let start = max(0, Int(centre - support + 0.5))
        let end = min(size, Int(centre + support + 0.5))
        let inverse = 1 / filterScale
        var row = (0..<max(0, end - start)).map {
          interpolation.weight((Double($0 + start) - centre + 0.5) * inverse)
        }
        let sum = row.reduce(0, +)
        if sum != 0 { row = row.map { $0 / sum } }
        first.append(Int32(start))
        count.append(Int32(row.count))
        for weight in row { weights.append(Int32((weight < 0 ? -0.5 : 0.5) + weight * unit)) }
        for _ in row.count..<width { weights.append(0) }
      }
    }

    /// The input pixels that the output pixels depend on.
    var range: Range<Int> {
      guard let first = first.first, let last = self.first.last, let count = count.last else { return 0..<0 }
      return Int(first)..<Int(last + count)
    }
  }

  /// A part of an image that is resized.
  ///
  /// - Parameters:
  ///   - picture: at least one pixel.
  ///   - width: of the whole result, at least 1.
  ///   - height: of the whole result, at least 1.
  ///   - columns: of the result, within its width, not empty.
  ///   - rows: as `columns`.
  static func resize(
    _ picture: Picture, width: Int, height: Int, columns: Range<Int>, rows: Range<Int>,
    _ interpolation: Interpolation
  ) -> Picture {
    let vertical = height == picture.height ? nil : Axis(picture.height, to: height, range: rows, interpolation)
    let needed = vertical?.range ?? rows
    let wide: Picture
    if width == picture.width {
      wide = crop(picture, columns: columns, rows: needed)
    } else {
      wide = across(picture, Axis(picture.width, to: width, range: columns, interpolation), rows: needed)
    }
    guard let vertical else { return wide }
    return down(wide, vertical, from: needed.lowerBound)
  }

  /// A part of an image.
  static func crop(_ picture: Picture, columns: Range<Int>, rows: Range<Int>) -> Picture {
    if columns.count == picture.width, rows.count == picture.height { return picture }
    var pixels: [UInt8] = []
    pixels.reserveCapacity(columns.count * rows.count * 4)
    for row in rows {
      let start = row * picture.width
      pixels += picture.pixels[(start + columns.lowerBound) * 4..<(start + columns.upperBound) * 4]
    }
    return Picture(width: columns.count, height: rows.count, pixels: pixels)
  }

  /// The pass along rows: a pixel is a vector of its four bytes.
  private static func across(_ picture: Picture, _ axis: Axis, rows: Range<Int>) -> Picture {
    let width = axis.first.count
    let half = SIMD4<Int32>(repeating: 1 << (precision - 1))
    let pixels = [UInt8](filling: width * rows.count * 4) { out, written in
      guard let target = UnsafeMutableRawPointer(out.baseAddress) else { return }
      picture.pixels.withUnsafeBytes { source in
        axis.weights.withUnsafeBufferPointer { weights in
          axis.first.withUnsafeBufferPointer { first in
            axis.count.withUnsafeBufferPointer { count in
              for row in rows {
                let line = row * picture.width
                for x in 0..<width {
                  var sum = half
                  let start = (line + Int(first[x])) * 4
                  let row = x * axis.width
                  for k in 0..<Int(count[x]) {
                    let pixel = source.loadUnaligned(fromByteOffset: start + k * 4, as: SIMD4<UInt8>.self)
                    sum &+= SIMD4<Int32>(truncatingIfNeeded: pixel) &* weights[row + k]
                  }
                  target.storeBytes(of: bytes(sum), toByteOffset: written, as: SIMD4<UInt8>.self)
                  written += 4
                }
              }
            }
          }
        }
      }
    }
    return Picture(width: width, height: rows.count, pixels: pixels)
  }

  /// The pass along columns: sixteen bytes of a row at once.
  private static func down(_ picture: Picture, _ axis: Axis, from origin: Int) -> Picture {
    let stride = picture.width * 4
    let height = axis.first.count
    let half = Int32(1) << (precision - 1)
    let pixels = [UInt8](filling: stride * height) { out, written in
      guard let target = UnsafeMutableRawPointer(out.baseAddress) else { return }
      picture.pixels.withUnsafeBytes { source in
        axis.weights.withUnsafeBufferPointer { weights in
          for y in 0..<height {
            let start = (Int(axis.first[y]) - origin) * stride
            let count = Int(axis.count[y])
            var x = 0
            while x + 16 <= stride {
              var sum = SIMD16<Int32>(repeating: half)
              for k in 0..<count {
                let line = source.loadUnaligned(fromByteOffset: start + k * stride + x, as: SIMD16<UInt8>.self)
                sum &+= SIMD16<Int32>(truncatingIfNeeded: line) &* weights[y * axis.width + k]
              }
              let clamped = (sum &>> precision).clamped(lowerBound: .zero, upperBound: .init(repeating: 255))
              target.storeBytes(
                of: SIMD16<UInt8>(truncatingIfNeeded: clamped), toByteOffset: written + x, as: SIMD16<UInt8>.self)
              x += 16
            }
            while x < stride {
              var sum = SIMD4<Int32>(repeating: half)
              for k in 0..<count {
                let pixel = source.loadUnaligned(fromByteOffset: start + k * stride + x, as: SIMD4<UInt8>.self)
                sum &+= SIMD4<Int32>(truncatingIfNeeded: pixel) &* weights[y * axis.width + k]
              }
              target.storeBytes(of: bytes(sum), toByteOffset: written + x, as: SIMD4<UInt8>.self)
              x += 4
            }
            written += stride
          }
        }
      }
    }
    return Picture(width: picture.width, height: height, pixels: pixels)
  }

  @inline(__always)
  private static func bytes(_ sum: SIMD4<Int32>) -> SIMD4<UInt8> {
    let clamped = (sum &>> precision).clamped(lowerBound: .zero, upperBound: .init(repeating: 255))
    return SIMD4<UInt8>(truncatingIfNeeded: clamped)
  }
}
