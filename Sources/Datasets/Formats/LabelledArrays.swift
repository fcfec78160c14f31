import Base
import Tensors

/// How the axes of an array of images are to be read.
public enum ImageLayout: String, Sendable, CaseIterable {
  /// Images, rows, columns: grey ones.
  case nhw
  /// Images, rows, columns, channels, as NumPy, PIL and TensorFlow have them.
  case nhwc
  /// Images, channels, rows, columns, as PyTorch has them.
  case nchw
}

/// An array of numbers from a file, as it is stored.
struct RawArray {
  /// What it is called, for messages: "images of 'x.npz'".
  let name: String
  let element: Element
  let shape: [Int]
  let isBigEndian: Bool
  let bytes: [UInt8]

  /// How many numbers there are.
  var count: Int { element.size == 0 ? 0 : bytes.count / element.size }
}

/// Images and labels that lie in arrays, checked and brought into the order of a data set.
///
/// Bytes stay bytes; other numbers must lie in [0, 1]. Where the channels stand is told by their number, 1 or 3, and where
/// that fits in two ways it has to be said. Labels are whole numbers in any type, one for each image or in a column, or
/// rows: one-hot or, where they are distributions, soft. What was found in `notes` is said, since nothing else shows it.
struct LabelledArrays {
  let path: String
  var layout: ImageLayout?
  var classes: Int?

  /// An error about one of the arrays.
  private func wrong(_ array: RawArray, _ problem: String, hint: String, _ kind: CoreError.Kind = .io) -> CoreError {
    CoreError(kind, "'\(path)': \(array.name) \(problem)", hint: hint, argument: "path")
  }

  /// The numbers of an array.
  private func tensor(_ array: RawArray) throws(CoreError) -> Tensor {
    do throws(CoreError) {
      return try array.element.tensor(array.bytes, shape: array.shape, isBigEndian: array.isBigEndian)
    } catch {
      guard error.kind == .value else { throw error }
      throw wrong(array, "cannot be read: \(error.message)", hint: "check what was stored")
    }
  }

  // MARK: Images

  /// The source of images of an array.
  ///
  /// - Throws: `io` where values or shape are not those of images.
  func images(_ array: RawArray) throws(CoreError) -> InMemoryImages {
    let layout = try layout(of: array)
    let shape: [Int]
    switch layout {
    case .nhw: shape = [1, array.shape[1], array.shape[2]]
    case .nhwc: shape = [array.shape[3], array.shape[1], array.shape[2]]
    case .nchw: shape = Array(array.shape[1...])
    }
    guard shape.allSatisfy({ $0 > 0 }) else {
      throw wrong(array, "has the shape \(array.shape), which leaves no pixel", hint: "check the file")
    }
    if array.element == .uint8 {
      return InMemoryImages(bytes: try ordered(array.bytes, layout, shape), shape: shape)
    }
    let values = try tensor(array)
    if values.dtype == .int64 {
      let numbers = values.ints()
      var bytes = [UInt8](repeating: 0, count: numbers.count)
      for (i, number) in numbers.enumerated() {
        try StopSignal.poll(at: i)
        guard let byte = UInt8(exactly: number) else {
          throw wrong(
            array, "has the pixel \(number) at \(place(i, array.shape)); pixels are from 0 to 255",
            hint: "store pixels as uint8, or as floats from 0 to 1")
        }
        bytes[i] = byte
      }
      return InMemoryImages(bytes: try ordered(bytes, layout, shape), shape: shape)
    }
    guard values.dtype == .float32 else {
      throw wrong(
        array, "holds \(array.element.name); pixels are numbers",
        hint: "store pixels as uint8, or as floats from 0 to 1")
    }
    let floats = values.floats()
    try check(floats, array)
    return InMemoryImages(floats: try ordered(floats, layout, shape), shape: shape)
  }

  private func check(_ floats: [Float], _ array: RawArray) throws(CoreError) {
    var (low, high) = (Float.infinity, -Float.infinity)
    var (wrongs, first) = (0, 0)
    for (i, value) in floats.enumerated() {
      try StopSignal.poll(at: i)
      if value.isFinite {
        (low, high) = (min(low, value), max(high, value))
      } else {
        if wrongs == 0 { first = i }
        wrongs += 1
      }
    }
    if wrongs > 0 {
      throw wrong(
        array,
        "has \(wrongs) of \(floats.count) pixels that are NaN or infinite, the first at \(place(first, array.shape))",
        hint: "pixels are from 0 to 1; find out what made these")
    }
    guard floats.isEmpty || low >= 0 && high <= 1 else {
      throw wrong(
        array, "has pixels from \(low) to \(high); floats are from 0 to 1",
        hint: low >= 0 && high <= 255
          ? "divide by 255, or store them as uint8" : "undo the normalisation: it belongs to the model, as mean and std"
      )
    }
  }

  /// An index as NumPy writes it.
  private func place(_ index: Int, _ shape: [Int]) -> String {
    var rest = index
    var places: [Int] = []
    for size in shape.reversed() {
      places.append(size > 0 ? rest % size : 0)
      rest = size > 0 ? rest / size : 0
    }
    return "[\(places.reversed().map(String.init).joined(separator: ", "))]"
  }

