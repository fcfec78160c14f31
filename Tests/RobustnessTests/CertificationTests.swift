import Base
import Datasets
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

/// A certificate is a proof: nothing in the ball may fall below its bound, and it proves nothing that is not so.
@Suite struct CertificationTests {
  /// Networks of all kinds of layers that have bounds, for images [2, 6, 6] and three classes.
  static let networks: [(name: String, layer: Layer)] = [
    ("linear", .sequential([.flatten, .linear(Linear(3))])),
    ("plain", .sequential([.flatten, .linear(Linear(12)), .relu, .linear(Linear(10)), .relu, .linear(Linear(3))])),
    (
      "convolutions",
      .sequential([
        .normalise(mean: [0.4, 0.5], std: [0.3, 0.2]), .conv2d(Conv2d(6, kernel: Size(3), padding: Padding(1))), .relu,
        .conv2d(Conv2d(8, kernel: Size(4, 3), stride: Size(2), padding: Padding(1), bias: false)),
        .batchNorm(BatchNorm()), .leakyRelu(slope: 0.1), .flatten, .batchNorm(BatchNorm()), .linear(Linear(3)),
      ])
    ),
    (
      "groups",
      .sequential([
        .conv2d(Conv2d(4, kernel: Size(2), groups: 2)), .relu6,
        .conv2d(Conv2d(4, kernel: Size(2), isSame: true, dilation: Size(2), groups: 4)), .batchNorm(BatchNorm()),
        .relu, .averagePool(Pooling(Size(3), stride: Size(2), padding: Padding(1))), .relu, .globalAveragePool,
        .linear(Linear(3)),
      ])
    ),
    (
      "pooling",
      .sequential([
        .conv2d(Conv2d(5, kernel: Size(3), padding: Padding(1))),
        .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1))), .relu,
        .maxPool(Pooling(Size(2), stride: Size(1))), .flatten, .linear(Linear(8)), .dropout(0.5), .relu,
        .linear(Linear(3)),
      ])
    ),
    (
      "residual",
      .sequential([
        .conv2d(Conv2d(4, kernel: Size(3), padding: Padding(1))),
        .residual(
          Residual(
            before: [Child("bn", .batchNorm(BatchNorm())), Child("", .relu)],
            body: [
              Child("a", .conv2d(Conv2d(6, kernel: Size(3), stride: Size(2), padding: Padding(1)))), Child("", .relu),
              Child("b", .conv2d(Conv2d(6, kernel: Size(3), padding: Padding(1)))),
            ], shortcut: [Child("s", .conv2d(Conv2d(6, kernel: Size(1), stride: Size(2))))],
            shortcutReadsBefore: true)),
        .residual(
          Residual(
            body: [Child("a", .conv2d(Conv2d(6, kernel: Size(3), padding: Padding(1)))), Child("", .relu)],
            after: [Child("", .relu)])), .flatten, .linear(Linear(3)),
      ])
    ),
  ]

  /// A network with statistics that differ from channel to channel.
  static func model(_ layer: Layer, seed: UInt64) throws -> Model {
    let model = try Model(Architecture(layer, input: [2, 6, 6]), seed: seed)
    let stream = RandomStream(seed: seed, purpose: "statistics")
    try model.setBuffers(
      model.bufferNames.indices.map { i in
        let old = model.buffers[i]
        guard old.dtype == .float32 else { return old }
        let draws = stream.child(i).uniforms(old.count, from: 0.2, to: 1.2)
        return try Tensor(
          model.bufferNames[i].hasSuffix("mean") ? draws.map { $0 - 0.7 } : draws, shape: old.shape)
      })
    return model
  }

  static func images(_ n: Int, seed: UInt64) throws -> Tensor {
    try Tensor(RandomStream(seed: seed, purpose: "images").uniforms(n * 72), shape: [n, 2, 6, 6])
  }

  @Test(arguments: networks.map(\.name), Norm.allCases)
  func nothingFallsBelowTheBound(_ name: String, _ norm: Norm) throws {
    let layer = try #require(Self.networks.first { $0.name == name }).layer
    for seed in [UInt64(1), 2, 3] {
      let model = try Self.model(layer, seed: seed)
      let x = try Self.images(4, seed: seed)
      let labels = try model(x).argmax(axis: 1).ints()
      let data = try Dataset(images: x, labels: labels, classNames: ["a", "b", "c"])
      let eps = (norm == .linf ? [0.002, 0.02, 0.2] : norm == .l2 ? [0.02, 0.2, 1] : [0.1, 1, 4])[Int(seed) - 1]
      let crown = try certify(model, on: data, eps: eps, norm: norm)
      let interval = try certify(model, on: data, eps: eps, norm: norm, method: .interval)
      let bounds = try crown.bounds.map { try #require($0) }
      for (a, b) in zip(interval.bounds, bounds) where try #require(a) <= 0 { #expect(try #require(a) <= b) }
      // Random points, and steps along the slope of the margin.
      var least = [Double](repeating: .infinity, count: 4)
      func look(_ points: Tensor) throws {
        let logits = try model(points).floats()
        for i in 0..<4 {
          let row = logits[i * 3..<i * 3 + 3].map(Double.init)
          let others = (0..<3).filter { $0 != labels[i] }.map { row[$0] }.max() ?? 0
          least[i] = min(least[i], row[labels[i]] - others)
        }
      }
      var point = x
      for step in 0..<30 {
        let draws = RandomStream(seed: seed, purpose: "points", step)
        let direction = try Tensor(draws.normals(x.count), shape: x.shape)
        try look(norm.step(x, along: direction, around: x, step: 10 * eps, eps: eps))
        let slope = try model.slope(at: point) { (logits, rows) throws(CoreError) in
          try -1 * margin(logits, labels: Array(labels[rows]))
        }
        point = try norm.step(point, along: slope.gradient, around: x, step: eps / 4, eps: eps)
        try look(point)
      }
      for i in 0..<4 {
        #expect(bounds[i] <= least[i] + 2e-5, "\(name) \(norm) \(seed): \(bounds[i]) above \(least[i])")
        #expect((crown.verdicts[i] == .certified) == (bounds[i] > 0))
      }
      if name == "linear", norm == .linf, seed < 3 {
        // Exact up to the box.
        for i in 0..<4 { #expect(abs(bounds[i] - least[i]) < 0.01 * max(1, abs(least[i]))) }
      }
    }
  }

  @Test func aLinearNetworkByHand() throws {
    let model = try Model(Architecture(.sequential([.flatten, .linear(Linear(2))]), input: [1, 1, 2]))
    try model.setParameters([Tensor([1, -2, 0, 1], shape: [2, 2]), Tensor([0.25, 0], shape: [2])])
    // The margin of class 0 is 0.25 + x − 3y.
    let data = try Dataset(images: Tensor([0.5, 0.1], shape: [1, 1, 1, 2]), labels: [0], classNames: ["a", "b"])
    func bound(_ norm: Norm, _ eps: Double, _ method: BoundMethod = .crown) throws -> Double {
      try #require(try certify(model, on: data, eps: eps, norm: norm, method: method).bounds[0])
    }
    let least = 0.25 + 0.5 - 3 * Double(Float(0.1))
    for method in BoundMethod.allCases { #expect(abs(try bound(.linf, 0.05, method) - (least - 0.2)) < 1e-10) }
    #expect(try bound(.linf, 0.05) < least - 0.2)
    #expect(abs(try bound(.linf, 0.7) - (0.25 + 0 - 3 * (0.7 + Double(Float(0.1))))) < 1e-10)
    #expect(abs(try bound(.l2, 0.1) - (least - 0.1 * 10.0.squareRoot())) < 1e-10)
    #expect(abs(try bound(.l1, 0.1) - (least - 0.3)) < 1e-10)
    #expect(abs(try bound(.linf, 0) - least) < 1e-10)
    let halved = try certify(model.at(temperature: 2), on: data, eps: 0.05)
    #expect(abs(try #require(halved.bounds[0]) - (least - 0.2) / 2) < 1e-10)
  }

  @Test func noResultDependsOnTheOthers() throws {
    let model = try network(seed: 3)
    let data = try bars(70)
    let whole = try certify(model, on: data, eps: 0.01)
    let parts = try [0..<1, 1..<40, 40..<70].map { try certify(model, on: data.subset($0), eps: 0.01).bounds }
    #expect(whole.bounds == Array(parts.joined()))
    let threads = Compute.threads
    defer { Compute.threads = threads }
    for count in [1, 3] {
      Compute.threads = count
      #expect(try certify(model, on: data, eps: 0.01).bounds == whole.bounds)
    }
  }

  @Test func largerBallsAreHarder() throws {
    let model = try network(seed: 3)
    let data = try bars(30)
    var before = [Double?](repeating: .infinity, count: 30)
    for eps in [0, 0.001, 0.01, 0.1, 1] {
      let bounds = try certify(model, on: data, eps: eps, method: .interval).bounds
      for (a, b) in zip(bounds, before) where a != nil { #expect(try #require(a) <= (try #require(b))) }
      before = bounds
    }
  }

  @Test func aCertificateThatAnAttackBreaksIsAnError() throws {
    let model = try network(seed: 3)
    let data = try bars(30)
    var evaluation = try evaluate(model, on: data, attacks: [PGD(steps: 2)], eps: 0.0001)
    let certificate = try certify(model, on: data, eps: 0.0001, against: evaluation)
    let position = try #require(certificate.verdicts.firstIndex(of: .certified))
    #expect(certificate.certified.correct <= certificate.unbroken.correct)
    evaluation.attacks[0].verdicts[position]?.brokenBy = 0
    #expect { try certify(model, on: data, eps: 0.0001, against: evaluation) } throws: { error in
      (error as? CoreError)?.kind == .numeric && "\(error)".contains("both certified and broken")
    }
  }

  /// Branch and bound decides what bounds and attacks leave open, and is right on both sides.
  @Test func exactVerdictsAreRight() throws {
    let model = try Self.model(Self.networks[1].layer, seed: 5)
    let x = try Self.images(6, seed: 9)
    let labels = try model(x).argmax(axis: 1).ints()
    let data = try Dataset(images: x, labels: labels, classNames: ["a", "b", "c"])
    for eps in [0.02, 0.1] {
      let bounds = try certify(model, on: data, eps: eps)
      let exact = try certify(model, on: data, eps: eps, exact: 60)
      let attacked = try evaluate(model, on: data, attacks: [MIFPE(), PGD(steps: 40)], eps: eps).robust
      #expect(exact.undecided.isEmpty)
      #expect(exact.certified.correct == exact.unbroken.correct)
      for i in 0..<6 {
        if bounds.verdicts[i] == .certified { #expect(exact.verdicts[i] == .certified) }
        if !attacked[i] { #expect(exact.verdicts[i] == .broken) }
      }
    }
    let threads = Compute.threads
    defer { Compute.threads = threads }
    let some = try data.subset([0, 1, 2])
    let two = try certify(model, on: some, eps: 0.05, exact: 60)
    Compute.threads = 1
    let one = try certify(model, on: some, eps: 0.05, exact: 60)
    #expect(one.verdicts == two.verdicts && one.searches.map(\.branches) == two.searches.map(\.branches))
    let late = try certify(model, on: some, eps: 0.05, exact: 1e-9)
    #expect(late.certified.correct <= one.certified.correct && late.unbroken.correct >= one.unbroken.correct)
  }

  @Test func ofTheNetworkWhoseRobustnessIsKnown() throws {
    guard let folder = SharedFiles.data else { return }
    let model = try Model.load(folder.appending(path: "checkpoints/kolter_wong_fashion_mnist.pth").path)
    let url = folder.appending(path: "checkpoints/kolter_wong_fashion_mnist.truth.json")
    let truth = try #require(JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any])
    let robust = Set(try #require(truth["robust"] as? [Int]))
    let data = try fashionMNIST(directory: folder.appending(path: "fashion-mnist").path, train: 0, test: 64).test
    let certificate = try certify(model, on: data, eps: 0.1)
    let proven = data.labels.indices.filter { certificate.verdicts[$0] == .certified }
    #expect(robust.isSuperset(of: proven))
    #expect(proven.count == robust.filter { $0 < 64 && ![0, 6].contains($0) }.count)
    // 0 and 6 take branches, 226 is broken by an image that no attack finds.
    let hard = try fashionMNIST(directory: folder.appending(path: "fashion-mnist").path, train: 0, test: 227).test
    let exact = try certify(model, on: hard.subset([0, 6, 226]), eps: 0.1, exact: 300)
    #expect(exact.verdicts == [.certified, .certified, .broken])
    #expect(try certify(model, on: data.take(16), eps: 0.1, method: .interval).certified.correct == 0)
  }
}
