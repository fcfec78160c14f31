import Base
import Datasets
import Foundation
import Networks
import Tensors
import TestSupport
import Testing

@testable import Robustness

extension ReferenceVectors {
  /// `attacks.json`: Auto-PGD on 20 images of two networks, its checkpoints, and the losses of attacks.
  @Suite(.enabled(if: VectorFiles.exist && SharedFiles.data != nil)) struct APGDVectors {
    /// A row: `apgd_ce_Linf_0.3_it20` of fgsm.pth, `apgd_ce_Linf_it20` of robust_wrn_10_1, `apgd_t_L2_2.0`.
    struct Row: CustomTestStringConvertible {
      var network: String
      var name: String
      var values: JSON
      var parts: [Substring] { name.split(separator: "_") }
      var norm: Norm { parts.contains("L2") ? .l2 : .linf }
      var eps: Double
      var testDescription: String { "\(network) \(name)" }
    }

    static func rows(_ prefixes: [String]) -> [Row] {
      guard let json = try? VectorFiles().json("attacks.json"),
        let first = json["fgsm.pth"]?["first_20"], let components = json["robust_wrn_10_1"]?["components"],
        let second = components["cases"]
      else { return [] }
      var rows: [Row] = []
      for (network, cases) in [("fgsm.pth", first), ("robust_wrn_10_1", second)] {
        guard case .object(let members) = cases else { continue }
        for member in members where prefixes.contains(where: { member.key.hasPrefix($0) }) {
          var row = Row(network: network, name: member.key, values: member.value, eps: 0)
          row.eps =
            row.parts.compactMap { $0.contains(".") ? Double($0) : nil }.first
            ?? components["eps"]?[row.norm == .l2 ? "L2" : "Linf"]?.numberValue ?? .nan
          rows.append(row)
        }
      }
      return rows
    }

    /// The first 20 test images of a network's data.
    static func material(_ network: String) throws -> (model: Model, images: Tensor, labels: [Int]) {
      let files = try VectorFiles()
      let folder = try #require(SharedFiles.data)
      if network == "fgsm.pth" {
        let data = try mnist(directory: folder.appending(path: "mnist").path, train: 0, test: 20).test
        return (try Model.load(files.path("models/fgsm.pth")), try data.images, data.labels)
      }
      let model = try Model(Architecture(WideResNet(depth: 10, widen: 1), classes: 10, input: [3, 32, 32]))
      try model.loadWeights(files.path("models/robust_wrn_10_1.safetensors"))
      let data = try cifar10(directory: folder.appending(path: "cifar-10-batches-bin").path, train: 0).test
        .subset(Array(0..<20))
      return (model, try data.images, data.labels)
    }

    private func input(_ images: Tensor, _ labels: [Int], _ eps: Double) -> AttackInput {
      var input = AttackInput(images: images, labels: labels, eps: eps)
      input.random = ReferenceOrderRandom(seed: 0)
      return input
    }

    /// One run on all images without dropping any.
    @Test(arguments: rows(["apgd_ce", "apgd_dlr"]))
    func run(_ row: Row) throws {
      let (model, images, labels) = try Self.material(row.network)
      let steps = try #require(row.parts.last.flatMap { Int($0.dropFirst(2)) })
      let batch = AttackBatch(input(images, labels, row.eps), eps: row.eps)
      let oracle = ModelOracle(model, for: APGD(norm: row.norm), batch)
      let run = AutoPGD(
        norm: row.norm, eps: row.eps, steps: steps, loss: row.name.hasPrefix("apgd_dlr") ? .dlr : .crossEntropy,
        whenFooled: .climbs)
      let outcome = try run.climb(
        oracle, from: run.start(batch, of: batch.all, draw: 0), in: batch, of: batch.all)
      let tolerance = steps <= 20 ? 1e-4 : 1e-2
      let losses = outcome.loss.floats().map(Double.init)
      for (i, expected) in try row.values.numbers("best_loss").enumerated() {
        #expect(abs(losses[i] - expected) <= tolerance * max(1, abs(expected)), "image \(i): \(losses[i])")
      }
      let flags = try row.values.ints("robust")
      #expect(zip(outcome.isBroken, flags).count { $0 == ($1 == 1) } <= 1)
      let change = try (outcome.best - images).abs().mean().item()
      let expected = try row.values.number("mean_abs_best_pert")
      #expect(abs(change - expected) <= (steps <= 20 ? 1e-3 : 2e-2) * expected, "\(change), not \(expected)")
    }

    /// All target classes one after another, as `APGDAttack_targeted.perturb`.
    @Test(arguments: rows(["apgd_t"]))
    func targeted(_ row: Row) throws {
      let (model, images, labels) = try Self.material(row.network)
      let verdicts = try APGDT(norm: row.norm).attacked(model, input(images, labels, row.eps), keepsImages: false)
        .verdicts
      let flags = try row.values.ints("robust")
      #expect(zip(verdicts, flags).count { ($0.brokenBy == nil) != ($1 == 1) } <= 1)
    }

    @Test func checkpoints() throws {
      guard case .object(let rows) = try VectorFiles().json("attacks.json").value("apgd_checkpoints") else {
        Issue.record("apgd_checkpoints is no object")
        return
      }
      #expect(!rows.isEmpty)
      for row in rows {
        let steps = try #require(Int(row.key))
        #expect(AutoPGD.checkpoints(steps: steps) == row.value.ints, "\(steps) steps")
      }
    }

    @Test(arguments: ["dlr", "dlr_more"])
    func losses(_ name: String) throws {
      let rows = try VectorFiles().json("attacks.json").value(name)
      let logits = try rows.array("logits").compactMap(\.numbers)
      let z = try Tensor(logits.joined().map { Float($0) }, shape: [logits.count, try #require(logits.first).count])
      let (labels, targets) = (try rows.ints("y"), try rows.ints("y_target"))
      for (key, targets) in [("dlr", nil), ("dlr_targeted", targets)] {
        let values = try AttackLoss.dlr.values(z, labels: labels, targets: targets) { z }.floats()
        for (i, expected) in try rows.numbers(key).enumerated() {
          #expect(abs(Double(values[i]) - expected) <= 1e-5 * max(1, abs(expected)), "\(key) \(i): \(values[i])")
        }
      }
    }
  }
}
