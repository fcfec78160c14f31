import KernelTypes

/// A convolution, or one phase of its adjoint, as sums over taps: output pixel (i, j) reads source pixels
/// (i · rowStep + rowTaps[a], j · columnStep + columnTaps[b]), which are zero outside the source image.
///
/// The forward pass is one plan. Its adjoint for strides has one for each residue of the input pixels: pixels that are a
/// stride apart get their gradients by the same taps, so that each plan is again a convolution of stride 1. A product of
/// matrices is a plan too, of images of one column and one tap.
///
/// A plan also says how the work is cut: into `bands` of output pixels, which are several images or some rows of one, sized
/// so that what they read stays in the second-level cache and that there are enough of them for several threads. Where taps
/// reach outside the image, the band is copied between zeros first. All of it follows from the sizes alone.
struct DirectPlan {
  var batch: Int
  var sourceHeight: Int
  var sourceWidth: Int
  var sourceChannels: Int
  var rows: Int
  var columns: Int
  var rowStep: Int
  var columnStep: Int
  /// Ascending, with the kernel row or column that each one multiplies.
  var rowTaps: [(offset: Int, kernel: Int)]
  var columnTaps: [(offset: Int, kernel: Int)]
  var groups: Int
  var groupInputs: Int
  var groupOutputs: Int
  /// Where output pixels go in the target, in values.
  var targetOrigin: Int
  var targetImageStep: Int
  var targetRowStep: Int
  var targetColumnStep: Int
  /// Where the weights of a group lie in OIHW order: output · outputStep + input · inputStep + row · kernelWidth + column.
  var weightGroupStep: Int
  var weightOutputStep: Int
  var weightInputStep: Int
  var kernelWidth: Int

  static func forward(_ s: ConvolutionShape) -> DirectPlan {
    DirectPlan(
      batch: s.batch, sourceHeight: s.height, sourceWidth: s.width, sourceChannels: s.channels, rows: s.outputHeight,
      columns: s.outputWidth, rowStep: s.strideHeight, columnStep: s.strideWidth,
      rowTaps: (0..<s.kernelHeight).map { ($0 * s.dilationHeight - s.padTop, $0) },
      columnTaps: (0..<s.kernelWidth).map { ($0 * s.dilationWidth - s.padLeft, $0) }, groups: s.groups,
      groupInputs: s.channels / s.groups, groupOutputs: s.filters / s.groups, targetOrigin: 0,
      targetImageStep: s.outputHeight * s.outputWidth * s.filters, targetRowStep: s.outputWidth * s.filters,
      targetColumnStep: s.filters, weightGroupStep: s.weightCount / s.groups,
      weightOutputStep: s.channels / s.groups * s.taps, weightInputStep: s.taps, kernelWidth: s.kernelWidth)
  }

  /// The adjoint in the input, one plan for each residue of input pixels modulo the strides.
  static func inputGradient(_ s: ConvolutionShape) -> [DirectPlan] {
    var plans: [DirectPlan] = []
    for y in 0..<s.strideHeight {
      let rowTaps = phaseTaps(y, s.strideHeight, s.padTop, s.dilationHeight, s.kernelHeight)
      for x in 0..<s.strideWidth {
        plans.append(
          DirectPlan(
            batch: s.batch, sourceHeight: s.outputHeight, sourceWidth: s.outputWidth, sourceChannels: s.filters,
            rows: max(0, s.height - y + s.strideHeight - 1) / s.strideHeight,
            columns: max(0, s.width - x + s.strideWidth - 1) / s.strideWidth, rowStep: 1, columnStep: 1,
            rowTaps: rowTaps, columnTaps: phaseTaps(x, s.strideWidth, s.padLeft, s.dilationWidth, s.kernelWidth),
            groups: s.groups, groupInputs: s.filters / s.groups, groupOutputs: s.channels / s.groups,
            targetOrigin: (y * s.width + x) * s.channels, targetImageStep: s.height * s.width * s.channels,
            targetRowStep: s.strideHeight * s.width * s.channels, targetColumnStep: s.strideWidth * s.channels,
            weightGroupStep: s.weightCount / s.groups, weightOutputStep: s.taps,
            weightInputStep: s.channels / s.groups * s.taps, kernelWidth: s.kernelWidth))
      }
    }
    return plans
  }

