/// Rectangles of one size, one of each of several images: where the values of patches belong.
///
/// A patch [height, width, channels] holds what an image has in a rectangle, which may reach outside of the image. The
/// whole of an image is the patch at its first row and column.
package struct PatchPlaces: Sendable {
  /// Rows of every patch.
  package var height: Int
  /// Columns of every patch.
  package var width: Int
  /// For each patch, which one it is in memory, and the row and column of the image that it begins at.
  package var corners: [ImageSquare]

  /// Patches of one size; `image` of a corner counts the patches in memory.
  package init(height: Int, width: Int, corners: [ImageSquare]) {
    (self.height, self.width, self.corners) = (height, width, corners)
  }

  /// Whole images of this size: those in these rows of memory.
  package init(wholeImages rows: [Int], height: Int, width: Int) {
    self.init(height: height, width: width, corners: rows.map { ImageSquare(image: $0, top: 0, left: 0) })
  }
}

/// Copies between patches of images with channels last.
package enum Patches {
  /// Writes what each patch of `source` and the one of `target` at the same position in the lists have in common.
  ///
  /// - Parameter clears: whether the rest of the target becomes 0; else it stays.
  package static func copy(
    channels: Int, _ source: UnsafePointer<Float>, _ sources: PatchPlaces, _ target: UnsafeMutablePointer<Float>,
    _ targets: PatchPlaces, clears: Bool
  ) {
    let (sourceSize, targetSize) = (sources.height * sources.width, targets.height * targets.width)
    let count = min(sources.corners.count, targets.corners.count)
    let grain = max(1, Elementwise.grain / max(min(sourceSize, targetSize) * channels, 1))
    Threads.parallelFor(count, grain: grain) { range in
      for i in range {
        let (from, to) = (sources.corners[i], targets.corners[i])
        let (x, y) = (source + from.image * sourceSize * channels, target + to.image * targetSize * channels)
        let top = max(from.top, to.top)
        let bottom = min(from.top + sources.height, to.top + targets.height)
        let left = max(from.left, to.left)
        let right = min(from.left + sources.width, to.left + targets.width)
        let (rows, columns) = (bottom - top, right - left)
        if clears, rows < targets.height || columns < targets.width {
          y.update(repeating: 0, count: targetSize * channels)
        }
        if rows <= 0 || columns <= 0 { continue }
        var a = x + ((top - from.top) * sources.width + left - from.left) * channels
        var b = y + ((top - to.top) * targets.width + left - to.left) * channels
        if columns == sources.width, columns == targets.width {
          b.update(from: a, count: rows * columns * channels)
          continue
        }
        for _ in 0..<rows {
          b.update(from: a, count: columns * channels)
          a += sources.width * channels
          b += targets.width * channels
        }
      }
    }
  }
}
