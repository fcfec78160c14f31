import Base
import Datasets
import Networks
import Tensors
import Testing

@testable import Robustness

extension ReferenceVectors {
  /// `steps.json`: three training steps of each method, and learning-rate schedules.
  @Suite(.enabled(if: VectorFiles.exist)) struct Steps {
    /// All that the files have, but for `missing`.
    static let methods: [String] = {
      guard let entries = try? VectorFiles().json("steps.json").value("methods").objectValue else { return [] }
      return entries.map(\.key).filter { !missing.contains($0) }
    }()

    /// Those that are not there yet.
    static let missing: Set<String> = []

    /// In step 3 of this one an activation lies 2.5e-7 from ReLU's kink. PyTorch's float32, which made the files, has it
    /// on one side; PyTorch's float64 has it on the other, as ltd has, and its gradient is off the files by as much:
    /// 1.02e-4 in the norm, 2.84e-4 in the momentum of conv1. Either side is right within these limits.
    static let atAKink: Set = ["label_smoothing"]

    /// What the files call a part of the loss of a method.
    static func part(_ name: String, _ method: String) -> String {
      let names = [
        "ltd_nat": ["loss_natural": "nat", "loss_robust": "adv"],
        "ard": ["loss_natural": "ce", "loss_robust": "kl_mean"], "ard_batchmean": ["loss_robust": "kl_batchmean"],
        "rslad": ["loss_natural": "nat", "loss_robust": "adv"], "adaad": ["loss_natural": "nat", "loss_robust": "adv"],
        "kd_swa": ["loss_labels": "ce", "loss_natural_teacher": "h_std", "loss_robust_teacher": "h_rob"],
      ]
      return names[method]?[name] ?? String(name.dropFirst("loss_".count))
    }

    let json: JSON
    let tensors: SafeTensors

    init() throws {
      let files = try VectorFiles()
      json = try files.json("steps.json")
      tensors = try files.tensors("steps.safetensors")
    }

    /// What is said to be missing is, and nothing else is left out.
    @Test func nothingIsLeftOut() throws {
      for name in Self.missing { #expect(throws: CoreError.self) { try method(name) } }
      #expect(Self.methods.count + Self.missing.count == (try json.value("methods").objectValue?.count))
    }

    @Test(arguments: methods)
    func attack(_ name: String) throws {
      let (method, entry) = try method(name)
      guard let stored = try entry.array("steps")[0]["x_adv"]?.stringValue else {
        #expect(method.inner == nil)
        return
      }
      let student = try model("student0")
      let step = try step(1, of: student, method, entry)
      if method.searchesItself { _ = try process(method, student).loss(step) }
      let adversarial =
        try method.searchesItself
        ? try #require(step.found.first)
        : (method as? any DistillationMethod)?.perturbed(step) ?? step.adversarial()
      let expected = try tensors.tensor(stored)
      let near = zip(adversarial.floats(), expected.floats()).count { abs($0 - $1) <= 1e-6 }
      #expect(adversarial.shape == expected.shape)
      #expect(Double(near) >= 0.998 * Double(expected.count), "\(near) of \(expected.count) elements agree")
    }

    @Test(arguments: methods)
    func update(_ name: String) throws {
      let (method, entry) = try method(name)
      let student = try model("student0")
      let process = try process(method, student)
      let sgd = try optimiser(entry)
      for (i, expected) in try entry.array("steps").enumerated() {
        let adversarial = try expected["x_adv"]?.stringValue.map { try tensors.tensor($0) }
        let step = try step(i + 1, of: student, method, entry, adversarial)
        let (loss, gradients) = try advance(student, step, process, sgd, expected)
        #expect(relative(try loss.total.item(), try expected.number("loss")) <= 2e-5)
        for part in loss.parts {
          #expect(
            relative(try part.value.item(), try expected.value("parts").number(Self.part(part.name, name))) <= 1e-4)
        }
        let norm = gradients.reduce(0.0) { $0 + $1.floats().reduce(0.0) { $0 + Double($1) * Double($1) } }.squareRoot()
        #expect(
          relative(norm, try expected.number("grad_norm")) <= (i == 2 && Self.atAKink.contains(name) ? 1.1e-4 : 1e-4))
        if i == 0 {
          try compare(Array(zip(student.parameterNames, gradients)), "\(name)/grad1", 2e-5, 5e-4)
          try compare(student.state, "\(name)/after1", 2e-5, 5e-4)
        }
      }
      try compare(student.state, "\(name)/after3", 2e-5, 5e-4)
      try compare(
        Array(zip(student.parameterNames, sgd.state.map(\.tensor))), "\(name)/momentum3",
        Self.atAKink.contains(name) ? 3e-4 : 2e-5, 5e-4)
    }