  private func layout(of array: RawArray) throws(CoreError) -> ImageLayout {
    let shape = array.shape
    let words = "layout=\"nhwc\", \"nchw\" or \"nhw\""
    if let layout {
      guard shape.count == (layout == .nhw ? 3 : 4) else {
        throw wrong(
          array, "has the shape \(shape), which is not \(layout.rawValue)", hint: "leave layout out, or give \(words)",
          .value)
      }
      return layout
    }
    switch shape.count {
    case 3: return .nhw
    case 4:
      let isLast = shape[3] == 1 || shape[3] == 3
      let isFirst = shape[1] == 1 || shape[1] == 3
      // One channel lies in the same order either way.
      if isLast, isFirst, shape[1] == 1, shape[3] == 1 { return .nchw }
      guard isLast != isFirst else {
        throw wrong(
          array,
          isLast
            ? "has the shape \(shape), whose channels may stand first or last"
            : "has the shape \(shape), in which neither the second axis nor the last has 1 or 3 channels",
          hint: "say it: \(words)", .value)
      }
      return isLast ? .nhwc : .nchw
    default:
      throw wrong(
        array, "has the shape \(shape); images have 3 or 4 axes: [n, height, width], with channels first or last",
        hint: shape.count == 2 ? "reshape rows of pixels to [n, height, width]" : "check which array holds the images")
    }
  }

  /// Values with the channels before rows and columns.
  private func ordered<Value>(_ values: [Value], _ layout: ImageLayout, _ shape: [Int]) throws(CoreError) -> [Value] {
    guard layout == .nhwc, shape[0] > 1 else { return values }
    let (channels, pixels) = (shape[0], shape[1] * shape[2])
    let size = channels * pixels
    var failure: CoreError?
    let result = [Value](filling: values.count) { out, written in
      values.withUnsafeBufferPointer { values in
        for image in 0..<values.count / size {
          if let reason = StopSignal.reasonOfThread {
            failure = CoreError(reason)
            return
          }
          let start = image * size
          for channel in 0..<channels {
            for pixel in 0..<pixels {
              out.initializeElement(
                at: start + channel * pixels + pixel, to: values[start + pixel * channels + channel])
            }
          }
        }
      }
      written = failure == nil ? values.count : 0
    }
    if let failure { throw failure }
    return result
  }

  // MARK: Labels

  /// Labels of one of the forms that files have.
  struct Labels {
    var classes: [Int] = []
    var count = 0
    /// [n, count], where they are distributions and not classes.
    var soft: [Float]?
    /// What is worth saying, such as "one-hot labels".
    var note: String?
  }

  /// The labels of an array.
  ///
  /// - Parameter images: how many images there are.
  func labels(_ array: RawArray, images: Int) throws(CoreError) -> Labels {
    guard let first = array.shape.first, first == images, array.shape.count <= 2 else {
      throw wrong(
        array, "has the shape \(array.shape) for \(images) images",
        hint: "labels are [\(images)], or rows of probabilities [\(images), classes]")
    }
    let values = try tensor(array)
    let width = array.shape.count == 2 ? array.shape[1] : 1
    let numbers: [Double]
    switch values.dtype {
    case .int64: numbers = values.ints().map(Double.init)
    case .float32: numbers = values.floats().map(Double.init)
    default: throw wrong(array, "holds \(array.element.name)", hint: "labels are whole numbers from 0")
    }
    if width == 1 { return try classes(numbers, array) }
    return try rows(numbers, width, array)
  }

  private func classes(_ numbers: [Double], _ array: RawArray) throws(CoreError) -> Labels {
    var labels = Labels()
    labels.classes.reserveCapacity(numbers.count)
    for (i, number) in numbers.enumerated() {
      try StopSignal.poll(at: i)
      guard let label = Int(exactly: number), label >= 0, label < classes ?? 100_000 else {
        throw wrong(
          array, "has the label \(number == number.rounded() ? number.shortest : "\(Float(number))") at index \(i)",
          hint: "labels are whole numbers from 0\(classes.map { " to \($0 - 1)" } ?? "")")
      }
      labels.classes.append(label)
    }
    labels.count = classes ?? (labels.classes.max() ?? 0) + 1
    return labels
  }

  private func rows(_ numbers: [Double], _ width: Int, _ array: RawArray) throws(CoreError) -> Labels {
    guard width == classes ?? width, width <= 100_000, width > 0 else {
      throw wrong(
        array, "has rows of \(width) for \(classes ?? 0) classes",
        hint: "leave classes out: the rows say how many there are")
    }
    var labels = Labels(count: width)
    var isOneHot = true
    for start in stride(from: 0, to: numbers.count, by: width) {
      try StopSignal.poll(at: start / width)
      let row = numbers[start..<start + width]
      guard row.allSatisfy({ $0 >= 0 }), abs(row.reduce(0, +) - 1) < 1e-3 else {
        throw wrong(
          array, "has no distribution in row \(start / width)",
          hint: "rows are probabilities of the classes: none below 0, and a sum of 1")
      }
      var largest = start
      for i in row.indices where numbers[i] > numbers[largest] { largest = i }
      if numbers[largest] != 1 { isOneHot = false }
      labels.classes.append(largest - start)
    }
    labels.note = isOneHot ? "one-hot labels" : "soft labels"
    if !isOneHot { labels.soft = numbers.map { Float($0) } }
    return labels
  }
}