  /// A product of dense matrices: the rows of the first are pixels, its columns their values, the second the weights.
  static func product(_ s: MatrixShape) -> DirectPlan {
    DirectPlan(
      batch: 1, sourceHeight: s.rows, sourceWidth: 1, sourceChannels: s.inner, rows: s.rows, columns: 1, rowStep: 1,
      columnStep: 1, rowTaps: [(0, 0)], columnTaps: [(0, 0)], groups: 1, groupInputs: s.inner, groupOutputs: s.columns,
      targetOrigin: 0, targetImageStep: s.rows * s.columns, targetRowStep: s.columns, targetColumnStep: s.columns,
      weightGroupStep: 0, weightOutputStep: s.transposeB ? s.inner : 1, weightInputStep: s.transposeB ? 1 : s.columns,
      kernelWidth: 1)
  }

  /// Input pixel phase + stride · i got output pixel (phase + pad − tap · dilation) / stride + i by each tap that divides.
  private static func phaseTaps(_ phase: Int, _ stride: Int, _ pad: Int, _ dilation: Int, _ kernel: Int)
    -> [(offset: Int, kernel: Int)]
  {
    (0..<kernel).reversed().compactMap { tap in
      let distance = phase + pad - tap * dilation
      return distance % stride == 0 ? (distance / stride, tap) : nil
    }
  }

  /// Values that each output sums over.
  var depth: Int { rowTaps.count * columnTaps.count * groupInputs }

  /// The taps of one kernel row read one run of contiguous values.
  private var mergesColumns: Bool {
    groups == 1 && zip(columnTaps, columnTaps.dropFirst()).allSatisfy { $1.offset == $0.offset + 1 }
  }

  var runLength: Int { mergesColumns ? columnTaps.count * groupInputs : groupInputs }

  /// So few outputs that vectors run along the summed values instead of the outputs.
  var hasFewOutputs: Bool { groupOutputs <= 4 && runLength >= 8 }

  /// Packed weights per group in that case.
  var fewCount: Int { groupOutputs * (depth / runLength) * ((runLength + 7) / 8 * 8) }

  /// Where each run starts in a source with `pitch` values per row, from the first tap of the pixel.
  func runs(pitch: Int) -> [Int] {
    guard let top = rowTaps.first?.offset, let left = columnTaps.first?.offset else { return [] }
    var runs: [Int] = []
    for row in rowTaps {
      for column in mergesColumns ? columnTaps.prefix(1) : columnTaps[...] {
        runs.append((row.offset - top) * pitch + (column.offset - left) * sourceChannels)
      }
    }
    return runs
  }

  /// Where in OIHW order, from the first weight of an output, the weight of each summed value lies.
  var reduction: [Int] {
    var places: [Int] = []
    places.reserveCapacity(depth)
    for row in rowTaps {
      for column in columnTaps {
        let tap = row.kernel * kernelWidth + column.kernel
        for input in 0..<groupInputs { places.append(input * weightInputStep + tap) }
      }
    }
    return places
  }

  /// Whether some output reads outside the source.
  private var readsOutside: Bool {
    guard let top = rowTaps.first, let bottom = rowTaps.last, let left = columnTaps.first, let right = columnTaps.last
    else { return false }
    return top.offset < 0 || left.offset < 0 || (rows - 1) * rowStep + bottom.offset >= sourceHeight
      || (columns - 1) * columnStep + right.offset >= sourceWidth
  }

  /// The work cut into bands of output pixels: several whole images, or some rows of one.
  func bands() -> Bands {
    let plane = rows * columns
    var images = 1
    var bandRows = rows
    if plane == 1 {
      // Rows of a linear layer: pieces enough for several threads, in whole panels of six.
      images = min(batch, min(max((batch + 47) / 48 * 6, 12), 96))
    } else if plane < 48 || plane <= 400 && batch >= 32 && sourceHeight * sourceWidth * sourceChannels <= 1 << 14 {
      // Some hundred pixels, of which few are left over in panels, but pieces enough for several threads.
      images = min(batch, max((95 + plane) / max(plane, 1), min(400 / max(plane, 1), batch / 16)))
      if plane >= 48 { images = max(1, min(400 / plane, batch / 16)) }
    } else {
      // As many rows as keep the source in half a second-level cache, but pieces enough for several threads, and of
      // those the count with the fewest places left over in panels of six.
      let rowSize = max(1, sourceWidth * sourceChannels * rowStep)
      let most = min(
        min(max(1, (1 << 16) / rowSize), max((47 + columns) / columns, 256 / columns)), max(1, rows * batch / 16), rows)
      var best = Double.infinity
      for candidate in (most + 1) / 2...most {
        let pieces = (rows + candidate - 1) / candidate
        let left = (rows - (pieces - 1) * candidate) * columns
        let panels = (pieces - 1) * ((candidate * columns + 5) / 6) + (left + 5) / 6
        let cost = Double(panels) * (1 + 0.05 * Double(most - candidate) / Double(most))
        if cost <= best {
          best = cost
          bandRows = candidate
        }
      }
    }
    return bands(images: images, rows: bandRows)
  }

