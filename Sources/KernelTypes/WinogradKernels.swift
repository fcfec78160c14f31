/// A 3x3 convolution, or the adjoint of one in its input, cut into tiles; channels last. "Inputs" are what the kernels
/// read, the gradient of the outputs in the adjoint; "outputs" are what they write.
///
/// Stride 1: a tile is 4x4 outputs, computed from 6x6 inputs by F(4x4, 3x3) with the points 0, ±2/3, ±3/2 and infinity, with
/// 36 products for each pair of an input and an output channel. The adjoint is the convolution with turned weights.
///
/// Stride 2, with odd padding above and left: a tile is 4x4 outputs from 9x9 inputs, in the adjoint 8x8 outputs from 5x5
/// inputs, with 81 products.
package struct WinogradShape: Sendable {
  /// How many images.
  package let batch: Int
  /// Rows of what is read.
  package let inputHeight: Int
  /// Columns of what is read.
  package let inputWidth: Int
  /// Channels of what is read.
  package let inputs: Int
  /// Rows of what is written.
  package let outputHeight: Int
  /// Columns of what is written.
  package let outputWidth: Int
  /// Channels of what is written.
  package let outputs: Int
  /// Zeros above and left of the input; negative where its first rows or columns are not read. In the adjoint of
  /// stride 2 that of the convolution.
  package let padTop: Int
  /// The same for columns.
  package let padLeft: Int
  /// Whether the stride is 2.
  package let isStrided: Bool
  /// Whether this is the adjoint.
  package let isAdjoint: Bool
  /// Rows of tiles of an image.
  package let tileRows: Int
  /// Columns of tiles of an image.
  package let tileColumns: Int

  /// The tiles of a convolution, or of its adjoint.
  package init(_ s: ConvolutionShape, adjoint: Bool) {
    batch = s.batch
    isStrided = s.strideHeight == 2
    isAdjoint = adjoint
    if adjoint {
      (inputHeight, inputWidth, inputs) = (s.outputHeight, s.outputWidth, s.filters)
      (outputHeight, outputWidth, outputs) = (s.height, s.width, s.channels)
    } else {
      (inputHeight, inputWidth, inputs) = (s.height, s.width, s.channels)
      (outputHeight, outputWidth, outputs) = (s.outputHeight, s.outputWidth, s.filters)
    }
    if adjoint && isStrided {
      (padTop, padLeft) = (s.padTop, s.padLeft)
      tileRows = (s.height + s.padTop + 6) / 8
      tileColumns = (s.width + s.padLeft + 6) / 8
    } else {
      (padTop, padLeft) = adjoint ? (2 - s.padTop, 2 - s.padLeft) : (s.padTop, s.padLeft)
      tileRows = (outputHeight + 3) / 4
      tileColumns = (outputWidth + 3) / 4
    }
  }

  /// Tiles of all images together.
  package var tiles: Int { batch * tileRows * tileColumns }
  /// Blocks of 16 outputs, the last one filled up.
  package var outputBlocks: Int { (outputs + 15) / 16 }
  /// The positions of a transformed tile: how many products each pair of channels takes.
  package var places: Int { isStrided ? 81 : 36 }

  /// Which of the 36 transformed weights a position multiplies with.
  package func weight(of place: Int) -> Int {
    // The middle tap is the same in four positions of each axis.
    isStrided ? max(place / 9 - 3, 0) * 6 + max(place % 9 - 3, 0) : place
  }

  /// The positions that multiply with one of the weights.
  package func places(of weight: Int) -> [Int] { (0..<places).filter { self.weight(of: $0) == weight } }
}

/// Matrices, one for each position of a transformed tile: value (place, row, column) is at
/// place · plane + row · step + column.
package struct WinogradMatrices {
  /// The first value.
  package var values: MutableFloats
  /// Values from one matrix to the next.
  package var plane: Int
  /// Values from one row to the next.
  package var step: Int

  /// Matrices over memory of the caller.
  package init(values: MutableFloats, plane: Int, step: Int) {
    self.values = values
    self.plane = plane
    self.step = step
  }
}

/// Winograd's minimal filtering.
package protocol WinogradKernels {
  /// The transformed inputs of some tiles; row 0 of `target` is the first of them. `zeros` holds `inputs` zeros.
  static func winogradInput(
    _ s: WinogradShape, tiles: Range<Int>, _ x: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// The same for stride 2.
  static func stridedWinogradInput(
    _ s: WinogradShape, tiles: Range<Int>, _ x: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// The same for the adjoint of stride 2.
  static func stridedWinogradAdjointInput(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// The transformed gradients of the outputs of some tiles, with zeros up to a multiple of 16 columns.
  static func winogradOutputGradient(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// The same for stride 2.
  static func stridedWinogradOutputGradient(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// m[rows][16 · blocks] = v[rows][depth] · weights[block][depth][16]; += where it `continues`.
  static func winogradMultiply(
    depth: Int, rows: Int, blocks: Range<Int>, _ v: Floats, step vStep: Int, _ weights: Floats, _ m: MutableFloats,
    step mStep: Int, continues: Bool)
  /// y = the transformed products of some tiles, finished by the epilogue.
  static func winogradOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// The same for stride 2.
  static func stridedWinogradOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue, _ y: MutableFloats)
  /// The same for the adjoint of stride 2.
  static func stridedWinogradAdjointOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, _ epilogue: KernelEpilogue, _ dx: MutableFloats)
  /// sums[inputs][16 · blocks] += input[rows][inputs]ᵀ · gradient[rows][16 · blocks]; = where it `starts`.
  static func winogradAccumulate(
    inputs: Int, rows: Int, blocks: Range<Int>, _ input: Floats, step inputStep: Int, _ gradient: Floats,
    step gradientStep: Int, _ sums: MutableFloats, step: Int, starts: Bool)
  /// packed[36 planes][blocks][inputs][16] of some blocks of outputs and some inputs, from
  /// weights[output · outputStep + input · inputStep + 0..<9], turned by half a turn for the adjoint.
  static func winogradWeights(
    _ s: WinogradShape, _ weights: Floats, outputStep: Int, inputStep: Int, turned: Bool, blocks: Range<Int>,
    inputs: Range<Int>, _ packed: MutableFloats, plane: Int)
  /// weights[output · outputStep + input · inputStep + 0..<9] from sums[36][input][output].
  static func winogradWeightGradient(
    _ s: WinogradShape, inputs: Range<Int>, _ sums: WinogradMatrices, outputStep: Int, inputStep: Int,
    _ weights: MutableFloats)
}
