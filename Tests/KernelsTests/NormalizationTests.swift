import Foundation
import KernelTypes
import Kernels
import Testing

@Suite struct NormalizationTests {
  @Test(arguments: [(6, 3), (40, 16), (1000, 33), (9, 64)], InstructionSet.available)
  func batchNorm(_ size: (Int, Int), _ set: InstructionSet) throws {
    let (rows, channels) = size
    // A mean far from zero, which sums of squares would not survive.
    let x = values(rows * channels).map { $0 + 100 }
    let weight = values(channels, seed: 2)
    let bias = values(channels, seed: 3)
    let dy = values(rows * channels, seed: 4)
    let eps = 1e-3
    for relu in [false, true] {
      var mean = [Float](repeating: .nan, count: channels)
      var variance = mean
      var y = [Float](repeating: .nan, count: rows * channels)
      var (dx, constantDx) = (y, y)
      var (dWeight, dBias) = (mean, mean)
      try InstructionSet.with(set) {
        try BatchNorm.statistics(x, rows: rows, channels: channels, mean: &mean, variance: &variance)
        try BatchNorm.forward(
          x, rows: rows, channels: channels, mean: mean, variance: variance, weight: weight, bias: bias,
          eps: Float(eps),
          relu: relu, y: &y)
        try BatchNorm.backward(
          training: true, x, dy: dy, rows: rows, channels: channels, mean: mean, variance: variance, weight: weight,
          bias: bias, eps: Float(eps), relu: relu, dx: &dx, dWeight: &dWeight, dBias: &dBias)
        try BatchNorm.backward(
          training: false, x, dy: dy, rows: rows, channels: channels, mean: mean, variance: variance, weight: weight,
          bias: bias, eps: Float(eps), relu: relu, dx: &constantDx)
      }
      for c in 0..<channels {
        let column = (0..<rows).map { Double(x[$0 * channels + c]) }
        let m = column.reduce(0, +) / Double(rows)
        let v = column.reduce(0) { $0 + ($1 - m) * ($1 - m) } / Double(rows)
        #expect(abs(Double(mean[c]) - m) < 1e-5)
        #expect(abs(Double(variance[c]) - v) < 1e-5 * v)
        let inverse = 1 / (v + eps).squareRoot()
        let hat = column.map { ($0 - m) * inverse }
        let out = hat.map { $0 * Double(weight[c]) + Double(bias[c]) }
        let d = (0..<rows).map { relu && y[$0 * channels + c] <= 0 ? 0 : Double(dy[$0 * channels + c]) }
        let sum = d.reduce(0, +)
        let product = zip(d, hat).reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(Double(dBias[c]) - sum) < 1e-4)
        #expect(abs(Double(dWeight[c]) - product) < 5e-3)
        for r in 0..<rows {
          let place = r * channels + c
          #expect(abs(Double(y[place]) - (relu ? max(out[r], 0) : out[r])) < 2e-4)
          let scale = Double(weight[c]) * inverse
          let wanted = scale * (d[r] - sum / Double(rows) - hat[r] * product / Double(rows))
          #expect(abs(Double(dx[place]) - wanted) < 2e-3)
          #expect(abs(Double(constantDx[place]) - scale * d[r]) < 1e-4)
        }
      }
    }
  }

  static let pools = [
    PoolShape(batch: 2, height: 6, width: 8, channels: 5, kernel: (2, 2), stride: (2, 2)),
    PoolShape(batch: 3, height: 7, width: 7, channels: 16, kernel: (3, 3), stride: (2, 2), padding: (1, 1, 1, 1)),
    PoolShape(batch: 1, height: 5, width: 4, channels: 11, kernel: (3, 2), stride: (1, 2), padding: (1, 0, 0, 1)),
    PoolShape(batch: 2, height: 4, width: 4, channels: 64, kernel: (4, 4), stride: (4, 4)),
  ]

  @Test(arguments: pools, InstructionSet.available)
  func pooling(_ s: PoolShape, _ set: InstructionSet) {
    // Coarse values, so that there are ties.
    let x = values(s.inputCount).map { ($0 * 4).rounded() }
    let dy = values(s.outputCount, seed: 2)
    var y = [Float](repeating: .nan, count: s.outputCount)
    var argmax = [Int32](repeating: -7, count: s.outputCount)
    var dx = [Float](repeating: .nan, count: s.inputCount)
    var mean = y
    var meanDx = dx
    InstructionSet.with(set) {
      Pooling.maximum(s, x: x, y: &y, argmax: &argmax)
      Pooling.maximumGradient(s, dy: dy, argmax: argmax, dx: &dx)
      Pooling.average(s, countsPadding: false, x: x, y: &mean)
      Pooling.averageGradient(s, countsPadding: false, dy: dy, dx: &meanDx)
    }
    var (exactDx, exactMeanDx) = (
      [Double](repeating: 0, count: s.inputCount), [Double](repeating: 0, count: s.inputCount)
    )
    var exactMean: [Double] = []
    for o in 0..<s.outputCount {
      let c = o % s.channels
      let q = o / s.channels % s.outputWidth
      let p = o / s.channels / s.outputWidth % s.outputHeight
      let n = o / s.channels / s.outputWidth / s.outputHeight
      var places: [Int] = []
      for h in p * s.strideHeight - s.padTop..<p * s.strideHeight - s.padTop + s.kernelHeight
      where h >= 0 && h < s.height {
        for w in q * s.strideWidth - s.padLeft..<q * s.strideWidth - s.padLeft + s.kernelWidth
        where w >= 0 && w < s.width {
          places.append(((n * s.height + h) * s.width + w) * s.channels + c)
        }
      }
      let best = places.reduce(places[0]) { x[$1] > x[$0] ? $1 : $0 }
      #expect(y[o] == x[best])
      #expect(Int(argmax[o]) == best / s.channels % (s.height * s.width))
      exactDx[best] += Double(dy[o])
      exactMean.append(places.reduce(0.0) { $0 + Double(x[$1]) } / Double(places.count))
      for place in places { exactMeanDx[place] += Double(dy[o]) / Double(places.count) }
    }
    #expect(relativeError(dx, exactDx) < 1e-6)
    #expect(relativeError(mean, exactMean) < 1e-6)
    #expect(relativeError(meanDx, exactMeanDx) < 1e-6)
  }
}
