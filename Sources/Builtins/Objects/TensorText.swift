import Base
import Devices
import Interpreter
import Tensors

/// How a tensor prints: type and shape first, then the values, or a window of them.
///
/// A vector stands on the line of its header where that is wide enough, else its first and last values. More axes print as
/// matrices of the last two, each under the indices of the others. What does not fit shows both ends with `…` between, and
/// of more than 64 elements the header says the least, mean and greatest, how many are no finite numbers, and of a mask how
/// many are true. Only what is shown is read from the device, and of very large tensors a sample of rows, which is said.
/// Numbers have four significant digits and
/// stand below each other. Printing ends early when the run must stop.
///
///     tensor f32 [3]  0 0.5 1
///
///     tensor f32 [2, 3]
///        1   2   3
///        4 5.5   6
struct TensorText {
  private let tensor: Tensor
  private let options: PrintOptions
  /// Rows and columns shown at each end of an axis that does not fit.
  private static let edge = 3
  private static let ellipsis = "…"
  /// So many elements are seen at a glance.
  private static let few = 64

  init(_ tensor: Tensor, _ options: PrintOptions) {
    self.tensor = tensor
    self.options = options
  }

  var text: String {
    let header = "tensor \(tensor.dtype.shortName) \(tensor.shape)"
    guard tensor.count > 0 else { return header + "  empty" }
    let statistics = tensor.count > Self.few ? TensorStatistics(tensor)?.text ?? "" : ""
    if tensor.shape.count <= 1 {
      let room = options.width - header.count - 2
      if let whole = wholeVector(room: max(20, room)) { return header + "  " + whole }
      if tensor.count <= Self.few { return header + "  " + ends(room: max(20, room)) }
      return header + statistics + "\n  " + ends(room: max(20, options.width - 2))
    }
    return header + statistics + "\n" + matrices.joined(separator: "\n")
  }

  /// The values of a vector on one line; `nil` where they do not fit.
  private func wholeVector(room: Int) -> String? {
    guard options.width == .max || tensor.count <= options.width else { return nil }
    guard let vector = try? tensor.reshape([tensor.count]) else { return nil }
    let line = texts(vector).joined(separator: " ")
    return options.width == .max || line.count <= room ? line : nil
  }

  /// The first values of a vector and its last ones.
  private func ends(room: Int) -> String {
    let limit = min(tensor.count - Self.edge, max(1, room / 2))
    guard limit > 0, let vector = try? tensor.reshape([tensor.count]),
      let head = try? vector.slice(starts: [0], stops: [limit]),
      let tail = try? vector.slice(starts: [tensor.count - Self.edge], stops: [tensor.count])
    else { return Self.ellipsis }
    let last = texts(tail)
    var shown: [String] = []
    var used = 1 + last.reduce(0) { $0 + $1.count + 1 }
    for value in texts(head) {
      used += value.count + 1
      guard used <= room else { break }
      shown.append(value)
    }
    return (shown + [Self.ellipsis] + last).joined(separator: " ")
  }

  private var matrices: [String] {
    let shape = tensor.shape
    let rows = shape[shape.count - 2]
    let columns = shape[shape.count - 1]
    let outer = shape.dropLast(2)
    let count = outer.reduce(1, *)
    guard let flat = try? tensor.reshape([count, rows, columns]) else { return [] }
    var blocks: [String] = []
    var shown = count <= 2 * Self.edge || options.width == .max ? Array(0..<count) : Array(0..<2)
    // The header and the line that says how many more there are take their room, too.
    let room = options.height == .max ? Int.max : max(1, options.height - 2)
    let least = min(rows, 5) + (outer.isEmpty ? 0 : 1)
    if options.width < .max { shown = Array(shown.prefix(max(1, room / least))) }
    let rowLimit = options.width == .max ? rows : max(3, min(12, room / shown.count - (outer.isEmpty ? 0 : 1)))
    for index in shown {
      if options.mustStop?() == true { return blocks }
      guard let matrix = try? flat.slice(starts: [index, 0, 0], stops: [index + 1, rows, columns], steps: [1, 1, 1])
      else {
        continue
      }
      if !outer.isEmpty {
        blocks.append("[\(Shape.indices(of: index, in: Array(outer)).map(String.init).joined(separator: ", "))]")
      }
      blocks.append(block(matrix, rows: rows, columns: columns, rowLimit: rowLimit))
    }
    if shown.count < count { blocks.append("\(Self.ellipsis) \(count - shown.count) more") }
    return blocks
  }

  private func block(_ matrix: Tensor, rows: Int, columns: Int, rowLimit: Int) -> String {
    let rowPlaces = Self.places(rows, limit: rowLimit)
    let columnPlaces = Self.places(columns, limit: options.width == .max ? columns : max(6, (options.width - 3) / 8))
    let indices = columnPlaces.compactMap { $0 }
    var cells: [[String]] = []
    for row in rowPlaces {
      if options.width == .max, cells.count & 63 == 63, options.mustStop?() == true { return "" }
      guard let row else {
        cells.append(columnPlaces.map { _ in Self.ellipsis })
        continue
      }
      guard let values = try? matrix.slice(starts: [0, row, 0], stops: [1, row + 1, columns], steps: [1, 1, 1]),
        let chosen = try? values.reshape([columns]).indexSelect(axis: 0, indices)
      else { continue }
      var texts = texts(chosen)[...]
      cells.append(columnPlaces.map { $0 == nil ? Self.ellipsis : texts.popFirst() ?? "" })
    }
    return AlignedText(cells, sides: [.right]).lines(gap: 1, indent: 2).joined(separator: "\n")
  }

  /// All indices, or those at both ends with a gap (`nil`) between.
  private static func places(_ count: Int, limit: Int) -> [Int?] {
    guard count > limit else { return (0..<count).map { $0 } }
    let half = max(1, (limit - 1) / 2)
    return (0..<half).map { $0 } + [nil] + (count - half..<count).map { $0 }
  }

  private func texts(_ tensor: Tensor) -> [String] {
    switch tensor.dtype {
    case .float32: texts(tensor.floats()) { Self.short(Double($0)) }
    case .int64: texts(tensor.ints()) { String($0) }
    case .bool: texts(tensor.bools()) { String($0) }
    }
  }

  /// The strings of elements. Ends early when the run must stop, which the caller then sees.
  private func texts<T>(_ items: [T], _ text: (T) -> String) -> [String] {
    var texts: [String] = []
    texts.reserveCapacity(items.count)
    for (place, item) in items.enumerated() {
      if place & 4095 == 4095, options.mustStop?() == true { return [] }
      texts.append(text(item))
    }
    return texts
  }

  /// Four significant digits; whole numbers without a point.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    if value == value.rounded(), abs(value) < 1e6 { return String(Int(value)) }
    return value.general(4)
  }
}
