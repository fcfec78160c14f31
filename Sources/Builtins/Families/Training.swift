import Base
import Datasets
import Interpreter
import Networks
import Robustness
import Runs
import Tensors

extension BuiltinTable {
  static let methods: [Builtin] = Methods.all.map { making($0) } + [making(LanguageMethod.self)]

  private static func making<Made: TrainingMethod>(_ type: Made.Type) -> Builtin {
    .making(type, result: "method", family: "training") { MethodObject($0) }
  }

  static let training: [Builtin] = [
    Builtin(
      "fit(model: model, data: dataset, method: method | none = none, attack: attack | none = none, epochs: int = 10, batch: int = 128, lr: float = 0.01, optimiser: string | optimiser = \"sgd\", momentum: float = 0.9, weight_decay: float = 0, schedule: string | schedule = \"constant\", warmup: int = 0, augment: string | augmentation | list = \"none\", validation: dataset | int | float | none = none, validate_every: int = 1, select: string | none = none, patience: int | none = none, ema: float | none = none, ema_warmup: bool = false, swa: int | none = none, average_bn: string | none = none, clip: float | none = none, shards: int = 1, sync_norm: bool = false, checkpoint: string | none = none, every: int | none = none, keep: int = 2, resume: record | none = none, save: string | bool = false, tensorboard: string | none = none, seed: int = 0, quiet: bool = false) -> record",
      "Trains a model in place and reports each epoch.",
      details: """
        Progress shows loss, natural and adversarial training accuracy and the time left. Ctrl-C stops after the last whole \
        step: the model keeps what it learned, and the report says `interrupted: true`.

        On a terminal with colours and 60 columns and 16 rows or more, curves of loss and accuracy, images a second, the time \
        left, the memory that tensors take and keep for reuse, the class that does worst and an image beside its adversarial twin stand below the \
        output while it trains, from a third of a second on. Keys steer it, each between two steps; none but `l` changes a bit \
        of what comes out:

        - p: pauses, and continues. What is waited is no part of `seconds`.
        - s: saves a checkpoint now, in the folder of checkpoint=.
        - l: asks for another learning rate, of which the schedule takes its shares from the next step on. It is on record: \
        in the report's `rate_changes` and `warnings`, in the ledger, and in checkpoints and the report, from which a run \
        continues with that rate and says so.
        - q: stops and keeps what was learned, as Ctrl-C does, but what follows in the program runs.
        - d: one line in place of all this, and back.

        Anything else that is typed is shown and kept for the next prompt. Escape drops it, and so do Ctrl-C and the end of \
        a script, which say what it was.

        In the report's `epochs`, natural and robust are accuracies of the training images as their batches came, validation_natural and validation_robust those \
        after the epoch; loss_natural and loss_robust are the parts of the loss.

        Alarms say when robustness is lost although training looks well, in the report's `warnings`: robust overfitting, where \
        there is a validation under an attack, and catastrophic overfitting. Where the run trains with an attack of one step or \
        a few, up to 128 images of the validation, or of the training data, are attacked with ten steps after each epoch, too.

        - method: standard() when left out; others are pgd_at(), trades(), ltd(teacher), and method(…) makes one of your \
        own.
        - attack: an attack such as pgd(…), for the adversarial images of training and for the validation. Its eps is \
        8/255 when it has none; its start and objective are those of the method when it has none. A method that trains on \
        adversarial images has an attack of its own when this is left out.
        - lr: the learning rate, as that of torch.optim.
        - optimiser: \(Optimisers.all.map { "\"\($0.name)\"" }.joined(separator: ", ")), or one with settings of its own, \
        such as sgd(nesterov=true) or adamw(weight_decay=0.05).
        - momentum, weight_decay: as those of torch.optim; they belong to an optimiser named by a word, and one that has no \
        such setting refuses them. "one_cycle" sets the momentum itself, and refuses one.
        - schedule: \(Schedules.named.map { "\"\($0.name)\"" }.joined(separator: ", ")), or a schedule with settings of \
        its own, such as step_schedule(epochs=[10, 15]).
        - warmup: epochs at the beginning during which the rate rises along a line: step k of their n steps has k/n of the \
        schedule's rate, whose own time they are part of.
        - augment: "none", \(Augmentations.all.map { "\"\($0.name)\"" }.joined(separator: ", ")), an augmentation with \
        settings of its own, such as crop_flip(padding=2), or a list of them, applied in its order: \
        [crop_flip(), cutout(size=8), mixup()]. `augmented` shows what they do.
        - validation: a data set on which the model is evaluated after each epoch, under the attack if there is one; or a \
        number or a share of the training images (0.1) that are held out for it, of every class alike, drawn by the seed.
        - validate_every: epochs from one validation to the next; the last epoch always has one.
        - select: keeps the model that was best on the validation as the report's `best`, by "robust" (what neither the \
        attack nor the same one on the margin of the logits breaks), "natural", or "loss" (the mean cross-entropy).
        - patience: ends the run after so many validations in a row without a better one.
        - ema: share of an exponential average of the weights that stays in each step, such as 0.995; the averaged model is \
        the report's `averaged`, and the validation measures it too.
        - ema_warmup: the share is min(ema, (1 + t)/(10 + t)) after t steps, so that the beginning is soon forgotten.
        - swa: the epoch from which on the weights after each epoch are averaged, counted from 1.
        - average_bn: running statistics of batch norm in the averaged model: "copied" from the trained one (usual for \
        ema), "averaged" as weights are, or "estimated" on the training images as they are (usual for swa).
        - clip: the greatest length of all gradients together, in L2; longer ones are scaled down.
        - shards: in how many equal parts a batch is cut, whose gradients are added up in one fixed order before the weights \
        move: one process needs the memory of one part, and several started by mpirun share the parts and end in the same \
        bits; see ?cluster_mpi. Batch norm sees each part by itself, as it does in PyTorch on as many devices. The last batch \
        of an epoch, where it is smaller, is cut in the same way.
        - sync_norm: whether batch norm takes the statistics of the whole batch where that is cut into shards.
        - checkpoint: a folder in which the run leaves itself, whole and with a digest: weights, optimiser, method, averages \
        and history. The same call in the same folder continues by itself after the newest one that is whole, and ends in \
        the same bits as a run that was left alone, whatever ended the process; a run with another model, data set, method, \
        attack or setting is refused by name. A run that is finished returns its report and its weights again.
        - every: steps from one checkpoint to the next; after each epoch when left out. One is written after Ctrl-C too.
        - keep: how many of the newest are kept.
        - resume: the report of a run that Ctrl-C has stopped: it continues where it was, in the weights that it had, \
        without files.
        - save: the path of a ledger, an SQLite database, true for runs.sqlite: the run is in it with all settings, \
        fingerprints, versions and what each epoch measured, as evaluations are. `runs()` lists it, `run(n)` shows it.
        - tensorboard: a folder in which the curves are written as TensorBoard reads them. A run that continues writes no \
        step twice; one that begins anew sets an earlier one's file aside.
        - seed: key of order, starts, dropout and augmentation. The same seed leads to the same bits for any number of \
        threads.
        - epochs: passes over the data.
        - batch: examples in a step of the optimiser.
        """,
      examples: [
        Example(
          "train, test = glyphs(n=64, seed=1); m = mlp(hidden=[16]); r = fit(m, train, epochs=2, quiet=true); len(r.epochs)",
          "2")
      ],
      seeAlso: ["standard", "pgd_at", "trades", "ltd", "sgd", "adamw", "evaluate"],
      search: [
        "train", "optimise", "optimizer", "optimiser", "sgd", "learn", "learning rate", "weight decay", "scheduler",
        "training loop", "dataloader", "batch size", "data augmentation",
      ],
      values: [
        "optimiser": .words(Optimisers.all.map { $0.name }), "schedule": .words(Schedules.named.map(\.name)),
        "augment": .words(["none"] + Augmentations.all.map { $0.name }),
        "select": .words(ModelSelection.settingWords), "average_bn": .words(WeightAveraging.Statistics.settingWords),
        "checkpoint": .folders, "tensorboard": .folders, "save": .files([".sqlite"]),
      ],
      family: "training"
    ) { call in
      let model = try call.object("model", as: ModelObject.self).model
      let data = try call.object("data", as: DatasetObject.self).data
      let method = try call["method"].configured(as: (any TrainingMethod).self) ?? Standard()
      let given = try call["attack"].configured(as: (any Attack).self)
      let attack = given as? any Ascent
      if let given, attack == nil {
        throw call.error(
          .type, "fit needs an attack that climbs the loss of the method, not \(given)",
          hint: "attack=pgd(eps=8/255, steps=10)", at: "attack")
      }
      var plan = TrainingPlan(
        epochs: try call.int("epochs"), batchSize: try call.int("batch"), learningRate: try call.float("lr"),
        optimiser: try call.optimiserOfFit())
      plan.seed = try call.seed("seed")
      plan.schedule = try call.configured("schedule", Schedules.named.map { ($0.name, $0.schedule) })
      let warmup = try call.int("warmup")
      guard warmup >= 0, warmup <= plan.epochs else {
        throw call.error(
          .value, "warmup of fit must be from 0 to the epochs of the run, \(plan.epochs), not \(warmup)",
          hint: "warmup=0 starts at the whole rate", at: "warmup")
      }
      if warmup > 0 { plan.schedule = WarmupSchedule(plan.schedule, epochs: warmup) }
      plan.augmentations = try call.augmentations("augment")
      let (training, validation) = try call.validation(data, seed: plan.seed)
      plan.validateEvery = try call.int("validate_every")
      plan.selection = try call.optionalChoice("select", ModelSelection.self)
      plan.patience = try call["patience"].isNone ? nil : call.int("patience")
      plan.averaging = try call.averaging()
      plan.clip = try call.optionalFloat("clip")
      plan.shards = try call.int("shards")
      plan.syncsNorm = try call.bool("sync_norm")
      let progress = call.session.progress(quiet: try call.bool("quiet"))
      let checkpoints = try call.checkpoints()
      let resume = try call.resumed()
      let records = try call.records()
      if case .shard(let shard) = call.session.sharing?.role {
        call.session.host.note("this trains in each of the \(shard.count) shards; a script of its own would do it once")
      }
      let report = try fit(
        model, on: training, method: method, attack: attack, plan: plan, validation: validation,
        checkpoints: checkpoints, resume: resume, records: records, ranks: call.session.ranks?.communicator,
        progress: progress)
      if report.steps > 0 {
        model.training.append(
          TrainingPass(
            method: report.method, attack: given.map { "\($0)" }, data: training.name, examples: training.count,
            epochs: report.epochs.count, steps: report.steps, isInterrupted: report.interrupted))
      }
      if report.interrupted {
        let further = checkpoints == nil ? "fit(…, resume=report) continues" : "the same call continues"
        let kept = "the model keeps what it learned in \(report.steps) steps; \(further)"
        if !call.session.keepResults(kept) { progress.note("stopped: \(kept)") }
      } else {
        call.session.keepResults("the training had come to its end")
      }
      return report.value
    }
  ]

