import Base
import Kernels
import Networks
import Tensors
import Testing

/// A network that looks only at what a square has changed gives the bits that it gives for whole images.
@Suite(.serialized) struct RememberedImagesTests {
  private static let input = [3, 23, 20]

  /// What stands between a convolution and the whole image at the end.
  private static let layers: [Layer] = [
    conv(16, Size(3), padding: Padding(1)), conv(24, Size(3, 2)), conv(2, Size(5), padding: Padding(2)),
    conv(20, Size(4), stride: Size(2), padding: Padding(1)), conv(32, Size(1), stride: Size(3)),
    conv(16, Size(3), padding: Padding(2), dilation: Size(2)), conv(16, Size(3), padding: Padding(1), groups: 4),
    conv(16, Size(3), stride: Size(2, 1), padding: Padding(1), groups: 16),
    conv(17, Size(2, 3), padding: Padding(top: 2, bottom: 0, left: 0, right: 3)),
    .conv2d(Conv2d(8, kernel: Size(3), stride: Size(2), isSame: true)),
    .maxPool(Pooling(Size(2))), .maxPool(Pooling(Size(3), stride: Size(2))), .averagePool(Pooling(Size(3, 2))),
    .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1))),
    .relu, .leakyRelu(slope: 0.1), .silu, .relu6, .gelu, .quantise(levels: 9), .batchNorm(BatchNorm()),
    .meanSparse(mean: [Double](repeating: 0.1, count: 16), width: [Double](repeating: 0.3, count: 16)),
    .normalise(mean: [Double](repeating: 0.4, count: 16), std: [Double](repeating: 0.3, count: 16)),
    .sequential([.batchNorm(BatchNorm()), .relu, conv(8, Size(3))]),
    .sequential([.maxPool(Pooling(Size(2))), conv(8, Size(3), padding: Padding(1)), .relu, conv(8, Size(3))]),
    .sequential([conv(64, Size(1)), conv(64, Size(3), padding: Padding(1)), .relu, conv(8, Size(2))]),
    .residual(
      Residual(
        body: [Child("a", conv(16, Size(3), padding: Padding(1))), Child("b", .relu), Child("c", conv(16, Size(1)))],
        after: [Child("", .relu)])),
    .residual(
      Residual(
        before: [Child("n", .batchNorm(BatchNorm())), Child("", .relu)],
        body: [Child("a", conv(8, Size(3), stride: Size(2), padding: Padding(1)))],
        shortcut: [Child("s", conv(8, Size(1), stride: Size(2)))], shortcutReadsBefore: true)),
    .residual(Residual(body: [Child("p", .averagePool(Pooling(Size(1)))), Child("b", .relu)])),
    // Windows that look away from where they are.
    .residual(
      Residual(
        body: [
          Child("a", conv(16, Size(1), padding: Padding(top: 6, bottom: 0, left: 0, right: 5))),
          Child("b", conv(16, Size(7, 6))),
        ])),
    .dropout(0.5), .sequential([.flatten, .linear(Linear(5))]),
  ]

  private static func around(_ layer: Layer) throws -> Architecture {
    try Architecture(
      .sequential([conv(16, Size(3), padding: Padding(1)), layer, .flatten, .linear(Linear(7))]), input: input)
  }

  @Test(arguments: layers) func layersHaveTheBitsOfTheWhole(_ layer: Layer) throws {
    for side in [1, 2, 5] { try check(Self.around(layer), side: side) }
  }

  /// Networks of layers as they come.
  @Test(arguments: 0..<12) func networksHaveTheBitsOfTheWhole(_ seed: Int) throws {
    let stream = RandomStream(seed: UInt64(seed), purpose: "layers")
    var layers = [conv(16, Size(3))]
    var draw = 0
    for _ in 0..<4 {
      draw += 1
      let layer = Self.layers[stream.integer(below: 18, at: draw)]
      // Not every layer fits after those before it.
      let made = try? Model(
        Architecture(.sequential(layers + [layer, .flatten, .linear(Linear(3))]), input: Self.input))
      if made != nil { layers.append(layer) }
    }
    let network = try Architecture(.sequential(layers + [.flatten, .linear(Linear(3))]), input: Self.input)
    for side in [1, 3] { try check(network, side: side) }
  }

  private static let families: [any NetworkFamily] = [
    MNISTNet(), SmallCNN(), TRADESNet(), LeNet5(), WideResNet(depth: 10, widen: 1),
  ]

  @Test(arguments: families.indices) func familiesHaveTheBitsOfTheWhole(_ index: Int) throws {
    let architecture = Architecture(Self.families[index], classes: 10, input: [1, 28, 28])
    for set in InstructionSet.available {
      try InstructionSet.with(set) {
        // They are faster so with the squares that most queries paint.
        for side in [2, 4] {
          // Other threads have an instruction set of their own.
          try check(architecture, side: side, saving: 0.25, threads: set == InstructionSet.available.last ? 3 : 1)
        }
      }
    }
  }

  /// Where little or nothing is saved, nothing is remembered.
  @Test func whereItDoesNotPayNothingIsRemembered() throws {
    let images = try Tensor.zeros([3, 1, 28, 28])
    let small = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]))
    #expect(try small.remembering(images, side: 2) != nil)
    #expect(try small.remembering(images, side: 25) == nil)
    #expect(try small.remembering(images.slice(axis: 0, 0, 0), side: 2) == nil)
    #expect(try small.remembering(Tensor.zeros([3, 1, 28, 27]), side: 2) == nil)
    let rows = try Model(Architecture(.sequential([.flatten, .linear(Linear(3))]), input: [1, 28, 28]))
    #expect(try rows.remembering(images, side: 1) == nil)
    let deep = try Model(Architecture(SmallCNN(), classes: 10, input: [1, 28, 28]))
    // A quarter of a gigabyte is the most, of some 50,000 values an image.
    #expect(try deep.remembering(Tensor.zeros([2000, 1, 28, 28]), side: 2) == nil)
  }

  /// What does not fit is an error and changes nothing.
  @Test func whatDoesNotFitIsRefused() throws {
    let model = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]))
    let images = try Tensor.uniform([3, 1, 28, 28], stream: RandomStream(seed: 1, purpose: "images"))
    let remembered = try #require(try model.remembering(images, side: 2))
    typealias Change = RememberedImages.Change
    for wrong in [
      Change(image: 3, top: 0, left: 0), Change(image: -1, top: 0, left: 0), Change(image: 0, top: 27, left: 0),
      Change(image: 0, top: -1, left: 0), Change(image: 0, top: 0, left: 27),
    ] { #expect(throws: CoreError.self) { try remembered.logits(of: images, [wrong]) } }
    let right = Change(image: 2, top: 26, left: 0)
    #expect(throws: CoreError.self) { try remembered.logits(of: images.slice(axis: 0, 0, 2), [right]) }
    #expect(throws: CoreError.self) { try remembered.settle(accepted: [true]) }
    let logits = try remembered.logits(of: images, [right])
    #expect(try logits.isIdentical(to: model(images.slice(axis: 0, 2, 3))))
    #expect(throws: CoreError.self) { try remembered.settle(accepted: []) }
    #expect(try remembered.logits(of: images, []).shape == [0, 10])
  }

  /// A search of some steps, whose answers are compared with those for whole images.
  private func check(
    _ architecture: Architecture, side: Int, saving share: Double = 0, threads most: Int = 3
  ) throws {
    let model = try Model(architecture, seed: 3)
    let (channels, height, width) = (architecture.input[0], architecture.input[1], architecture.input[2])
    let stream = RandomStream(seed: 7, purpose: "patches")
    if !model.buffers.isEmpty {
      let some = try Tensor.uniform([8] + architecture.input, stream: RandomStream(seed: 3, purpose: "some"))
      _ = try model.forward(some, mode: .train, dropout: RandomStream(seed: 1, purpose: "d"))
    }
    let warm = try model.at(temperature: 2)
    let count = 21
    var best = try Tensor.uniform([count] + architecture.input, stream: RandomStream(seed: 5, purpose: "images"))
      .floats()
    let size = channels * height * width
    var standing = Array(0..<count)
    let first = try Tensor(best, shape: [count] + architecture.input)
    let remembered = try #require(try warm.remembering(first, side: side, saving: share))
    var draw = 0
    func number(below bound: Int) -> Int {
      draw += 1
      return stream.integer(below: bound, at: draw)
    }
    let threads = Threads.count
    defer { Threads.count = threads }
    for step in 0..<4 {
      Threads.count = 1 + step % most
      // The corners of the image first.
      let corners = standing.map { _ in
        step == 0
          ? (top: number(below: 2) * (height - side), left: number(below: 2) * (width - side))
          : (top: number(below: height - side + 1), left: number(below: width - side + 1))
      }
      let asked = standing.indices.filter { _ in number(below: 5) > 0 }
      var candidates = standing.flatMap { Array(best[$0 * size..<($0 + 1) * size]) }
      for k in asked {
        for c in 0..<channels {
          for y in 0..<side {
            for x in 0..<side {
              candidates[k * size + (c * height + corners[k].top + y) * width + corners[k].left + x] =
                Float(number(below: 1000)) / 1000
            }
          }
        }
      }
      let images = try Tensor(candidates, shape: [standing.count] + architecture.input)
      let logits = try remembered.logits(
        of: images,
        asked.map { RememberedImages.Change(image: $0, top: corners[$0].top, left: corners[$0].left) })
      let whole = try warm(images.indexSelect(axis: 0, asked))
      #expect(logits.isIdentical(to: whole), "side \(side), step \(step)")
      let accepted = asked.map { _ in number(below: 2) == 0 }
      try remembered.settle(accepted: accepted)
      for (k, isAccepted) in zip(asked, accepted) where isAccepted {
        best.replaceSubrange(
          standing[k] * size..<(standing[k] + 1) * size, with: candidates[k * size..<(k + 1) * size])
      }
      let kept = standing.indices.filter { _ in number(below: 6) > 0 }
      remembered.keep(kept)
      standing = kept.map { standing[$0] }
    }
  }
}
