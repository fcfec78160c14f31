import Base
import Datasets
import Networks
import Tensors

/// What a run refuses before it begins: settings that do not fit each other, or that nothing would use.
extension TrainingRun {
  /// The attack that training and validation use; nil for none.
  ///
  /// - Throws: `.value` where there is one that neither uses, or that a method cannot use.
  static func requireUse(
    of attack: (any Ascent)?, by method: any TrainingMethod, _ validation: Dataset?
  ) throws -> (any Ascent)? {
    guard let inner = method.inner else {
      guard attack == nil || validation != nil else {
        guard !method.searchesItself else {
          throw CoreError(
            .value, "\(method) finds its images itself, and there is no validation that would use the attack",
            hint: "leave attack out, or give validation=…; the radius is a setting of the method: eps=8/255",
            argument: "attack")
        }
        throw CoreError(
          .value, "\(method) trains without an attack, and there is no validation that would use it",
          hint: "leave attack out, or give validation=…, or method=pgd_at()", argument: "attack")
      }
      return attack
    }
    let attack = attack ?? PGD()
    do throws(CoreError) { try attack.validate(start: inner.start, loss: inner.loss) } catch {
      var error = error.prefixed("\(method) with \(attack)")
      error.argument = "attack"
      throw error
    }
    return attack
  }

  /// Refuses batches of one image where batch norm would have a single value for each channel.
  static func requireStatistics(_ model: Model, _ data: Dataset, _ plan: TrainingPlan) throws {
    let sizes = [min(plan.batchSize, data.count), (data.count - 1) % plan.batchSize + 1]
    let least = sizes.map { plan.syncsNorm ? $0 : BatchCut(count: $0, shards: plan.shards).least }.min()
    guard least == 1, !model.buffers.isEmpty else { return }
    _ = try model.copy().forward(
      data.batch([0]).images, mode: .train, dropout: RandomStream(seed: plan.seed, purpose: "fit.one"))
  }

  /// Refuses settings of a plan that nothing would use.
  static func requireUse(
    of plan: TrainingPlan, _ validation: Dataset?, isAttacked: Bool, by method: any TrainingMethod
  ) throws(CoreError) {
    if validation == nil {
      let unused =
        plan.selection != nil
        ? "select" : plan.patience != nil ? "patience" : plan.validateEvery != 1 ? "validate_every" : nil
      if let unused {
        throw CoreError(
          .value, "without a validation \(unused) would not be used",
          hint: "validation=0.1 holds a tenth of the data out",
          argument: unused)
      }
    }
    if plan.patience != nil, plan.selection == nil {
      throw CoreError(
        .value, "patience waits for a better model, but nothing says which is better", hint: "select=\"robust\"",
        argument: "patience")
    }
    if plan.selection == .robust, !isAttacked {
      throw CoreError(
        .value, "the validation is not attacked: select=\"robust\" would choose nothing",
        hint: "give attack=pgd(…), or select=\"natural\"", argument: "select")
    }
    if plan.shards > 1, let obstacle = method.shardObstacle {
      throw CoreError(
        .value, "\(method) \(obstacle.reason), so that its batches cannot be cut into shards", hint: obstacle.hint,
        argument: "shards")
    }
  }

  /// Refuses common statistics where there are none, or where shards cannot wait for each other.
  static func requireStatistics(
    of model: Model, _ plan: TrainingPlan, _ method: any TrainingMethod, _ attack: (any Ascent)?
  ) throws(CoreError) {
    guard plan.syncsNorm else { return }
    guard !model.buffers.isEmpty else {
      throw CoreError(
        .value, "\(model.name) has no batch norm: sync_norm would not be used", hint: "leave sync_norm out",
        argument: "sync_norm")
    }
    let references = method.references + (attack?.references ?? [])
    guard !references.contains(where: { $0 is any KnowingReference }) else {
      throw CoreError(
        .value, "functions of the language run one shard after the other: they cannot wait for the statistics of all",
        hint: "leave sync_norm out", argument: "sync_norm")
    }
  }

  /// The same attack on the margin of the logits; nil where it has no choice, or is that one.
  static func onMargin(_ attack: any Ascent) -> (any Attack)? {
    func changed<Own: Ascent>(_ attack: Own) -> (any Attack)? {
      guard attack[setting: "objective"] != nil else { return nil }
      let given = Own.settings.map { setting in
        (
          name: setting.name,
          value: setting.name == "objective" ? .string("margin") : attack[setting: setting.name] ?? .none
        )
      }
      guard let other = try? Own(given), !other.isEqual(to: attack) else { return nil }
      return other
    }
    return changed(attack)
  }
}