  /// Schedules and augmentations that `fit` takes as values, and optimisers for training loops of one's own.
  static let trainingParts: [Builtin] =
    Optimisers.all.map { optimiser($0) }
    + Schedules.all.map { part($0, ScheduleObject.self) } + Augmentations.all.map { part($0, AugmentationObject.self) }

  private static func part<Part: Configurable>(_ part: Part.Type, _ object: ConfiguredObject.Type) -> Builtin {
    .making(part, result: object.typeName, family: "training") { object.init($0) }
  }

  private static func optimiser<Settings: OptimiserSettings>(_ settings: Settings.Type) -> Builtin {
    .described(
      by: settings,
      first: [
        ("model: model | none = none", "whose weights a call moves; left out, the optimiser is for fit."),
        ("lr: float | none = none", "the learning rate of a model's optimiser, 0.01 when left out; fit has its own."),
      ],
      result: "optimiser", family: "training"
    ) { call in
      let rate = try call.optionalFloat("lr")
      guard let model = try call.optionalObject("model", as: ModelObject.self)?.model else {
        guard rate == nil else {
          throw call.error(
            .value, "an optimiser without a model is for fit, which has a learning rate of its own",
            hint: "fit(…, optimiser=\(Settings.name)(), lr=0.01), or \(Settings.name)(net, lr=0.01)", at: "lr")
        }
        return Value(OptimiserObject(try call.made(settings)))
      }
      if let rate { try requireLearningRate(rate, of: Settings.name) }
      return Value(OptimiserObject(model, try call.made(settings), rate ?? 0.01))
    }
  }
}

