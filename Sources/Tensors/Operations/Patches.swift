import Base
import Devices

extension Tensor {
  /// Patches of images [n, c, h, w]: what they hold in rectangles, and zeros beyond their edges.
  ///
  /// - Parameters:
  ///   - places: the rectangles; their `image` counts the patches.
  ///   - rows: the image of each patch.
  /// - Returns: [k, c, height, width], not recorded.
  package func patches(_ places: PatchPlaces, of rows: [Int]) throws(CoreError) -> Tensor {
    guard shape.count == 4, dtype == .float32, rows.allSatisfy({ $0 >= 0 && $0 < shape[0] }) else {
      throw CoreError(.shape, "patches are taken from float32 images [n, c, h, w], not from \(shape)")
    }
    let x = try channelsLast()
    let y = try Tensor(
      .float32, shape: [places.corners.count, shape[1], places.height, places.width], layout: .channelsLast)
    try device.copyPatches(
      channels: shape[1], x.storage, PatchPlaces(wholeImages: rows, height: shape[2], width: shape[3]), to: y.storage,
      places, clears: true)
    return y
  }

  /// Writes patches into these patches, where they have pixels of an image in common.
  ///
  /// - Parameters:
  ///   - places: where the patches of this tensor [n, c, height, width] belong, as far as they are written to.
  ///   - patches: one for each of them, [k, c, …].
  ///   - their: where those belong.
  package mutating func write(
    at places: PatchPlaces, _ patches: Tensor, at their: PatchPlaces
  ) throws(CoreError) {
    guard fits(places), patches.fits(their), patches.shape[1] == shape[1],
      places.corners.count == their.corners.count
    else { throw CoreError(.shape, "patches \(patches.shape) do not fit images \(shape)") }
    try makeUnique()
    let source = try patches.channelsLast()
    try device.copyPatches(channels: shape[1], source.storage, their, to: storage, places, clears: false)
  }

  private func fits(_ places: PatchPlaces) -> Bool {
    shape.count == 4 && dtype == .float32 && layout == .channelsLast && shape[2] == places.height
      && shape[3] == places.width && places.corners.allSatisfy { $0.image >= 0 && $0.image < shape[0] }
  }
}
