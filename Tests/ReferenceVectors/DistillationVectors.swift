import Foundation
import Networks
import Robustness
import Tensors
import TestSupport
import Testing

extension ReferenceVectors {
  /// `cases/kd/expected.json`: losses of distillation by PyTorch, in the conventions of their authors. Ours are means over
  /// the examples, without T²; what another convention needs besides is written out.
  @Suite(.enabled(if: VectorFiles.exist)) struct Distillation {
    let json: JSON

    init() throws {
      let folder = try VectorFiles().folder.deletingLastPathComponent().appending(path: "cases/kd")
      json = try JSON.parse([UInt8](Data(contentsOf: folder.appending(path: "expected.json"))))
    }

    private func rows(_ json: JSON) throws -> Tensor {
      let rows = try #require(json.arrayValue).map { try #require($0.numbers) }
      return try Tensor(rows.flatMap { $0.map { Float($0) } }, shape: [rows.count, rows.first?.count ?? 0])
    }

    private func check(
      _ name: String, _ loss: (_ z: Tensor, _ za: Tensor) throws -> Tensor
    ) throws {
      let expected = try json.value("values").value(name)
      let z = try rows(json.value("z")).tracked()
      let za = try rows(json.value("za")).tracked()
      let value = try loss(z, za)
      let (ours, theirs) = (try value.item(), try expected.number("loss"))
      #expect(abs(ours - theirs) <= 1e-5 * theirs, "\(name)")
      let found = try gradients(of: value, withRespectTo: [z, za])
      for (key, gradient) in zip(["grad_z", "grad_za"], found) {
        guard let reference = expected[key], reference.arrayValue != nil else { continue }
        #expect(difference(gradient, try rows(reference)) <= 1e-5, "\(name) \(key)")
      }
    }

    @Test func lossesAgree() throws {
      let t = try rows(json.value("t"))
      let y = try json.ints("y")
      try check("soft_ce_T3") { z, _ in try crossEntropy(z, target: t.softmax(temperature: 3)) }
      try check("kd_T4_hinton") { z, _ in try klDivergence(t, z, temperature: 4) * 16 }
      // A mean over examples and classes.
      try check("ard_a1_T30") { _, za in try klDivergence(t, za, temperature: 30) * Float(900.0 / 7) }
      try check("trades_b6") { z, za in try crossEntropy(z, labels: y) + klDivergence(z, za) * 6 }
      try check("ltd_trades_T3_b6") { z, za in
        try crossEntropy(z, target: t.softmax(temperature: 3)) + klDivergence(z, za) * 6
      }
    }

    @Test func extremeLogitsAreFinite() throws {
      let extreme = try json.value("extreme")
      let found = try klDivergence(rows(extreme.value("p")), rows(extreme.value("q")), reduction: .none).floats()
      for (a, b) in zip(found, try extreme.numbers("kl")) { #expect(abs(Double(a) - b) <= 1e-5 * b) }
    }
  }
}
