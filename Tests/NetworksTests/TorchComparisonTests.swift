import Base
import Foundation
import Networks
import Tensors
import Testing

/// Logits and input gradients of networks against PyTorch 2.13 in double precision: kuangliu's VGG and MobileNetV2
/// (pytorch-cifar), torchvision's `mobilenet_v2(num_classes=10, width_mult=0.25)` and timm's `VisionTransformer`, with
/// the weights and images of the formulas below, in evaluation mode. The gradient is that of the sum of the cross
/// entropies of two images with the labels 1 and 3.
@Suite struct TorchComparisonTests {
  struct Expected: Sendable {
    var architecture: Architecture
    /// Logits 0, 1, 2 and 9 of the first image, and 0 and 9 of the second.
    var logits: [Double]
    /// Elements of the gradient by their position in row-major order.
    var gradient: [(place: Int, value: Double)]
    /// The length of the gradient.
    var norm: Double
  }

  static let expected: [Expected] = [
    Expected(
      architecture: Architecture(VGG(depth: 11, width: 8), classes: 10, input: [3, 32, 32]),
      logits: [-4.9449, 1.56479, 0.214481, 1.19271, -4.22385, 1.51672],
      gradient: [
        (0, -0.00128744), (7, 0.00958029), (1029, -0.00735381), (3083, -0.0163712), (6143, 0.000845356),
      ], norm: 3.02759),
    Expected(
      architecture: Architecture(MobileNetV2(width: 0.25), classes: 10, input: [3, 32, 32]),
      logits: [-50751.7, -79893.1, -50602.2, -34804.3, -47996.6, -32267.9],
      gradient: [(0, -60.0927), (7, -263.862), (1029, -999.12), (3083, -10.9285), (6143, 0.719051)], norm: 17567.8),
    Expected(
      architecture: Architecture(MobileNetV2(width: 0.25, form: .torchvision), classes: 10, input: [3, 64, 64]),
      logits: [-9.14219, -5.61392, -2.13838, 0.433301, -9.3975, 0.53412],
      gradient: [
        (0, -0.0210355), (7, -0.0592596), (4101, 0.103173), (12299, -0.0557908), (24575, -1.75687e-05),
      ], norm: 56.9063),
    Expected(
      architecture: Architecture(
        ViT(patch: 4, dim: 24, depth: 2, heads: 3, mlpRatio: 2), classes: 10, input: [3, 16, 16]),
      logits: [0.75772, 0.648259, 0.577749, 1.00078, 0.736133, 1.05248],
      gradient: [
        (0, -0.00605376), (7, -0.112665), (261, -0.00264729), (779, 0.000353409), (1535, 0.0253119),
      ], norm: 2.39675),
  ]

  /// Element k of the tensor that is number i by name among those of floats: uniform in its way, and the same in
  /// NumPy.
  private static func value(_ k: Int, _ i: Int) -> Double {
    let mixed: Int = k * 7919 + (k / 31) * 131 + i * 37
    return Double(mixed % 256) / 255
  }

  @Test(arguments: expected.indices)
  func agrees(_ place: Int) throws {
    let expected = Self.expected[place]
    let model = try Model(expected.architecture)
    let numbers = Dictionary(
      uniqueKeysWithValues: model.state.filter { $0.tensor.dtype == .float32 }.map(\.name).sorted().enumerated()
        .map { ($0.element, $0.offset) })
    func filled(_ name: String, _ tensor: Tensor) throws -> Tensor {
      guard let i = numbers[name] else { return tensor }
      let fan = Double(tensor.shape.dropFirst().reduce(1, *))
      let isPositive = name.hasSuffix("running_var") || name.hasSuffix("weight")
      let values = (0..<tensor.count).map { k -> Float in
        let u = Self.value(k, i)
        if tensor.rank == 1 { return Float(isPositive ? u + 0.5 : u - 0.5) }
        return Float((u - 0.5) * (24 / fan).squareRoot())
      }
      return try Tensor(values, shape: tensor.shape)
    }
    try model.setParameters(zip(model.parameterNames, model.parameters).map { try filled($0, $1) })
    try model.setBuffers(zip(model.bufferNames, model.buffers).map { try filled($0, $1) })
    let shape = [2] + expected.architecture.input
    let pixels = (0..<shape.reduce(1, *)).map { (k: Int) -> Float in Float(Self.value(k, 0)) }
    let images = try Tensor(pixels, shape: shape).tracked()
    let logits = try model(images)
    let loss = try crossEntropy(logits, labels: [1, 3], reduction: .sum)
    let gradient = try gradients(of: loss, withRespectTo: [images])[0].floats().map(Double.init)
    let found = logits.floats().map(Double.init)
    let scale = found.map(abs).max() ?? 0
    for (i, wanted) in zip([0, 1, 2, 9, 10, 19], expected.logits) {
      #expect(abs(found[i] - wanted) < 2e-5 * scale, "logit \(i) is \(found[i]) instead of \(wanted)")
    }
    let squares: [Double] = gradient.map { $0 * $0 }
    let norm = squares.reduce(0, +).squareRoot()
    #expect(abs(norm - expected.norm) < 1e-4 * expected.norm, "\(norm)")
    let greatest = gradient.map(abs).max() ?? 0
    for (i, wanted) in expected.gradient {
      #expect(abs(gradient[i] - wanted) < 1e-4 * greatest, "gradient \(i) is \(gradient[i]) instead of \(wanted)")
    }
  }
}