    @Test(arguments: methods)
    func endToEnd(_ name: String) throws {
      let (method, entry) = try method(name)
      let student = try model("student0")
      let process = try process(method, student)
      let sgd = try optimiser(entry)
      for (i, expected) in try entry.array("steps").enumerated() {
        let step = try step(i + 1, of: student, method, entry)
        let (loss, _) = try advance(student, step, process, sgd, expected)
        if i != 1 {
          #expect(relative(try loss.total.item(), try expected.number("loss")) <= (i == 0 ? 2e-4 : 2e-2))
        }
      }
      try compare(student.state, "\(name)/after3", 2e-3, 2e-2)
    }

    // MARK: Parts

    private func method(_ name: String) throws -> (any TrainingMethod, JSON) {
      let entry = try json.value("methods").value(name)
      func parameter(_ key: String) throws -> Double { try entry.value("params").number(key) }
      func perturbed(_ method: any TrainingMethod) throws -> any TrainingMethod {
        AWP(method, gamma: try parameter("gamma"))
      }
      func ltd(_ framework: LTD.Framework, naturalWeight: Double? = nil, forwards: Int? = nil) throws -> LTD {
        LTD(
          teacher: try model("teacher_std"), temperature: .fixed(try parameter("tau_T")),
          beta: framework == .pgdAT || framework == .natural ? nil : try parameter("beta"),
          mix: try parameter("mix"), framework: framework, naturalWeight: naturalWeight, forwards: forwards)
      }
      let method: any TrainingMethod =
        switch name {
        case "ce", "ce_nesterov", "ce_no_momentum": Standard()
        case "pgd_at": PGDAT()
        case "pgd_at_trainbn": PGDAT(attackMode: .train)
        case "pgd_at_label_smoothing": PGDAT(smoothing: try parameter("s"))
        case "trades": TRADES(beta: try parameter("beta"), forwards: 3)
        case "trades_2fwd": TRADES(beta: try parameter("beta"))
        case "at_awp": try perturbed(PGDAT())
        case "trades_awp": try perturbed(TRADES(beta: parameter("beta"), forwards: 3))
        case "fast_at": FastAT(stepSize: try entry.value("attack").number("step"))
        case "hat":
          HAT(
            helper: try model("teacher_std"), beta: try parameter("beta"), gamma: try parameter("gamma"),
            h: try parameter("h"))
        case "label_smoothing": Standard(smoothing: try parameter("s"))
        case "label_smoothing_b": Standard(smoothing: try parameter("s"), convention: .others)
        case "mart": MART(beta: try parameter("beta"))
        case "ltd_at", "ltd_at_mix0.3": try ltd(.pgdAT)
        case "ltd_trades", "ltd_trades_mix0.3": try ltd(.trades)
        case "ltd_trades_awp": try perturbed(ltd(.trades, forwards: 3))
        case "ltd_mart": try ltd(.mart)
        case "ltd_nat": try ltd(.natural, naturalWeight: parameter("w"))
        case "ard":
          ARD(
            teacher: try model("teacher_rob"), temperature: .fixed(try parameter("T")), alpha: try parameter("alpha"))
        case "ard_batchmean":
          ARD(
            teacher: try model("teacher_rob"), temperature: .fixed(try parameter("T")), alpha: try parameter("alpha"),
            reduction: .overBatch, attackMode: .eval, statistics: .adversarial)
        case "rslad": RSLAD(teacher: try model("teacher_rob"))
        case "adaad": AdaAD(teacher: try model("teacher_rob"), alpha: try parameter("alpha"))
        case "kd_swa":
          KDSWA(
            natural: try model("teacher_std"), robust: try model("teacher_rob"),
            temperature: .fixed(try parameter("T")), weights: try entry.value("params").numbers("weights"))
        case "defensive_distillation":
          DefensiveDistillation(teacher: try model("teacher_std"), temperature: .fixed(try parameter("T")))
        default: throw CoreError(.value, "no method \(name)")
        }
      return (method, entry)
    }