extension Call {
  /// The optimiser of `fit`: a value without a model, or a word with the settings that `fit` has for it.
  func optimiserOfFit() throws -> any OptimiserSettings {
    let given = ["momentum", "weight_decay"].filter { isGiven($0) }
    if case .object(let object) = try self["optimiser"], let optimiser = object as? OptimiserObject {
      guard !optimiser.isBound else {
        throw error(
          .value, "fit needs an optimiser without a model of its own, not \(optimiser.shortText(PrintOptions()))",
          hint: "optimiser=\(optimiser.settings)", at: "optimiser")
      }
      if let unused = given.first {
        throw error(
          .value, "\(unused) of fit would not be used: the optimiser \(optimiser.settings) has its own",
          hint: "optimiser=\(type(of: optimiser.settings).name)(\(unused)=\(try float(unused).shortest))", at: unused)
      }
      return optimiser.settings
    }
    let kinds: [(name: String, value: any OptimiserSettings.Type)] = Optimisers.all.map { ($0.name, $0) }
    let kind = try choice("optimiser", kinds)
    return try named(kind, given)
  }

  private func named<Settings: OptimiserSettings>(
    _ type: Settings.Type, _ given: [String]
  ) throws -> any OptimiserSettings {
    if let unknown = given.first(where: { name in !Settings.settings.contains { $0.name == name } }) {
      throw error(
        .value, "\(Settings.name) has no \(unknown): that of fit would not be used",
        hint: "leave \(unknown) out, or optimiser=\"sgd\"", at: unknown)
    }
    return try Settings(given.map { ($0, .number(try float($0))) })
  }