  /// How the pixels are cut for the gradient of the weights where it reads copies of them: as many as are copied at a time,
  /// once or twice, but at least so many bands, where there are so many images.
  func copiedBands(atLeast count: Int) -> Bands {
    let most = 2 * DirectGradientBlock.copiedPixels
    let plane = rows * columns
    if plane <= most { return bands(images: min(most / plane, batch / count), rows: rows) }
    let bandRows = max(1, most / columns)
    let pieces = (rows + bandRows - 1) / bandRows
    return bands(images: 1, rows: (rows + pieces - 1) / pieces)
  }

  private func bands(images: Int, rows bandRows: Int) -> Bands {
    let top = rowTaps.first?.offset ?? 0
    let left = columnTaps.first?.offset ?? 0
    let height = (bandRows - 1) * rowStep + (rowTaps.last?.offset ?? 0) - top + 1
    let width = (columns - 1) * columnStep + (columnTaps.last?.offset ?? 0) - left + 1
    return Bands(
      images: max(images, 1), rows: bandRows, perImage: (rows + bandRows - 1) / max(bandRows, 1), padded: readsOutside,
      top: top, left: left, height: height, width: width)
  }

  struct Bands {
    /// Images and output rows per band; one of them is only part of the whole.
    var images: Int
    var rows: Int
    var perImage: Int
    /// Source pixels are copied between zeros before use.
    var padded: Bool
    /// The source rectangle of the first output pixels: its corner (may be outside) and size.
    var top: Int
    var left: Int
    var height: Int
    var width: Int
  }

  /// Values per source row as the kernels see it.
  func pitch(_ bands: Bands) -> Int { (bands.padded ? bands.width : sourceWidth) * sourceChannels }

  func imagePitch(_ bands: Bands) -> Int { (bands.padded ? bands.height : sourceHeight) * pitch(bands) }

  /// A plan that reads what all of some phases read.
  static func frame(of phases: [DirectPlan]) -> DirectPlan? {
    guard var frame = phases.first,
      phases.allSatisfy({
        $0.rows == frame.rows && $0.columns == frame.columns && !$0.rowTaps.isEmpty && !$0.columnTaps.isEmpty
      })
    else { return nil }
    func ends(_ taps: [[(offset: Int, kernel: Int)]]) -> [(offset: Int, kernel: Int)] {
      let offsets = taps.flatMap { $0.map(\.offset) }
      return [(offsets.min() ?? 0, 0), (offsets.max() ?? 0, 0)]
    }
    frame.rowTaps = ends(phases.map(\.rowTaps))
    frame.columnTaps = ends(phases.map(\.columnTaps))
    return frame
  }

  /// Copies the source rectangle of output rows from `firstRow` of `count` images into `target`, zero outside.
  func copyPadded(
    _ bands: Bands, images: Range<Int>, rows: Range<Int>, _ source: UnsafePointer<Float>,
    _ target: UnsafeMutablePointer<Float>
  ) {
    let pitch = pitch(bands)
    let height = bands.height - (bands.rows - rows.count) * rowStep
    let first = min(max(0, -bands.left), bands.width)
    let inside = first..<max(first, min(bands.width, sourceWidth - bands.left))
    for image in images {
      for y in 0..<height {
        let row = target + (image - images.lowerBound) * imagePitch(bands) + y * pitch
        let h = rows.lowerBound * rowStep + bands.top + y
        if h < 0 || h >= sourceHeight || inside.isEmpty {
          row.update(repeating: 0, count: pitch)
        } else {
          row.update(repeating: 0, count: inside.lowerBound * sourceChannels)
          (row + inside.lowerBound * sourceChannels).update(
            from: source + ((image * sourceHeight + h) * sourceWidth + bands.left + inside.lowerBound) * sourceChannels,
            count: inside.count * sourceChannels)
          (row + inside.upperBound * sourceChannels).update(
            repeating: 0, count: (bands.width - inside.upperBound) * sourceChannels)
        }
      }
    }
  }
}
