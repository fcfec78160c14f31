/// A block of output pixels of a convolution seen as a matrix product: the row of an output pixel is made of `runCount`
/// runs of `runLength` contiguous input values each, the matrix of 16 outputs has one row of 16 weights for every value.
package struct DirectBlock {
  /// How many output pixels the block has.
  package var pixels: Int
  /// By pixel: where its values start in the input.
  package var inputOffsets: UnsafePointer<Int>
  /// By pixel: where its results start in the output.
  package var outputOffsets: UnsafePointer<Int>
  /// Where each run starts, from the start of the pixel.
  package var runs: UnsafePointer<Int>
  /// How many runs a pixel has.
  package var runCount: Int
  /// How many values a run has.
  package var runLength: Int
  /// Outputs per pixel; weights and bias are padded with zeros to a multiple of 16.
  package var outputs: Int

  /// A block; the pointers must stay valid while a kernel works on it.
  package init(
    pixels: Int, inputOffsets: UnsafePointer<Int>, outputOffsets: UnsafePointer<Int>, runs: UnsafePointer<Int>,
    runCount: Int, runLength: Int, outputs: Int
  ) {
    self.pixels = pixels
    self.inputOffsets = inputOffsets
    self.outputOffsets = outputOffsets
    self.runs = runs
    self.runCount = runCount
    self.runLength = runLength
    self.outputs = outputs
  }
}

/// The same block for the weight gradient: its pixels are `segments` rows of `columns` evenly spaced ones.
package struct DirectGradientBlock {
  /// How many rows of pixels there are.
  package var segments: Int
  /// How many pixels a row has.
  package var columns: Int
  /// By row: where the values of its first pixel start in the input.
  package var inputOffsets: UnsafePointer<Int>
  /// By row: where its first pixel starts in the gradient of the output.
  package var gradientOffsets: UnsafePointer<Int>
  /// Values from one pixel of a row to the next in the input.
  package var inputStep: Int
  /// Values from one pixel of a row to the next in the gradient.
  package var gradientStep: Int
  /// Where each run starts, from the start of the pixel.
  package var runs: UnsafePointer<Int>
  /// How many runs a pixel has.
  package var runCount: Int
  /// How many values a run has.
  package var runLength: Int
  /// Values from one row of the result to the next.
  package var rowStep: Int
  /// Whether the result is overwritten instead of added to.
  package var starts: Bool
  /// A block; the pointers must stay valid while a kernel works on it.
  package init(
    segments: Int, columns: Int, inputOffsets: UnsafePointer<Int>, gradientOffsets: UnsafePointer<Int>, inputStep: Int,
    gradientStep: Int, runs: UnsafePointer<Int>, runCount: Int, runLength: Int, rowStep: Int, starts: Bool
  ) {
    self.segments = segments
    self.columns = columns
    self.inputOffsets = inputOffsets
    self.gradientOffsets = gradientOffsets
    self.inputStep = inputStep
    self.gradientStep = gradientStep
    self.runs = runs
    self.runCount = runCount
    self.runLength = runLength
    self.rowStep = rowStep
    self.starts = starts
  }

  /// Pixels whose inputs and gradients are copied side by side at a time: the gradients of 32 outputs stay in the
  /// first-level cache. The sums are read and written once for all of them. It is 14·14, and four times 7·7.
  package static let copiedPixels = 196
  /// Values of each of these pixels, a multiple of six, which stay in the second-level cache.
  package static let copiedValues = 192

  /// Values that copies take for so many blocks of sixteen outputs.
  package static func copiesCount(_ blocks: Int) -> Int { copiedPixels * (blocks * 16 + copiedValues) + 8 }
}