  /// Augmentations: a word, one of them, or a list of both.
  func augmentations(_ name: String) throws -> AugmentationList {
    let items = try self[name].asList ?? [self[name]]
    var list: [any Augmentation] = []
    for item in items {
      if let augmentation = item.configured(as: (any Augmentation).self) {
        list.append(augmentation)
      } else if let word = item.asString, let named = Augmentations.all.first(where: { $0.name == word }) {
        list.append(named.init())
      } else if items.count > 1 || item.asString != "none" {
        let words = (["none"] + Augmentations.all.map { $0.name }).map { "\"\($0)\"" }.joined(separator: ", ")
        throw error(
          .value, "\(name) must be one of \(words), an augmentation or a list of them, not \(item.described)",
          hint: "\(name)=[crop_flip(), cutout(size=8)]", at: name)
      }
    }
    return AugmentationList(list)
  }

  /// The entry of a list of named choices that a string argument names.
  func choice<T>(_ name: String, _ choices: [(name: String, value: T)]) throws -> T {
    let text = try string(name)
    if let choice = choices.first(where: { $0.name == text }) { return choice.value }
    let words = choices.map { "\"\($0.name)\"" }
    throw error(
      .value, "\(name) must be one of \(words.joined(separator: ", ")), not \"\(text)\"",
      hint: words.first.map { "\(name)=\($0)" }, at: name)
  }
}

extension Call {
  /// What is trained on, and what the model is measured on: a data set of its own, or examples held out of the other.
  fileprivate func validation(_ data: Dataset, seed: UInt64) throws -> (training: Dataset, validation: Dataset?) {
    let given = try self["validation"]
    let n: Int
    switch given {
    case .none: return (data, nil)
    case .int(let number): n = number
    case .float(let share):
      guard share > 0, share < 1 else {
        throw error(
          .value, "a share of the images for validation must be above 0 and below 1, not \(share.shortest)",
          hint: "validation=0.1, or a whole number of images", at: "validation")
      }
      n = Int((share * Double(data.count)).rounded())
    default: return (data, try object("validation", as: DatasetObject.self).data)
    }
    guard n >= 1, n < data.count else {
      throw error(
        .value, "\(n) of \(data.count) images cannot be held out for validation: 1 to \(data.count - 1) can",
        hint: "validation=0.1 holds out a tenth", at: "validation")
    }
    let parts = try data.parts([n, data.count - n], seed: seed, isStratified: true)
    return (parts[1], parts[0])
  }

  /// The average of the weights that is asked for; nil for none.
  fileprivate func averaging() throws -> WeightAveraging? {
    let (ema, swa) = (try optionalFloat("ema"), try self["swa"].isNone ? nil : int("swa"))
    let statistics = try optionalChoice("average_bn", WeightAveraging.Statistics.self)
    let warmsUp = try bool("ema_warmup")
    switch (ema, swa) {
    case (nil, nil):
      for name in ["ema_warmup", "average_bn"] where name == "ema_warmup" ? warmsUp : statistics != nil {
        throw error(
          .value, "without an average of weights \(name) would not be used", hint: "ema=0.995, or swa=5", at: name)
      }
      return nil
    case (let decay?, nil):
      return WeightAveraging(.exponential(decay: decay, warmsUp: warmsUp), statistics: statistics)
    case (nil, let first?):
      guard !warmsUp else {
        throw error(.value, "ema_warmup would not be used by swa", hint: "ema=0.995, or leave it out", at: "ema_warmup")
      }
      return WeightAveraging(.running(from: first), statistics: statistics)
    default:
      throw error(.value, "one average of weights is kept: ema or swa, not both", hint: "leave one out", at: "swa")
    }
  }

