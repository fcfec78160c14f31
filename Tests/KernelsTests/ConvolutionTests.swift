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
    ConvolutionCase(2, 9, 11, 33, 35, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1)),
    ConvolutionCase(3, 15, 14, 16, 48, (3, 3), stride: (2, 2), pad: (1, 2, 3, 0)),
    ConvolutionCase(1, 7, 7, 80, 32, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1)),
    ConvolutionCase(2, 10, 13, 64, 64, (3, 3), stride: (2, 2), pad: (2, 1, 0, 3)),
    ConvolutionCase(2, 17, 16, 136, 128, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1)),
    ConvolutionCase(1, 5, 6, 300, 230, (3, 3), pad: (1, 1, 1, 1)),
    ConvolutionCase(1, 7, 8, 260, 264, (3, 3), stride: (2, 2), pad: (1, 1, 1, 1)),
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
        for _ in 0..<2 {
          try bias.withUnsafeBufferPointer {
            try Convolution.forward(
              s, x: x, weight: weight, packed: packed, epilogue: KernelEpilogue(bias: $0.baseAddress), y: &y)
          }
        }
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

  /// Of wide layers a call with few tiles keeps the transformed weights, and one with many forms them in pieces.
  @Test(arguments: [(1, 1), (2, 2)])
  func keptAndFormedWeightsGiveTheSameBits(_ stride: (Int, Int)) throws {
    func item(_ batch: Int) -> ConvolutionShape {
      ConvolutionCase(batch, 8, 8, 290, 250, (3, 3), stride: stride, pad: (1, 1, 1, 1)).shape
    }
    let (many, one) = (item(9), item(1))
    let x = values(many.inputCount)
    let dy = values(many.outputCount, seed: 4)
    let weight = values(many.weightCount, seed: 2)
    for set in InstructionSet.available {
      try InstructionSet.with(set) {
        var (y, dx) = (
          [Float](repeating: .nan, count: many.outputCount), [Float](repeating: .nan, count: many.inputCount)
        )
        try Convolution.forward(many, x: x, weight: weight, packed: PackedWeights(), y: &y)
        try Convolution.inputGradient(many, dy: dy, weight: weight, packed: PackedWeights(), dx: &dx)
        for packed in [PackedWeights(), nil] {
          for _ in 0..<2 {
            var (y1, dx1) = (
              [Float](repeating: .nan, count: one.outputCount), [Float](repeating: .nan, count: one.inputCount)
            )
            try Convolution.forward(one, x: x, weight: weight, packed: packed, y: &y1)
            try Convolution.inputGradient(one, dy: dy, weight: weight, packed: packed, dx: &dx1)
            #expect(y1.elementsEqual(y.prefix(y1.count)) && dx1.elementsEqual(dx.prefix(dx1.count)))
          }
        }
      }
    }
  }

  @Test(arguments: ConvolutionCase.all)
  func epilogueIsWhatComesAfter(_ item: ConvolutionCase) throws {
    let s = item.shape
    let x = values(s.inputCount)
    let weight = values(s.weightCount, seed: 2)
    let bias = values(s.filters, seed: 3)
    let dy = values(s.outputCount, seed: 4)
    for set in InstructionSet.available {
      try InstructionSet.with(set) {
        var (plain, y) = (
          [Float](repeating: .nan, count: s.outputCount), [Float](repeating: .nan, count: s.outputCount)
        )
        try Convolution.forward(s, x: x, weight: weight, y: &plain)
        let addend = values(s.outputCount, seed: 5)
        try bias.withUnsafeBufferPointer { bias in
          try addend.withUnsafeBufferPointer { addend in
            try y.withUnsafeMutableBufferPointer { y in
              guard let target = y.baseAddress else { return }
              let epilogue = KernelEpilogue(of: target, bias: bias.baseAddress, addend: addend.baseAddress, relu: true)
              try Convolution.forward(s, x: x, weight: weight, epilogue: epilogue, y: target)
            }
          }
        }
        #expect(
          zip(y, plain.indices).allSatisfy { abs($0 - max(plain[$1] + bias[$1 % s.filters] + addend[$1], 0)) < 1e-4 })

        let mask = values(s.inputCount, seed: 6)
        let skip = values(s.inputCount, seed: 7)
        for masksFirst in [false, true] {
          var (gradient, dx) = (
            [Float](repeating: .nan, count: s.inputCount), [Float](repeating: .nan, count: s.inputCount)
          )
          try Convolution.inputGradient(s, dy: dy, weight: weight, dx: &gradient)
          try mask.withUnsafeBufferPointer { mask in
            try skip.withUnsafeBufferPointer { skip in
              try dx.withUnsafeMutableBufferPointer { dx in
                guard let target = dx.baseAddress else { return }
                let epilogue = KernelEpilogue(
                  of: target, addend: skip.baseAddress, mask: mask.baseAddress, masksFirst: masksFirst)
                try Convolution.inputGradient(s, dy: dy, weight: weight, epilogue: epilogue, dx: target)
              }
            }
          }
          let expected = gradient.indices.map { i in
            masksFirst
              ? (mask[i] > 0 ? gradient[i] : 0) + skip[i] : mask[i] > 0 ? gradient[i] + skip[i] : 0
          }
          #expect(zip(dx, expected).allSatisfy { abs($0 - $1) < 1e-4 })
        }
      }
    }
  }

  @Test(arguments: [
    ConvolutionCase.all[3], ConvolutionCase.all[4], ConvolutionCase.all[11], ConvolutionCase.all[19],
    ConvolutionCase.all[12], ConvolutionCase.all[28], ConvolutionCase.all[32],
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
