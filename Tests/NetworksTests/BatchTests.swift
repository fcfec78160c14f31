import Kernels
import Networks
import Tensors
import Testing

/// The logits and the input gradient of an example have the same bits in whatever batch it comes, with any number of
/// threads, for every layer and network and every instruction set.
@Suite(.serialized) struct BatchTests {
  private static let image = [3, 9, 9]

  /// A network with the layer between others that show all that it gives.
  private static func around(_ layer: Layer) throws -> Architecture {
    let first = Layer.conv2d(Conv2d(16, kernel: Size(3), padding: Padding(1)))
    return try Architecture(.sequential([first, layer, .flatten, .linear(Linear(7))]), input: image)
  }

  /// Every kind of layer; the switch makes a new kind come here too.
  private static func samples(like layer: Layer) -> [Layer] {
    switch layer {
    case .conv2d:
      [
        conv(16, Size(3), padding: Padding(1)), conv(24, Size(3), stride: Size(2), padding: Padding(1)),
        conv(5, Size(1)), conv(2, Size(3, 2)), conv(8, Size(5), padding: Padding(2)),
        .conv2d(Conv2d(8, kernel: Size(3), stride: Size(2), isSame: true)),
        conv(16, Size(3), padding: Padding(1), groups: 16), conv(16, Size(3), stride: Size(2), groups: 16),
        conv(16, Size(3), padding: Padding(2), dilation: Size(2)), conv(32, Size(3), groups: 4),
        .sequential([conv(64, Size(3), padding: Padding(1)), .relu, conv(64, Size(3), padding: Padding(1))]),
        .sequential([conv(64, Size(1)), conv(32, Size(3), stride: Size(2), padding: Padding(1)), .relu]),
      ]
    case .linear:
      [1, 3, 10, 16, 31, 33, 64, 130].map { .sequential([.flatten, .linear(Linear($0, bias: $0 != 31)), .relu]) }
    case .batchNorm:
      [
        .batchNorm(BatchNorm()), .sequential([.flatten, .linear(Linear(40)), .batchNorm(BatchNorm()), .relu]),
        .sequential([.flatten, .batchNorm(BatchNorm())]),
        .sequential([.batchNorm(BatchNorm()), .relu, conv(8, Size(3))]),
      ]
    case .relu: [.relu]
    case .leakyRelu: [.leakyRelu(slope: 0.1)]
    case .silu: [.silu]
    case .relu6: [.relu6]
    case .gelu: [.gelu]
    case .layerNorm: [.sequential([.flatten, .linear(Linear(70)), .layerNorm(eps: 1e-5)])]
    case .classToken: [.classToken, .sequential([.classToken, .linear(Linear(5)), .layerNorm(eps: 1e-6)])]
    case .firstToken: [.sequential([.classToken, .firstToken])]
    case .attention:
      [1, 2, 16].map { .sequential([.classToken, .attention(Attention(heads: $0)), .gelu]) }
    case .maxPool: [.maxPool(Pooling(Size(2))), .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1)))]
    case .averagePool:
      [.averagePool(Pooling(Size(2))), .averagePool(Pooling(Size(3), stride: Size(1), padding: Padding(1)))]
    case .globalAveragePool: [.globalAveragePool]
    case .flatten: [.flatten]
    case .dropout: [.dropout(0.5)]
    case .dropout2d: [.dropout2d(0.5)]
    case .quantise: [.quantise(levels: 9)]
    case .meanSparse:
      [.meanSparse(mean: [Double](repeating: 0.1, count: 16), width: [Double](repeating: 0.3, count: 16))]
    case .gaussianNoise: [.gaussianNoise(std: 0.2)]
    case .normalise: [.normalise(mean: [Double](repeating: 0.4, count: 16), std: [Double](repeating: 0.3, count: 16))]
    case .sequential: [.sequential([.relu, .relu])]
    case .chain: [.chain([Child("a", .relu)])]
    case .residual:
      [
        .residual(Residual(body: [Child("a", conv(16, Size(3), padding: Padding(1)))], after: [Child("", .relu)])),
        .residual(
          Residual(
            before: [Child("n", .batchNorm(BatchNorm())), Child("", .relu)], body: [Child("a", conv(8, Size(1)))],
            shortcut: [Child("s", conv(8, Size(1)))], shortcutReadsBefore: true)),
      ]
    }
  }

  private static let kinds: [Layer] = [
    conv(1, Size(1)), .linear(Linear(1)), .batchNorm(BatchNorm()), .relu, .leakyRelu(slope: 1), .silu, .relu6, .gelu,
    .layerNorm(eps: 1), .classToken, .firstToken, .attention(Attention(heads: 1)),
    .maxPool(Pooling(Size(1))), .averagePool(Pooling(Size(1))), .globalAveragePool, .flatten, .dropout(0),
    .dropout2d(0), .quantise(levels: 2), .meanSparse(mean: [], width: []), .gaussianNoise(std: 0),
    .normalise(mean: [], std: []), .sequential([]), .chain([]), .residual(Residual(body: [])),
  ]

  static let layers = kinds.flatMap(samples)

  /// One of every family.
  static let networks = Dictionary(grouping: Architecture.small(classes: 10, input: [3, 17, 18]), by: \.name)
    .values.compactMap(\.first)

  @Test(arguments: layers)
  func layer(_ layer: Layer) throws { try check(Self.around(layer), sizes: Array(1...40) + [250]) }

  /// Of the networks, whose layers have all sizes above, fewer sizes with narrower vectors.
  @Test(arguments: networks)
  func network(_ architecture: Architecture) throws { try check(architecture, sizes: [1, 2, 3, 7, 16, 31, 40, 250]) }

  private struct Result {
    var logits: [UInt32]
    var gradient: [UInt32]
  }

  private func run(_ model: Model, _ images: Tensor, _ labels: [Int]) throws -> Result {
    let tracked = images.tracked()
    let loss = try crossEntropy(model(tracked), labels: labels, reduction: .sum)
    let gradient = try gradients(of: loss, withRespectTo: [tracked])[0]
    return Result(
      logits: try model(images).floats().map(\.bitPattern), gradient: gradient.floats().map(\.bitPattern))
  }

  private func check(_ architecture: Architecture, sizes: [Int]) throws {
    let model = try Model(architecture, seed: 3)
    let (count, input) = (250, architecture.input)
    let images = try Tensor.uniform([count] + input, stream: RandomStream(seed: 5, purpose: "batches"))
    // Running statistics that are not those of the start.
    if !model.buffers.isEmpty {
      _ = try model.forward(images.slice(axis: 0, 0, 20), mode: .train, dropout: RandomStream(seed: 1, purpose: "d"))
    }
    let labels = (0..<count).map { $0 % 2 }
    let pixels = input.reduce(1, *)
    for set in InstructionSet.available {
      try InstructionSet.with(set) {
        let whole = try run(model, images, labels)
        let classes = whole.logits.count / count
        for threads in [1, 2] {
          let before = Threads.count
          Threads.count = threads
          defer { Threads.count = before }
          for size in sizes {
            let start = size * 7 % (count - size + 1)
            let range = start..<start + size
            let part = try run(model, images.slice(axis: 0, start, start + size), Array(labels[range]))
            // Compared outside of the expectation, which would print a million numbers.
            let sameLogits = part.logits[...] == whole.logits[start * classes..<range.upperBound * classes]
            let sameGradient = part.gradient[...] == whole.gradient[start * pixels..<range.upperBound * pixels]
            #expect(sameLogits, "logits of batch \(size), \(set), \(threads) threads")
            #expect(sameGradient, "gradient of batch \(size), \(set), \(threads) threads")
          }
        }
      }
    }
  }
}

/// A convolution with all that a test may want of it.
func conv(
  _ channels: Int, _ kernel: Size, stride: Size = Size(1), padding: Padding = .none, dilation: Size = Size(1),
  groups: Int = 1
) -> Layer {
  .conv2d(Conv2d(channels, kernel: kernel, stride: stride, padding: padding, dilation: dilation, groups: groups))
}