    private func process(_ method: any TrainingMethod, _ student: Model) throws -> any TrainingProcess {
      try method.begin(student, on: Dataset(images: tensors.tensor("x1"), labels: tensors.tensor("y1").ints()))
    }

    func model(_ name: String) throws -> Model {
      func channels(_ layer: String) throws -> Int { try #require(tensors.shape(of: "\(name)/\(layer)"))[0] }
      func conv(_ layer: String, stride: Int) throws -> Layer {
        .conv2d(
          Conv2d(
            try channels("\(layer).weight"), kernel: Size(3), stride: Size(stride), padding: Padding(1), bias: false))
      }
      let images = try #require(tensors.shape(of: "x1"))
      let classes = try channels("fc.weight")
      let model = try Model(
        Architecture(
          .custom(
            .chain([
              Child("conv1", try conv("conv1", stride: 1)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
              Child("conv2", try conv("conv2", stride: 2)), Child("bn2", .batchNorm(BatchNorm())), Child("", .relu),
              Child("", .globalAveragePool), Child("fc", .linear(Linear(classes))),
            ])), classes: classes, input: Array(images.dropFirst())))
      try model.setParameters(model.parameterNames.map { try tensors.tensor("\(name)/\($0)") })
      try model.setBuffers(model.bufferNames.map { try tensors.tensor("\(name)/\($0)") })
      return model
    }

    private func optimiser(_ entry: JSON) throws -> any Optimiser {
      let settings = try entry.value("sgd")
      return SGD(
        momentum: try settings.number("momentum"), weightDecay: try settings.number("weight_decay"),
        nesterov: try settings.bool("nesterov")
      ).makeOptimiser()
    }

    /// - Parameter adversarial: the images of the reference instead of the attack's.
    private func step(
      _ i: Int, of student: Model, _ method: any TrainingMethod, _ entry: JSON, _ adversarial: Tensor? = nil
    ) throws -> TrainingStep {
      let images = try tensors.tensor("x\(i)")
      let labels = try tensors.tensor("y\(i)").ints()
      let noise = [try tensors.tensor("delta_uniform\(i)"), try tensors.tensor("delta_normal\(i)")]
      let attack = try entry.value("attack").objectValue == nil ? json : entry.value("attack")
      return TrainingStep(
        model: student, parameters: student.trackedParameters(),
        batch: Batch(images: images, targets: .classes(labels), ids: Array(labels.indices)),
        attack: PGD(
          eps: try json.number("eps"), stepSize: try attack.number(attack["step"] == nil ? "step_size" : "step"),
          steps: try attack.int(attack["iterations"] == nil ? "attack_iterations" : "iterations")),
        inner: method.inner, stream: RandomStream(seed: 0, purpose: "unused"),
        random: Given(uniform: noise[0], normal: noise[1]), adversarial: adversarial)
    }

    private func advance(
      _ student: Model, _ step: TrainingStep, _ process: any TrainingProcess, _ sgd: any Optimiser,
      _ expected: JSON
    ) throws -> (StepLoss, [Tensor]) {
      let loss = try process.loss(step)
      let gradients = try gradients(of: loss.total, withRespectTo: step.parameters)
      let rate = try expected.number("lr")
      try student.updateParameters { (weights) throws(CoreError) in
        try sgd.step(&weights, gradients: gradients, rate: rate, momentum: nil)
      }
      try step.takeOffDisplacement()
      return (loss, gradients)
    }

    private func compare(
      _ actual: [(name: String, tensor: Tensor)], _ folder: String, _ absolute: Double, _ relative: Double
    ) throws {
      for (name, tensor) in actual {
        guard tensors.shape(of: "\(folder)/\(name)") != nil else {
          Issue.record("no \(folder)/\(name)")
          continue
        }
        let expected = try tensors.tensor("\(folder)/\(name)")
        let limit = absolute + relative * maximum(expected.floats())
        #expect(difference(tensor, expected) <= limit, "\(folder)/\(name)")
      }
    }

    private func relative(_ a: Double, _ b: Double) -> Double { abs(a - b) / max(abs(b), 1e-30) }

    // MARK: Averages of weights

    /// Two exponential averages of the steps of `ce`; statistics of batch norm are those of the live model.
    @Test func exponentialAverages() throws {
      let student = try model("student0")
      let data = try Dataset(images: tensors.tensor("x1"), labels: tensors.tensor("y1").ints())
      let averages = [("ema_fixed", 0.9, false), ("ema_warmup", 0.995, true)].map { name, decay, warmsUp in
        (
          name,
          WeightAverage(
            WeightAveraging(.exponential(decay: decay, warmsUp: warmsUp)), of: student, on: data, batchSize: 8, seed: 0)
        )
      }
      try train(student, "ce") { i in for (_, average) in averages { try average.after(step: i, student) } }
      for (name, average) in averages {
        let averaged = try #require(try average.averaged(student))
        try compare(averaged.state, "ce/\(name)", 2e-5, 5e-4)
      }
    }

    /// The mean of the weights after each of three steps, its statistics estimated on the clean batches.
    @Test func stochasticWeightAverage() throws {
      let student = try model("student0")
      let batches = try (1...3).map { (try tensors.tensor("x\($0)"), try tensors.tensor("y\($0)").ints()) }
      let data = try Dataset(images: concat(batches.map(\.0), axis: 0), labels: batches.flatMap(\.1))
      let average = WeightAverage(
        WeightAveraging(.running(from: 1)), of: student, on: data, batchSize: batches[0].1.count, seed: 0)
      try train(student, "kd_swa") { i in
        var epoch = EpochReport(epoch: i, loss: 0, parts: [], naturalAccuracy: 0, learningRate: 0, seconds: 0)
        _ = try average.after(&epoch, student)
      }
      let averaged = try #require(try average.averaged(student))
      try compare(averaged.state, "kd_swa/swa", 2e-5, 5e-4)
    }

    /// Three steps on the adversarial images of the reference.
    private func train(_ student: Model, _ name: String, after: (Int) throws -> Void) throws {
      let (method, entry) = try method(name)
      let process = try process(method, student)
      let sgd = try optimiser(entry)
      for (i, expected) in try entry.array("steps").enumerated() {
        let adversarial = try expected["x_adv"]?.stringValue.map { try tensors.tensor($0) }
        let step = try step(i + 1, of: student, method, entry, adversarial)
        _ = try advance(student, step, process, sgd, expected)
        try after(i + 1)
      }
    }

    // MARK: Learning rates

    @Test func learningRateSchedules() throws {
      let words = [
        "trades_steps": "trades", "trades_awp_steps": "trades_awp", "fast_adversarial_cyclic": "triangle",
      ]
      for entry in try json.array("lr_schedules") {
        let name = try entry.string("name")
        let schedule = try #require(Schedules.named.first { $0.name == words[name] ?? name }).schedule
        let parameters = try entry.value("params")
        let rate = try #require(parameters["lr_max"] ?? parameters["lr"] ?? parameters["max_lr"]).numberValue ?? 0
        let times = try entry.numbers("t")
        let rates = try entry.numbers("lr")
        let momenta = entry["momentum"]?.numbers
        for (i, t) in times.enumerated() {
          let actual: Double
          if let iterations = (parameters["total_iterations"] ?? parameters["total_steps"])?.intValue {
            let position = TrainingPosition(epoch: 0, step: Int(t), stepsPerEpoch: iterations, epochs: 1)
            actual = schedule.learningRate(rate, at: position)
            if let momenta { #expect(abs(try #require(schedule.momentum(at: position)) - momenta[i]) <= 1e-6) }
          } else if let epochs = parameters["epochs"]?.intValue {
            actual = try #require(schedule as? any TimeSchedule).learningRate(rate, time: t, epochs: epochs)
          } else {
            let position = TrainingPosition(epoch: Int(t) - 1, step: 0, stepsPerEpoch: 1, epochs: 200)
            actual = schedule.learningRate(rate, at: position)
          }
          #expect(abs(actual - rates[i]) <= max(1e-6 * abs(rates[i]), 1e-9), "\(name) at \(t)")
        }
      }
    }
  }
}
