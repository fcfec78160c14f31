import Base
import Tensors

/// Where the images of a data set come from: memory, or files that are read when a batch needs them.
///
/// A source knows images alone. Labels, order and selection belong to the `Dataset`, which asks for the images of the
/// positions that it has chosen; so a subset costs no pixels, and a source that reads files reads each when it is used.
/// Reads may come from several threads at once.
public protocol ImageSource: Sendable {
  /// How many images there are.
  var count: Int { get }
  /// The shape of every image: channels, height, width.
  var shape: [Int] { get }
  /// Reads images into one tensor.
  ///
  /// - Parameter positions: each in 0..<count, in any order, repeated ones included; the caller has checked them.
  /// - Returns: [positions.count, channels, height, width], float32 in [0, 1].
  /// - Throws: `io` where a file cannot be read, `memory` where they do not fit, `interrupted`.
  func read(_ positions: [Int]) throws(CoreError) -> Tensor
  /// Says that these positions will probably be read next, in this order, in one or several reads.
  ///
  /// A source that reads files may work ahead; the results are the same whether it is called or not.
  func announce(_ positions: [Int])
  /// Whether the images are known to be those of another source, without reading any.
  func isSame(as other: any ImageSource) -> Bool
}

extension ImageSource {
  /// Does nothing.
  public func announce(_ positions: [Int]) {}
}
