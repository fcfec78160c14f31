/// Where the values of images of one size lie in memory: a value of channel c at row y and column x of image i is at
/// i · size + c · channelStride + y · rowStride + x · columnStride.
package struct ImageShape: Sendable, Hashable {
  /// Values of each pixel.
  package var channels: Int
  /// Rows of pixels.
  package var height: Int
  /// Pixels of a row.
  package var width: Int
  /// How far apart neighbours are, along each axis.
  package var channelStride: Int, rowStride: Int, columnStride: Int

  /// Sizes whose product the caller has checked.
  package init(channels: Int, height: Int, width: Int, channelStride: Int, rowStride: Int, columnStride: Int) {
    (self.channels, self.height, self.width) = (channels, height, width)
    (self.channelStride, self.rowStride, self.columnStride) = (channelStride, rowStride, columnStride)
  }

  /// Values of an image.
  package var size: Int { channels * height * width }
}

/// A square of pixels of one image.
package struct ImageSquare: Sendable, Hashable {
  /// The image.
  package var image: Int
  /// Its first row and column.
  package var top: Int, left: Int

  /// A square whose side is that of all squares of a call.
  package init(image: Int, top: Int, left: Int) { (self.image, self.top, self.left) = (image, top, left) }
}

/// Changes of one square of each image, for searches that try square after square. Only the squares are read and written,
/// so that what a step costs depends on their size and not on that of the images.
package enum Squares {
  private static func grain(_ s: ImageShape, _ side: Int) -> Int {
    max(1, Elementwise.grain / 4 / max(s.channels * side * side, 1))
  }

  @inline(__always)
  private static func forEachRow(_ s: ImageShape, _ square: ImageSquare, _ side: Int, _ body: (Int, Int) -> Void) {
    for c in 0..<s.channels {
      var start = c &* s.channelStride &+ square.top &* s.rowStride &+ square.left &* s.columnStride
      for _ in 0..<side {
        body(c, start)
        start &+= s.rowStride
      }
    }
  }

  /// Candidate i is image `squares[i].image` of `best` everywhere but in its square, where it becomes clip(clip(best +
  /// shifts[i, channel], center − eps, center + eps), 0, 1).
  ///
  /// - Parameter changed: is told of each candidate whether it differs from the best image in any bit.
  package static func paint(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, shifts: [Float], best: UnsafePointer<Float>,
    center: UnsafePointer<Float>, eps: Float, _ candidates: UnsafeMutablePointer<Float>,
    changed: UnsafeMutablePointer<Bool>
  ) {
    Threads.parallelFor(squares.count, grain: grain(s, side)) { range in
      for i in range {
        let square = squares[i]
        let (best, center) = (best + square.image &* s.size, center + square.image &* s.size)
        let candidate = candidates + i &* s.size
        var difference: UInt32 = 0
        forEachRow(s, square, side) { c, start in
          let shift = shifts[i &* s.channels &+ c]
          var place = start
          for _ in 0..<side {
            let middle = center[place]
            let value = min(max(best[place] + shift, middle - eps), middle + eps)
            let painted = min(max(value, 0), 1)
            candidate[place] = painted
            difference |= painted.bitPattern ^ best[place].bitPattern
            place &+= s.columnStride
          }
        }
        changed[i] = difference != 0
      }
    }
  }

  /// Makes candidates and best images alike again: where `accepted`, the square of the candidate becomes that of the best
  /// image, else the other way round.
  package static func settle(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, accepted: [Bool], best: UnsafeMutablePointer<Float>,
    _ candidates: UnsafeMutablePointer<Float>
  ) {
    Threads.parallelFor(squares.count, grain: grain(s, side)) { range in
      for i in range {
        let square = squares[i]
        let (best, candidate) = (best + square.image &* s.size, candidates + i &* s.size)
        let (from, to) = accepted[i] ? (candidate, best) : (best, candidate)
        forEachRow(s, square, side) { _, start in
          var place = start
          for _ in 0..<side {
            to[place] = from[place]
            place &+= s.columnStride
          }
        }
      }
    }
  }
}
