/// A block of output pixels of a convolution seen as a matrix product: the row of an output pixel is made of `runCount`
/// runs of `runLength` contiguous input values each, the matrix of 16 outputs has one row of 16 weights for every value.
package struct DirectBlock {
  package var pixels: Int
  /// Where the values of each pixel start in the input, and its outputs in the output.
  package var inputOffsets: UnsafePointer<Int>
  package var outputOffsets: UnsafePointer<Int>
  /// Where each run starts, from the start of the pixel.
  package var runs: UnsafePointer<Int>
  package var runCount: Int
  package var runLength: Int
  /// Outputs per pixel; weights and bias are padded with zeros to a multiple of 16.
  package var outputs: Int

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
  package var segments: Int
  package var columns: Int
  package var inputOffsets: UnsafePointer<Int>
  package var gradientOffsets: UnsafePointer<Int>
  package var inputStep: Int
  package var gradientStep: Int
  package var runs: UnsafePointer<Int>
  package var runCount: Int
  package var runLength: Int
  /// Values from one row of the result to the next.
  package var rowStep: Int
  /// The result is overwritten instead of added to.
  package var starts: Bool
  /// The inputs of six rows are copied side by side before use, since pixels that lie a power of two apart share few
  /// cache sets.
  package var copies: Bool

  package init(
    segments: Int, columns: Int, inputOffsets: UnsafePointer<Int>, gradientOffsets: UnsafePointer<Int>, inputStep: Int,
    gradientStep: Int, runs: UnsafePointer<Int>, runCount: Int, runLength: Int, rowStep: Int, starts: Bool,
    copies: Bool = false
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
    self.copies = copies
  }
}

/// What is done to the outputs of a convolution while they are in registers or the nearest cache: the bias is added, then
/// the addend, then ReLU; with a mask, outputs are 0 where it is not positive. Addend and mask lie like the outputs,
/// `distance` values away from them.
package struct KernelEpilogue {
  /// [filters]; padded with zeros to a multiple of 16 where it reaches the direct kernels.
  package var bias: Floats?
  package let addendDistance: Int?
  package let maskDistance: Int?
  /// The addend is added after the mask was applied, not before.
  package let masksFirst: Bool
  package let relu: Bool
  /// Whether there is something beside the bias.
  package let changes: Bool

  /// Nothing but the bias, if there is one.
  package init(bias: Floats? = nil) {
    self.bias = bias
    (addendDistance, maskDistance, masksFirst, relu, changes) = (nil, nil, false, false, false)
  }

  /// Of results that begin at `target`; the addend and the mask are like them.
  package init(
    of target: MutableFloats, bias: Floats? = nil, addend: Floats? = nil, mask: Floats? = nil,
    masksFirst: Bool = false, relu: Bool = false
  ) {
    self.bias = bias
    addendDistance = addend.map { $0 - Floats(target) }
    maskDistance = mask.map { $0 - Floats(target) }
    self.masksFirst = masksFirst
    self.relu = relu
    changes = relu || addend != nil || mask != nil
  }
}

package protocol ConvolutionKernels {
  /// y = weights · x, finished by the epilogue, for every pixel of the block.
  /// weights: [⌈outputs/16⌉][runCount · runLength][16].
  static func convolve(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// The same for few outputs. weights: [outputs][runCount][runLength padded with zeros to a multiple of 8].
  static func convolveFew(
    _ block: DirectBlock, _ x: Floats, _ weights: Floats, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// sums[m][columnBlocks · 16] += Σ over pixels x[m] · dy[16 outputs], for the given blocks of 16 outputs.
  static func accumulateWeightGradient(
    _ block: DirectGradientBlock, _ x: Floats, _ dy: Floats, _ sums: MutableFloats, columnBlocks: Range<Int>)
  /// packed[block][i][j] = weights[(block · 16 + j) · outputStep + reduction[i]]; 0 beyond `outputs`.
  static func pack(
    _ weights: Floats, outputs: Int, outputStep: Int, reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>,
    _ packed: MutableFloats)
  /// The reverse of `pack` for sums [parts][reduction][outputs padded to 16], added up part by part:
  /// weights[o · outputStep + reduction[i]] = Σ over parts sums[part · partStep + i · rowStep + o].
  static func unpack(
    _ sums: Floats, parts: Int, partStep: Int, rowStep: Int, outputs: Int, outputStep: Int,
    reduction: UnsafePointer<Int>, count: Int, blocks: Range<Int>, _ weights: MutableFloats)
}
