import Tensors

/// How a network runs on images that differ from known ones in a square each: which part of each value the square can
/// reach, and the step from which on it is the whole.
///
/// A layer that looks through windows (convolution, pooling without padding, and any function of single pixels, whose
/// windows are one pixel) gives new outputs where a window touches what has changed, and nowhere else. So the part that
/// has to be computed anew grows from layer to layer by the size of the windows, and shrinks with their strides. It is a
/// rectangle of one size for all images: a patch. From the step whose patch would be most of the image, or that this
/// file does not know (or that forms its sums in an order that depends on the place, as Winograd's does), all steps run
/// on whole images.
struct PatchPlan {
  /// One axis of the windows of a step.
  struct Axis {
    /// From the first pixel of a window to the last, with both.
    var span = 1
    var stride = 1
    /// Zeros before the first pixel.
    var padding = 0
    /// How many windows there are.
    var count: Int

    /// The most windows that touch some of this many neighbouring pixels.
    func reach(_ pixels: Int) -> Int { min((pixels + span - 2) / stride + 1, count) }

    /// The first of so many windows that has among them all that touch pixels from `start` on.
    func first(_ start: Int, _ windows: Int) -> Int {
      let first = start + padding - span + 1
      // Rounded up; below 0 it is 0 anyway.
      return min(max(first > 0 ? (first + stride - 1) / stride : 0, 0), count - windows)
    }

    /// The first pixel of a window, which may lie in the padding.
    func start(_ window: Int) -> Int { window * stride - padding }

    /// How many pixels so many windows look at.
    func pixels(_ windows: Int) -> Int { (windows - 1) * stride + span }
  }

  /// The windows of a step.
  struct Windows {
    var rows: Axis
    var columns: Axis
    /// Whether an output is made of one pixel at the same place.
    var isPoint: Bool { rows.span == 1 && columns.span == 1 && rows.stride == 1 && columns.stride == 1 }
  }

  /// The windows of each step before the first whole one.
  private(set) var windows: [Windows] = []
  /// The height and width of the patch of each value that such a step gives, the images' square first.
  private(set) var sizes: [(height: Int, width: Int)]
  /// The shape of each value, of any number of images.
  let shapes: [[Int]]
  /// The values that are read beyond their patches.
  private(set) var kept: Set<Int> = []
  /// How many values an image gives in this way.
  private(set) var valuesPerImage = 0

  /// The first step that runs on whole images.
  var firstWhole: Int { windows.count }
  /// How many values of an image are kept.
  var keptPerImage: Int { kept.reduce(0) { $0 + shapes[$1].dropFirst().reduce(1, *) } }

  /// A plan; nil where too few of the multiplications would be saved.
  ///
  /// - Parameters:
  ///   - shapes: that of each value.
  ///   - side: of the squares.
  ///   - share: the share of all multiplications that is to be saved.
  init?(_ steps: [FrozenNetwork.Step], shapes: [[Int]], side: Int, saving share: Double) {
    guard shapes.count == steps.count + 1, shapes[0].count == 4, side >= 1 else { return nil }
    self.shapes = shapes
    sizes = [(min(side, shapes[0][2]), min(side, shapes[0][3]))]
    var (saved, all) = (0.0, 0.0)
    for (i, step) in steps.enumerated() {
      let work = Double(step.multiplications(shapes[i + 1]))
      all += work
      guard windows.count == i, let own = step.windows(from: shapes[step.input], to: shapes[i + 1]) else { continue }
      var (height, width) = (own.rows.reach(sizes[step.input].height), own.columns.reach(sizes[step.input].width))
      if let other = step.secondRead {
        // Patches around one place, of which one holds the other but for a pixel or two of rounding.
        height = min(max(height, sizes[other].height) + 2, own.rows.count)
        width = min(max(width, sizes[other].width) + 2, own.columns.count)
      }
      let (part, whole) = (height * width, own.rows.count * own.columns.count)
      guard 4 * part <= 3 * whole else { continue }
      windows.append(own)
      sizes.append((height, width))
      saved += work * (1 - Double(part) / Double(whole))
      valuesPerImage +=
        own.rows.pixels(height) * own.columns.pixels(width) * shapes[step.input][1] + part * shapes[i + 1][1]
    }
    guard !windows.isEmpty, saved >= share * all else { return nil }
    for (i, step) in steps.enumerated() {
      for value in step.reads where value > 0 && value <= firstWhole {
        if i >= firstWhole || !windows[i].isPoint || step.secondRead != nil { kept.insert(value) }
      }
    }
    valuesPerImage += shapes[(firstWhole + 1)...].reduce(keptPerImage) { $0 + $1.dropFirst().reduce(1, *) }
  }
}

extension FrozenNetwork.Step {
  /// The second value that is added.
  var secondRead: Int? {
    switch operation {
    case .convolution(_, let addend), .linear(_, let addend, _): addend
    case .sum(_, let other): other
    case .activation, .maxPool, .other: nil
    }
  }

  /// How many products are summed for an image.
  fileprivate func multiplications(_ result: [Int]) -> Int {
    switch operation {
    case .convolution(let layer, _), .linear(let layer, _, _):
      result.dropFirst().reduce(1, *) * layer.weight.shape.dropFirst().reduce(1, *)
    case .activation, .maxPool, .sum, .other: 0
    }
  }

  /// The windows through which the step looks at its input; nil where an output depends on more than its window.
  fileprivate func windows(from input: [Int], to result: [Int]) -> PatchPlan.Windows? {
    guard input.count == 4, result.count == 4, result[2] > 0, result[3] > 0 else { return nil }
    func windows(_ kernel: (Int, Int), _ stride: (Int, Int), _ padding: Padding, _ dilation: (Int, Int) = (1, 1))
      -> PatchPlan.Windows
    {
      PatchPlan.Windows(
        rows: .init(
          span: (kernel.0 - 1) * dilation.0 + 1, stride: stride.0, padding: padding.top, count: result[2]),
        columns: .init(
          span: (kernel.1 - 1) * dilation.1 + 1, stride: stride.1, padding: padding.left, count: result[3]))
    }
    let points = windows((1, 1), (1, 1), .none)
    switch operation {
    case .convolution(let layer, _):
      guard layer.isByWindow(input) else { return nil }
      return windows((layer.weight.shape[2], layer.weight.shape[3]), layer.stride, layer.padding, layer.dilation)
    case .maxPool(let pooling), .other(.averagePool(let pooling)):
      guard pooling.padding == .none else { return nil }
      return windows(pooling.kernel.pair, pooling.stride.pair, .none)
    case .activation, .sum: return points
    case .other(let node):
      switch node {
      case .relu, .leakyRelu, .silu, .relu6, .gelu, .batchNorm, .quantise, .meanSparse, .normalise: return points
      default: return nil
      }
    case .linear: return nil
    }
  }
}
