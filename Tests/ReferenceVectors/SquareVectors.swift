import Base
import Datasets
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

extension ReferenceVectors {
  /// `attacks.json`: the Square attack on the first 20 test images, number for number; the cases come from the file.
  @Suite(.enabled(if: VectorFiles.exist && SharedFiles.data != nil, VectorFolder.absence)) struct SquareAttack {
    /// A row of the file: what it is called, the settings that its name tells, and how its numbers may differ.
    struct Case: CustomTestStringConvertible {
      var name: String
      var network: String
      var norm: Norm
      var eps: Double
      var queries: Int
      var expected: JSON
      var testDescription: String { "\(network) \(name)" }
    }

    /// Every row that begins with "square_": square_NORM_EPS_qN, or square_NORM_qN where the radius stands aside.
    static func cases() throws -> [Case] {
      guard VectorFiles.exist else { return [] }
      let file = try VectorFiles().json("attacks.json")
      let components = try file.value("robust_wrn_10_1").value("components")
      let places = [
        ("fgsm.pth", try file.value("fgsm.pth").value("first_20")), ("robust_wrn_10_1", try components.value("cases")),
      ]
      var cases: [Case] = []
      for (network, rows) in places {
        for (name, row) in try #require(rows.objectValue).map({ ($0.key, $0.value) }) where name.hasPrefix("square_") {
          let words = name.split(separator: "_").map(String.init)
          let norm = try #require(Norm(rawValue: words[1].lowercased()), "\(name)")
          let eps = words.count == 4 ? Double(words[2]) : try components.value("eps").number(words[1])
          cases.append(
            Case(
              name: name, network: network, norm: norm, eps: try #require(eps, "\(name)"),
              queries: try #require(words.last?.first == "q" ? Int(words[words.count - 1].dropFirst()) : nil),
              expected: row))
        }
      }
      return cases
    }

    @Test func everyRowIsACase() throws {
      #expect(try Self.cases().count == 8)
    }

    @Test(arguments: try cases())
    func theSearchIsThatOfTheOriginal(_ row: Case) throws {
      let files = try VectorFiles()
      let data = try #require(SharedFiles.data)
      let (model, test): (Model, Dataset)
      if row.network == "fgsm.pth" {
        model = try Model(Architecture(MNISTNet(), classes: 10, input: [1, 28, 28]))
        try model.loadWeights(files.path("models/fgsm.pth"))
        test = try mnist(directory: data.appending(path: "mnist").path, train: 0, test: 20).test
      } else {
        model = try Model(Architecture(WideResNet(depth: 10, widen: 1), classes: 10, input: [3, 32, 32]))
        try model.loadWeights(files.path("models/robust_wrn_10_1.safetensors"))
        test = try cifar10(directory: data.appending(path: "cifar-10-batches-bin").path, train: 0).test.take(20)
      }
      var input = AttackInput(images: try test.images, labels: test.labels)
      input.random = ReferenceOrderRandom(seed: 0)
      let square = Square(eps: row.eps, norm: row.norm, queries: row.queries)
      let verdicts = try square.attacked(model, input, keepsImages: false).verdicts
      // One more query judges what was found.
      let queries = verdicts.map { $0.queries - 1 }
      let (expected, margins) = (try row.expected.ints("n_queries"), try row.expected.numbers("margin"))
      // "n_queries equal for Linf; margins 1e-3 (Linf); L2 q1000 may differ".
      if row.norm == .linf || row.queries <= 100 {
        #expect(queries == expected)
        for (i, verdict) in verdicts.enumerated() {
          #expect(abs(verdict.margin - margins[i]) <= 1e-3, "image \(i)")
        }
      } else {
        let same = zip(queries, expected).count { $0 == $1 }
        #expect(same >= 15, "queries \(queries)")
        let near = zip(verdicts, margins).count { abs($0.margin - $1) <= 1e-2 }
        #expect(near >= 12, "margins \(verdicts.map(\.margin))")
        #expect(abs(verdicts.count { $0.margin > 0 } - margins.count { $0 > 0 }) <= 1)
      }
    }

    /// "3x6" is a rectangle; "eta_square_s5_seed0" a square, turned where the first number after that seed says so.
    @Test(arguments: ["square_eta_rect_L2", "square_eta_more"])
    func thePatternsInL2(_ section: String) throws {
      let rows = try #require(VectorFiles().json("attacks.json").value(section).objectValue)
      #expect(!rows.isEmpty)
      for (name, value) in rows.map({ ($0.key, $0.value) }) {
        let expected = try #require(value.arrayValue).map { try #require($0.numbers) }
        let (height, width) = (expected.count, expected[0].count)
        var found: [Float]
        if name.hasPrefix("eta_square_s") {
          let numbers = name.split { !$0.isNumber }.compactMap { Int($0) }
          try #require(numbers.count == 2 && numbers[0] == height && height == width, "\(name)")
          found = SquarePatterns.square(numbers[0], .l2)
          if try ReferenceOrderRandom(seed: UInt64(numbers[1])).shared(1)[0] > 0.5 {
            found = (0..<height * width).map { found[$0 % width * width + $0 / width] }
          }
        } else {
          try #require(name == "\(height)x\(width)")
          found = SquarePatterns.rectangle(height, width, .l2)
        }
        for (a, b) in zip(found, expected.flatMap(\.self)) { #expect(abs(Double(a) - b) <= 1e-6, "\(name)") }
      }
    }

    @Test func theSharesOfSquares() throws {
      let schedule = try VectorFiles().json("attacks.json").value("square_p_schedule")
      for (query, share) in try #require(schedule.objectValue).map({ ($0.key, $0.value) }) {
        #expect(Square().share(at: try #require(Int(query))) == share.numberValue, "query \(query)")
      }
    }
  }
}
