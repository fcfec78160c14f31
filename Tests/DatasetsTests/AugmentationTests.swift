import Base
import Datasets
import Tensors
import TestSupport
import Testing

/// Every augmentation of the list, and what each does by its definition.
@Suite struct AugmentationTests {
  static let names = Augmentations.all.map { $0.name }

  private func list(_ name: String) throws -> AugmentationList {
    AugmentationList([try #require(Augmentations.all.first { $0.name == name }).init()])
  }

  private func coloured(_ n: Int) throws -> Dataset {
    try glyphs(n: n, test: 0, seed: 3, size: 20, channels: 3).train
  }

  /// An example looks the same in any batch, in any order, on any number of threads, and other in another epoch.
  @Test(arguments: names)
  func anExampleDoesNotDependOnItsBatch(_ name: String) throws {
    let data = try coloured(31)
    let list = try list(name)
    let before = Compute.threads
    defer { Compute.threads = before }
    let whole = try list.apply(data.batch(Array(0..<31)), of: data, seed: 5, epoch: 2)
    let pixels = whole.images.floats()
    #expect(pixels.allSatisfy { (0...1).contains($0) })
    #expect(whole.ids == data.ids)
    #expect(try pixels != data.images.floats())
    #expect(try list.apply(data.batch(Array(0..<31)), of: data, seed: 5, epoch: 3).images.floats() != pixels)
    let orders: [[Int]] = [[4], [30, 2, 17], Array((0..<31).reversed())]
    func rows(of all: [Float], _ order: [Int]) -> [Float] {
      let size = all.count / 31
      return order.flatMap { (i: Int) -> ArraySlice<Float> in all[i * size..<(i + 1) * size] }
    }
    for (i, order) in orders.enumerated() {
      Compute.threads = i + 1
      let part = try list.apply(data.batch(order), of: data, seed: 5, epoch: 2)
      #expect(part.images.floats() == rows(of: pixels, order))
      if case .soft(let all) = whole.targets, case .soft(let own) = part.targets {
        #expect(own.floats() == rows(of: all.floats(), order))
      } else {
        #expect(part.labels == order.map { data.labels[$0] })
      }
    }
  }

  /// Grey images, images of one pixel and empty batches are changed or refused.
  @Test(arguments: names)
  func smallImages(_ name: String) throws {
    let list = try list(name)
    for shape in [[1, 1, 1], [1, 3, 2], [2, 4, 4], [3, 1, 5]] {
      let data = try Dataset(images: .full([4] + shape, 0.5), labels: [0, 1, 0, 1])
      do throws(CoreError) {
        let batch = try list.apply(try data.batch([0, 1, 2, 3]), of: data, seed: 1, epoch: 0)
        #expect(batch.images.shape == [4] + shape)
      } catch { #expect(error.kind == .value) }
      #expect(try list.apply(data.batch([]), of: data, seed: 1, epoch: 0).count == 0)
    }
  }

  @Test func mixupMixesPixelsAndTargets() throws {
    let data = try coloured(40)
    let batch = try AugmentationList([Mixup()]).apply(data.batch(Array(0..<40)), of: data, seed: 1, epoch: 0)
    guard case .soft(let tensor) = batch.targets else {
      Issue.record("targets are classes")
      return
    }
    let (rows, mixed, images) = (tensor.floats(), batch.images.floats(), try data.images.floats())
    let size = data.imageSize
    var sum = 0.0
    for i in 0..<40 {
      let row = Array(rows[i * 10..<(i + 1) * 10])
      #expect(abs(row.reduce(0, +) - 1) < 1e-6)
      // Some partner gives image and target with one weight.
      let fits = (0..<40).contains { j in
        let weight = data.labels[i] == data.labels[j] ? nil : row[data.labels[i]]
        let direction = (0..<size).reduce(into: (0.0, 0.0)) { sums, k in
          let step = Double(images[i * size + k] - images[j * size + k])
          sums.0 += step * Double(mixed[i * size + k] - images[j * size + k])
          sums.1 += step * step
        }
        let w = direction.1 == 0 ? 1 : Float(direction.0 / direction.1)
        if let weight, abs(weight - w) > 1e-4 { return false }
        return (0..<size).allSatisfy {
          abs(mixed[i * size + $0] - w * images[i * size + $0] - (1 - w) * images[j * size + $0]) < 1e-5
        }
      }
      #expect(fits, "example \(i)")
      sum += Double(row[data.labels[i]])
    }
    // A weight is uniform at alpha 1, and one in ten partners is of the same class.
    #expect(abs(sum / 40 - 0.55) < 0.2)
  }

  @Test func cutmixMixesTargetsByArea() throws {
    let (n, side) = (60, 16)
    // Image i is constant, with a value of its own.
    let values = (0..<n).flatMap { i in [Float](repeating: Float(i) / 100, count: side * side) }
    let data = try Dataset(
      images: Tensor(values, shape: [n, 1, side, side]), labels: Array(0..<n), classNames: (0..<n).map(String.init))
    let batch = try AugmentationList([Cutmix()]).apply(data.batch(Array(0..<n)), of: data, seed: 2, epoch: 0)
    guard case .soft(let tensor) = batch.targets else {
      Issue.record("targets are classes")
      return
    }
    let (rows, mixed) = (tensor.floats(), batch.images.floats())
    for i in 0..<n {
      let own = (0..<side * side).count { mixed[i * side * side + $0] == Float(i) / 100 }
      let share = Float(own) / Float(side * side)
      #expect(abs(rows[i * n + i] - share) < 1e-6, "example \(i)")
    }
  }

  @Test func partnersAreChangedAsTheyWouldComeThemselves() throws {
    let data = try coloured(12)
    let flip = RandomFlip()
    let flipped = try AugmentationList([flip]).apply(data.batch(Array(0..<12)), of: data, seed: 9, epoch: 1)
    var mixup = Mixup()
    mixup.alpha = 1e6
    let mixed = try AugmentationList([flip, mixup]).apply(data.batch(Array(0..<12)), of: data, seed: 9, epoch: 1)
    // Nearly halves of two flipped images.
    let (a, b) = (flipped.images.floats(), mixed.images.floats())
    let size = data.imageSize
    for i in 0..<12 {
      let fits = (0..<12).contains { j in
        (0..<size).allSatisfy { abs(b[i * size + $0] - (a[i * size + $0] + a[j * size + $0]) / 2) < 0.01 }
      }
      #expect(fits, "example \(i)")
    }
  }

  @Test func cutoutAndErasingSetZeros() throws {
    let data = try Dataset(images: .full([200, 3, 16, 16], 1), labels: [Int](repeating: 0, count: 200))
    var cutout = Cutout()
    cutout.size = 6
    let batch = try data.batch(Array(0..<200))
    let cut = try AugmentationList([cutout]).apply(batch, of: data, seed: 1, epoch: 0).images.floats()
    let zeros = (0..<200).map { i in (0..<256).count { cut[i * 768 + $0] == 0 } }
    // A quarter at the corners, all of it in the middle.
    #expect(zeros.min() ?? 0 >= 9 && zeros.max() == 36)
    var erasing = RandomErasing()
    erasing.p = 0.5
    let erased = try AugmentationList([erasing]).apply(batch, of: data, seed: 1, epoch: 0).images.floats()
    let changed = (0..<200).count { i in (0..<768).contains { erased[i * 768 + $0] == 0 } }
    #expect(abs(changed - 100) < 40)
    #expect(throws: CoreError.self) {
      cutout.size = 32
      _ = try AugmentationList([cutout]).apply(batch, of: data, seed: 1, epoch: 0)
    }
  }

  /// Beta numbers with parameter a have mean 1/2 and variance 1/(4(2a + 1)).
  @Test(arguments: [0.05, 0.2, 1, 4]) func weightsAreOfTheBetaDistribution(_ alpha: Double) {
    let numbers = (0..<4000).map { i in
      var draws = Draws(RandomStream(seed: 1, purpose: "test", i))
      return draws.beta(alpha)
    }
    let mean = numbers.reduce(0, +) / 4000
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 4000
    let expected = 1 / (4 * (2 * alpha + 1))
    #expect(abs(mean - 0.5) < 5 * (expected / 4000).squareRoot())
    #expect(abs(variance / expected - 1) < 0.1)
    #expect(numbers.allSatisfy { $0 >= 0 && $0 <= 1 })
  }

  @Test func imagesAreMixedOnceAtMost() throws {
    #expect(throws: CoreError.self) { try AugmentationList([Mixup(), Cutmix()]).validate() }
    let one = try coloured(1)
    #expect(throws: CoreError.self) { try AugmentationList([Mixup()]).validate(for: one) }
  }

  /// The data set of an epoch is what its batches would be.
  @Test func aDataSetIsAugmentedAsItsBatches() throws {
    let data = try coloured(20)
    let list = AugmentationList([CropFlip(padding: 2), Mixup()])
    let whole = try data.augmented(by: list, seed: 4, epoch: 1)
    let batch = try list.apply(data.batch([7, 3]), of: data, seed: 4, epoch: 1)
    #expect(try whole.batch([7, 3]).images.floats() == batch.images.floats())
    guard case .soft(let rows) = batch.targets, case .soft(let others) = try whole.batch([7, 3]).targets else {
      Issue.record("targets are classes")
      return
    }
    #expect(rows.floats() == others.floats())
    // Labels are those of the targets, also where the partner has the greater share.
    let everything = try list.apply(data.batch(Array(0..<20)), of: data, seed: 4, epoch: 1)
    #expect(whole.ids == data.ids && whole.labels == everything.labels)
    #expect(try whole.labels == whole.batch(Array(0..<20)).labels && whole.labels != data.labels)
  }
}
