/// A 3x3 convolution of stride 1 cut into tiles of 4x4 outputs, each computed from 6x6 inputs; channels last.
package struct WinogradShape: Sendable {
  package var batch: Int
  package var inputHeight: Int
  package var inputWidth: Int
  package var inputs: Int
  package var outputHeight: Int
  package var outputWidth: Int
  package var outputs: Int
  /// Zeros above and left of the input; negative where its first rows or columns are not read.
  package var padTop: Int
  package var padLeft: Int
  package let tileRows: Int
  package let tileColumns: Int

  package init(
    batch: Int, inputHeight: Int, inputWidth: Int, inputs: Int, outputHeight: Int, outputWidth: Int, outputs: Int,
    padTop: Int, padLeft: Int
  ) {
    self.batch = batch
    self.inputHeight = inputHeight
    self.inputWidth = inputWidth
    self.inputs = inputs
    self.outputHeight = outputHeight
    self.outputWidth = outputWidth
    self.outputs = outputs
    self.padTop = padTop
    self.padLeft = padLeft
    tileRows = (outputHeight + 3) / 4
    tileColumns = (outputWidth + 3) / 4
  }

  package var tiles: Int { batch * tileRows * tileColumns }
  package var outputBlocks: Int { (outputs + 15) / 16 }
}

/// Thirty-six matrices, one for each place of a transformed tile: value (place, row, column) is at
/// place · plane + row · step + column.
package struct WinogradMatrices {
  package var values: MutableFloats
  package var plane: Int
  package var step: Int

  package init(values: MutableFloats, plane: Int, step: Int) {
    self.values = values
    self.plane = plane
    self.step = step
  }
}

/// Winograd's minimal filtering F(4x4, 3x3) with the points 0, ±2/3, ±3/2 and infinity.
package protocol WinogradKernels {
  /// The transformed inputs of some tiles; row 0 of `target` is the first of them. `zeros` holds `inputs` zeros.
  static func winogradInput(
    _ s: WinogradShape, tiles: Range<Int>, _ x: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// The transformed gradients of the outputs of some tiles, with zeros up to a multiple of 16 columns.
  static func winogradOutputGradient(
    _ s: WinogradShape, tiles: Range<Int>, _ dy: Floats, zeros: Floats, _ target: WinogradMatrices)
  /// product[place][rows][16 · blocks] = input[place][rows][·] · weights[place][block][·][16].
  static func winogradMultiply(
    _ s: WinogradShape, place: Int, rows: Int, blocks: Range<Int>, _ input: WinogradMatrices, _ weights: Floats,
    _ product: WinogradMatrices)
  /// y = bias + the transformed products of some tiles.
  static func winogradOutput(
    _ s: WinogradShape, tiles: Range<Int>, _ product: WinogradMatrices, bias: Floats?, _ y: MutableFloats)
  /// sums[place][inputs][16 · blocks] += input[place]ᵀ · gradient[place] over `rows` tiles; = where it `starts`.
  static func winogradAccumulate(
    _ s: WinogradShape, place: Int, rows: Int, blocks: Range<Int>, _ input: WinogradMatrices,
    _ gradient: WinogradMatrices, _ sums: WinogradMatrices, starts: Bool)
  /// packed[place][block][input][16] from weights[output · outputStep + input · inputStep + 0..<9], turned by half a turn
  /// for the input gradient.
  static func winogradWeights(
    _ s: WinogradShape, _ weights: Floats, outputStep: Int, inputStep: Int, turned: Bool, blocks: Range<Int>,
    _ packed: MutableFloats)
  /// weights[output · outputStep + input · inputStep + 0..<9] from sums[place][input][output].
  static func winogradWeightGradient(
    _ s: WinogradShape, inputs: Range<Int>, _ sums: WinogradMatrices, outputStep: Int, inputStep: Int,
    _ weights: MutableFloats)
}
