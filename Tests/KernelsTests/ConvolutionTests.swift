import KernelTypes
import Kernels
import Testing

struct ConvolutionCase: CustomTestStringConvertible {
  let shape: ConvolutionShape

  init(
    _ batch: Int, _ height: Int, _ width: Int, _ channels: Int, _ filters: Int, _ kernel: (Int, Int),
    stride: (Int, Int) = (1, 1), pad: (Int, Int, Int, Int) = (0, 0, 0, 0), dilation: (Int, Int) = (1, 1),
    groups: Int = 1
  ) {
    shape = ConvolutionShape(
      batch: batch, height: height, width: width, channels: channels, filters: filters, kernel: kernel, stride: stride,
      padding: pad, dilation: dilation, groups: groups)
  }

  var testDescription: String {
    let s = shape
    return "\(s.batch)x\(s.height)x\(s.width)x\(s.channels) to \(s.filters), \(s.kernelHeight)x\(s.kernelWidth), "
      + "stride \(s.strideHeight),\(s.strideWidth), pad \(s.padTop),\(s.padBottom),\(s.padLeft),\(s.padRight), "
      + "dilation \(s.dilationHeight),\(s.dilationWidth), groups \(s.groups)"
  }

  static let all: [ConvolutionCase] = [
    ConvolutionCase(1, 1, 1, 1, 1, (1, 1)),
    ConvolutionCase(2, 5, 6, 3, 5, (3, 3)),
    ConvolutionCase(2, 7, 5, 3, 17, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 28, 28, 1, 32, (3, 3)),
    ConvolutionCase(2, 12, 12, 32, 64, (3, 3)),
    ConvolutionCase(3, 8, 8, 16, 32, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 9, 11, 33, 35, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 13, 10, 40, 33, (3, 3), pad: (0, 2, 1, 0)),
    ConvolutionCase(5, 4, 4, 48, 32, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(3, 3, 3, 32, 32, (3, 3)),
    ConvolutionCase(1, 5, 5, 32, 32, (3, 3), pad: (3, 4, 5, 3)),
    ConvolutionCase(3, 30, 30, 16, 16, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 4, 5, 136, 128, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 8, 8, 16, 24, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 9, 7, 5, 6, (3, 3), stride: (2, 3), pad: (1, 0, 2, 1)),
    ConvolutionCase(2, 8, 8, 16, 32, (1, 1), stride: (2, 2)),
    ConvolutionCase(4, 6, 6, 64, 16, (1, 1)),
    ConvolutionCase(1, 19, 21, 3, 16, (7, 7), stride: (2, 2), pad: (3, 3, 3, 3)),
    ConvolutionCase(2, 12, 9, 4, 8, (4, 5), stride: (2, 1), pad: (1, 2, 2, 2)),
    ConvolutionCase(2, 10, 12, 6, 7, (3, 2), pad: (2, 2, 1, 1), dilation: (2, 3)),
    ConvolutionCase(2, 11, 11, 4, 6, (3, 3), stride: (2, 2), pad: (2, 2, 2, 2), dilation: (2, 2)),
    ConvolutionCase(2, 7, 7, 6, 9, (3, 3), pad: (1, 1, 1, 1), groups: 3),
    ConvolutionCase(2, 7, 7, 8, 8, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1), groups: 8),
    ConvolutionCase(1, 3, 3, 2, 3, (1, 1), stride: (4, 4)),
    ConvolutionCase(2, 9, 10, 1, 20, (3, 3)),
    ConvolutionCase(2, 9, 10, 3, 16, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 9, 10, 4, 11, (5, 5), stride: (2, 2), pad: (2, 2, 2, 2)),
    ConvolutionCase(1, 6, 7, 19, 2, (3, 3), pad: (1, 0, 1, 0)),
    ConvolutionCase(1, 2, 2, 2, 3, (2, 2), pad: (5, 0, 0, 5)),
    ConvolutionCase(0, 5, 5, 3, 4, (3, 3)),
    ConvolutionCase(2, 5, 5, 0, 4, (3, 3)),
    ConvolutionCase(2, 5, 5, 4, 0, (3, 3)),
  ]
}

@Suite struct ConvolutionTests {
  @Test(arguments: ConvolutionCase.all)
  func agreesWithTheDefinition(_ item: ConvolutionCase) throws {
    let s = item.shape
    let reference = ReferenceConvolution(shape: s)
    let x = values(s.inputCount)
    let weight = values(s.weightCount, seed: 2)
    let bias = values(s.filters, seed: 3)
    let dy = values(s.outputCount, seed: 4)
    let exactY = reference.forward(x, weight, bias)
    let exactBare = exactY.enumerated().map { $1 - Double(bias[$0 % s.filters]) }
    let exactDx = reference.inputGradient(dy, weight)
    let exact = reference.weightGradient(x, dy)
    for set in InstructionSet.available {
      var y = [Float](repeating: .nan, count: s.outputCount)
      var bare = y
      var (dx, dw) = ([Float](repeating: .nan, count: s.inputCount), [Float](repeating: .nan, count: s.weightCount))
      var db = [Float](repeating: .nan, count: s.filters)
      try InstructionSet.with(set) {
        let packed = PackedWeights()
        // Twice: packing, and packed.
        for _ in 0..<2 { try Convolution.forward(s, x: x, weight: weight, packed: packed, bias: bias, y: &y) }
        try Convolution.forward(s, x: x, weight: weight, y: &bare)
        try Convolution.inputGradient(s, dy: dy, weight: weight, packed: packed, dx: &dx)
        try Convolution.weightGradient(s, x: x, dy: dy, dw: &dw, db: &db)
      }
      #expect(relativeError(y, exactY) < 2e-6)
      #expect(relativeError(bare, exactBare) < 2e-6)
      #expect(relativeError(dx, exactDx) < 2e-6)
      #expect(relativeError(dw, exact.dw) < 2e-6)
      #expect(relativeError(db, exact.db) < 2e-6)
    }
  }

  @Test(arguments: [
    ConvolutionCase.all[3], ConvolutionCase.all[4], ConvolutionCase.all[11], ConvolutionCase.all[19],
    ConvolutionCase.all[12],
  ])
  func sameBitsForAnyNumberOfThreads(_ item: ConvolutionCase) throws {
    let s = item.shape
    let x = values(s.inputCount)
    let weight = values(s.weightCount, seed: 2)
    let dy = values(s.outputCount, seed: 4)
    let before = Threads.count
    defer { Threads.count = before }
    var results: [[[Float]]] = []
    for threads in 1...3 {
      Threads.count = threads
      var y = [Float](repeating: 0, count: s.outputCount)
      var dx = [Float](repeating: 0, count: s.inputCount)
      var dw = [Float](repeating: 0, count: s.weightCount)
      var db = [Float](repeating: 0, count: s.filters)
      try Convolution.forward(s, x: x, weight: weight, y: &y)
      try Convolution.inputGradient(s, dy: dy, weight: weight, dx: &dx)
      try Convolution.weightGradient(s, x: x, dy: dy, dw: &dw, db: &db)
      results.append([y, dx, dw, db])
    }
    #expect(results[1] == results[0])
    #expect(results[2] == results[0])
  }
}