  /// The folder in which a run leaves itself; nil for none.
  fileprivate func checkpoints() throws -> CheckpointFolder? {
    guard try !self["checkpoint"].isNone else {
      for name in ["every", "keep"] where isGiven(name) {
        throw error(
          .value, "without a folder of checkpoints \(name) would not be used", hint: "checkpoint=\"run1\"", at: name)
      }
      return nil
    }
    try prepareToWrite()
    try requireTrainingAlone("checkpoint")
    return try CheckpointFolder(
      string("checkpoint"), every: self["every"].isNone ? nil : int("every"), keep: int("keep"),
      isReader: !session.isFirstRank)
  }

  /// The ledger and the curves that a call asks for.
  fileprivate func records() throws -> TrainingRecords {
    var records = TrainingRecords()
    let path: String? =
      switch try self["save"] {
      case .bool(let isSaved): isSaved ? EvaluationFiles.usualLedger : nil
      default: try string("save")
      }
    if path != nil || isGiven("tensorboard") {
      try prepareToWrite()
      try requireTrainingAlone("save and tensorboard")
      if path != nil, session.shardRun?.isWithinCell == true { throw refusedInACell("save") }
    }
    // The first of several ranks keeps them.
    guard session.isFirstRank else { return records }
    if let path { records.ledger = try SQLiteLedger(path) }
    records.curves = try optionalString("tensorboard")
    records.command = spelling(leaving: ["quiet", "save", "checkpoint", "every", "keep", "tensorboard"])
    return records
  }

  /// The run that the report of an earlier call tells of; nil for none.
  fileprivate func resumed() throws -> TrainingReport? {
    let given = try self["resume"]
    guard !given.isNone else { return nil }
    guard case .record(let record) = given, case .object(let object)? = record["run"],
      let run = object as? TrainingRunObject
    else {
      throw error(
        .type, "resume must be the report of a fit that was interrupted, not \(given.described)",
        hint: "r = fit(net, data), and after Ctrl-C fit(net, data, resume=r)", at: "resume")
    }
    return run.report
  }
}

/// Where the run of a report stands: what `fit(…, resume=report)` continues from.
final class TrainingRunObject: HostObject {
  let report: TrainingReport

  init(_ report: TrainingReport) { self.report = report }

  override class var typeName: String { "training" }
  override class var typeSummary: String { "Where a run of fit stands, to be continued." }
  override func save(to out: ObjectWriter) throws(CoreError) {
    out.kind = "training"
    var report = report
    if out.isComparing {
      report.seconds = 0
      for index in report.epochs.indices { report.epochs[index].seconds = 0 }
    }
    let kept = report.kept
    out.write(kept.method)
    out.write(kept.history)
    out.write(kept.figures)
    out.write(kept.seconds)
    out.write(optional: kept.description)
    out.write(kept.tensors)
    out.write(kept.state)
    let data = report.examples
    out.write(data.count)
    for set in data {
      let object = DatasetObject(set)
      out.write(object) { (out) throws(CoreError) in try object.save(to: out) }
    }
    for model in [report.averaged, report.best?.model] {
      out.write(model != nil)
      if let model { out.write(model) }
    }
    out.write(report.best?.epoch ?? 0)
  }
  override var parts: [Value] {
    [report.averaged, report.best?.model].compactMap { $0 }.map { Value(ModelObject($0)) }
  }
  override func shortText(_ options: PrintOptions) -> String {
    guard let state = report.state else { return "<training, finished>" }
    return "<training after \(state.step) steps>"
  }
}

extension TrainingReport {
  /// A record whose `epochs` prints as a table.
  fileprivate var value: Value {
    let rows = epochs.map { epoch -> Value in
      var fields: [(String, Value)] = [("epoch", Value(epoch.epoch)), ("loss", Value(epoch.loss))]
      for part in epoch.parts + epoch.accuracies { fields.append((part.name, Value(part.value))) }
      fields += [("lr", Value(epoch.learningRate)), ("seconds", Value(epoch.seconds))]
      return Value(fields: fields)
    }
    var fields: [(String, Value)] = [
      ("method", Value(method)), ("epochs", Value(rows)), ("steps", Value(steps)), ("seconds", Value(seconds)),
      ("interrupted", Value(interrupted)), ("run", .object(TrainingRunObject(self))),
    ]
    if let number { fields.append(("number", Value(number))) }
    if let averaged { fields.append(("averaged", Value(ModelObject(averaged)))) }
    if let best { fields += [("best", Value(ModelObject(best.model))), ("best_epoch", Value(best.epoch))] }
    if !rateChanges.isEmpty {
      let changes = rateChanges.map { Value(fields: [("step", Value($0.step)), ("lr", Value($0.rate))]) }
      fields.append(("rate_changes", Value(changes)))
    }
    if !warnings.isEmpty { fields.append(("warnings", Value(warnings.map { Value($0) }))) }
    return Value(fields: fields)
  }
}
