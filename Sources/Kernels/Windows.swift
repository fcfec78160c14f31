import KernelTypes

/// The norms in which windows are moved.
package enum WindowNorm: Sendable, Hashable { case l1, l2 }

/// A move of a window: the change of an image there takes over that of a second window, which becomes 0.
package struct WindowMove: Sendable, Hashable {
  /// The image.
  package var image: Int
  /// The first row and column of the window.
  package var top: Int, left: Int
  /// Those of the window that is emptied.
  package var emptiedTop: Int, emptiedLeft: Int
  /// Whether rows and columns of the pattern are exchanged.
  package var isTurned: Bool

  /// A move; the side of both windows is that of all windows of a call.
  package init(image: Int, top: Int, left: Int, emptiedTop: Int, emptiedLeft: Int, isTurned: Bool) {
    (self.image, self.top, self.left) = (image, top, left)
    (self.emptiedTop, self.emptiedLeft, self.isTurned) = (emptiedTop, emptiedLeft, isTurned)
  }
}

/// Moves of windows of changed images within balls of L2 and L1: the steps of the Square attack there.
///
/// Of the change δ of an image, the window gets the sum of a pattern and of what it held, the latter of length 1 in each
/// channel. In each channel that sum is scaled to what the two windows held and what δ lacks to the radius. The second
/// window becomes 0, and the whole change is brought back to the ball, and the image into [0, 1].
package enum Windows {
  /// Candidate i is image `moves[i].image` of `best` after its move.
  ///
  /// - Parameters:
  ///   - pattern: [side, side].
  ///   - signs: for each move and channel, what the pattern is multiplied by.
  package static func move(
    _ s: ImageShape, _ norm: WindowNorm, _ moves: [WindowMove], side: Int, pattern: [Float], signs: [Float],
    best: UnsafePointer<Float>, center: UnsafePointer<Float>, eps: Float, _ candidates: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let kernels = kernels
    let slots = Threads.count
    let buffer = try scratch(Float.self, slots * s.size)
    defer { extendLifetime(buffer) }
    let grain = max(1, Elementwise.grain / 2 / max(s.size, 1))
    Threads.parallelFor(moves.count, grain: grain, slots: slots) { range, slot in
      let row = buffer.floats + slot * s.size
      /// The length of the change of a candidate, squared in L2.
      func total(_ change: UnsafePointer<Float>) -> Double {
        kernels.unary(norm == .l2 ? .square : .absolute, change, row, s.size)
        return kernels.sum(row, s.size)
      }
      for i in range {
        let (best, center) = (best + moves[i].image &* s.size, center + moves[i].image &* s.size)
        let change = candidates + i &* s.size
        kernels.binary(.subtract, best, 1, center, 1, change, s.size)
        let lack = norm == .l2 ? Double(eps) * Double(eps) - total(change) : Double(eps) - total(change)
        let window = Window(shape: s, norm: norm, move: moves[i], side: side, change: change)
        for c in 0..<s.channels {
          window.fill(channel: c, pattern, sign: signs[i &* s.channels &+ c], lack: Float(max(lack, 0)))
        }
        switch norm {
        case .l2:
          let length = Float(total(change).squareRoot())
          kernels.affine(change, eps / (length + 1e-12), 0, change, s.size)
          kernels.binary(.add, center, 1, change, 1, change, s.size)
          kernels.clip(change, 0, 1, change, s.size)
        case .l1: kernels.nearestInL1(change, center, eps: eps * (1 - 1e-6), change, s.size)
        }
      }
    }
  }
}

/// The window of one image.
private struct Window {
  let shape: ImageShape
  let norm: WindowNorm
  let move: WindowMove
  let side: Int
  /// The change of the image.
  let change: UnsafeMutablePointer<Float>

  @inline(__always) private func power(_ value: Float) -> Float { norm == .l2 ? value * value : abs(value) }
  @inline(__always) private func length(_ total: Float) -> Float { norm == .l2 ? total.squareRoot() : total }

  @inline(__always)
  private func place(_ c: Int, _ y: Int, _ x: Int) -> Int {
    c &* shape.channelStride &+ y &* shape.rowStride &+ x &* shape.columnStride
  }

  /// Calls `body` for the pixels of the emptied window that are not in the other.
  @inline(__always)
  private func forEachEmptied(_ c: Int, _ body: (Int) -> Void) {
    for y in move.emptiedTop..<move.emptiedTop &+ side {
      let isBeside = y < move.top || y >= move.top &+ side
      for x in move.emptiedLeft..<move.emptiedLeft &+ side
      where isBeside || x < move.left || x >= move.left &+ side { body(place(c, y, x)) }
    }
  }

  /// Writes one channel.
  ///
  /// - Parameter lack: what the change of the image lacks to the radius; in L2 of their squares.
  func fill(channel c: Int, _ pattern: [Float], sign: Float, lack: Float) {
    var held: Float = 0
    for y in 0..<side {
      for x in 0..<side { held += power(change[place(c, move.top &+ y, move.left &+ x)]) }
    }
    var both = held
    forEachEmptied(c) { both += power(change[$0]) }
    let unit = 1e-12 + length(held)
    var sum: Float = 0
    for y in 0..<side {
      for x in 0..<side {
        let place = place(c, move.top &+ y, move.left &+ x)
        let value = pattern[move.isTurned ? x &* side &+ y : y &* side &+ x] * sign + change[place] / unit
        change[place] = value
        sum += power(value)
      }
    }
    let divisor = 1e-12 + length(sum)
    var factor = length(lack / Float(shape.channels) + both)
    // The original multiplies by the number of channels here, which its L1 projection takes back.
    if norm == .l1 { factor *= Float(shape.channels) }
    for y in 0..<side {
      for x in 0..<side {
        let place = place(c, move.top &+ y, move.left &+ x)
        change[place] = change[place] / divisor * factor
      }
    }
    forEachEmptied(c) { change[$0] = 0 }
  }
}