/// What is done to the outputs of a convolution while they are in registers or the nearest cache: the bias is added, then
/// the addend, then ReLU; with a mask, outputs are 0 where it is not positive. Addend and mask lie like the outputs,
/// `distance` values away from them.
package struct KernelEpilogue {
  /// [filters]; padded with zeros to a multiple of 16 where it reaches the direct kernels.
  package var bias: Floats?
  /// How many values the addend lies after the outputs; nil for none.
  package let addendDistance: Int?
  /// How many values the mask lies after the outputs; nil for none.
  package let maskDistance: Int?
  /// Whether the addend is added after the mask was applied, not before.
  package let masksFirst: Bool
  /// Whether negative outputs become 0.
  package let relu: Bool
  /// Whether there is anything but the bias.
  package let changes: Bool
  /// Whether sums begin with what the outputs hold, those of earlier inputs, instead of the bias.
  package let continues: Bool

  /// Nothing but the bias, if there is one, or what the outputs hold.
  package init(bias: Floats? = nil, continues: Bool = false) {
    self.bias = bias
    self.continues = continues
    (addendDistance, maskDistance, masksFirst, relu, changes) = (nil, nil, false, false, false)
  }

  /// The epilogue of results that begin at `target`; the addend and the mask have their shape.
  package init(
    of target: MutableFloats, bias: Floats? = nil, addend: Floats? = nil, mask: Floats? = nil,
    masksFirst: Bool = false, relu: Bool = false
  ) {
    self.bias = bias
    addendDistance = addend.map { $0 - Floats(target) }
    maskDistance = mask.map { $0 - Floats(target) }
    self.masksFirst = masksFirst
    self.relu = relu
    continues = false
    changes = relu || addend != nil || mask != nil
  }
}

/// One tap of a convolution whose channels do not mix.
package struct DepthwiseTap {
  /// Where its value lies, from the first value of the pixel.
  package var input: Int
  /// Where its weights lie.
  package var weight: Int

  /// A tap at these places.
  package init(input: Int, weight: Int) {
    self.input = input
    self.weight = weight
  }
}

/// A row of pixels of a convolution whose channels do not mix, all of which have the same taps.
package struct DepthwiseRow {
  /// The taps, in the order in which they are summed.
  package var taps: UnsafePointer<DepthwiseTap>
  /// How many taps there are.
  package var tapCount: Int
  /// How many pixels the row has.
  package var pixels: Int
  /// Values from one pixel to the next in the input.
  package var inputStep: Int
  /// Values from one pixel to the next in the output.
  package var outputStep: Int
  /// Channels of a pixel.
  package var channels: Int

  /// A row; the taps must stay valid while a kernel works on it.
  package init(
    taps: UnsafePointer<DepthwiseTap>, tapCount: Int, pixels: Int, inputStep: Int, outputStep: Int, channels: Int
  ) {
    self.taps = taps
    self.tapCount = tapCount
    self.pixels = pixels
    self.inputStep = inputStep
    self.outputStep = outputStep
    self.channels = channels
  }
}

/// Convolutions as sums of products of runs of values, and the order of weights that they read.
package protocol ConvolutionKernels {
  /// y = weights · x, finished by the epilogue, for every pixel of the block.
  /// weights: [⌈outputs/16⌉][runCount · runLength][16].
  static func convolve(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// The same for few outputs. weights: [outputs][runCount][runLength padded with zeros to a multiple of 8].
  static func convolveFew(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// sums[m][columnBlocks · 16] += Σ over pixels x[m] · dy[16 outputs], for the given blocks of 16 outputs. What a few
  /// pixels have is copied to `copies` first, where there are any (`DirectGradientBlock.copiesCount` values).
  static func accumulateWeightGradient(
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, columnBlocks: Range<Int>,
    copies: MutableFloats?)
  /// packed[block][i][j] = weights[(block · 16 + j) · outputStep + reduction[i]]; 0 beyond `outputs`.
  static func pack(
    _ weights: Floats, outputs: Int, outputStep: Int, reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>,
    _ packed: MutableFloats)
  /// The reverse of `pack` for sums [parts][reduction][outputs padded to 16], added up part by part:
  /// weights[o · outputStep + reduction[i]] = Σ over parts sums[part · partStep + i · rowStep + o].
  static func unpack(
    _ sums: Floats, parts: Int, partStep: Int, rowStep: Int, outputs: Int, outputStep: Int,
    reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>, _ weights: MutableFloats)
  /// y = Σ over taps x · weights, channel by channel, finished by the epilogue. The weights of a tap are padded with zeros
  /// to a multiple of 16 channels, the bias of the epilogue is not.
  static func depthwise(
    _ row: DepthwiseRow, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// sums[tap.weight + channel] += Σ over pixels x · dy; `outputStep` is that of dy.
  static func depthwiseWeightGradient(_ row: DepthwiseRow, _ x: Floats, _ dy: Floats, _ sums: MutableFloats)
}
