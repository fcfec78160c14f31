import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// Attacks around attacks, and models whose gradients pass straight through a layer.
@Suite struct WrapperTests {
  let data: Dataset
  let model: Model

  init() throws {
    data = try bars(48)
    model = try network()
    try fit(model, on: data, plan: TrainingPlan(epochs: 6, batchSize: 16, learningRate: 0.1))
  }

  private func run(_ attack: any Attack, on model: Model? = nil, eps: Double? = 0.1) throws -> Tensor {
    try attack.run(
      on: model ?? self.model, AttackInput(images: data.images, labels: data.labels, ids: data.ids, eps: eps))
  }

  @Test func aModelThatAnswersAlikeIsAttackedAlike() throws {
    #expect(try run(EOT(FGSM(), n: 1)).isIdentical(to: run(FGSM())))
    #expect(try largest(run(EOT(PGD(steps: 3, norm: .l2), n: 4)), run(PGD(steps: 3, norm: .l2))) < 1e-4)
  }

  @Test func transferFromTheModelItselfIsTheAttack() throws {
    for attack in [FGSM(), PGD(steps: 3, restarts: 2), MIFPE(steps: 4), PGD(steps: 3, norm: .l1)] as [any Attack] {
      #expect(try run(Transfer(attack, from: model)).isIdentical(to: run(attack)), "\(attack)")
    }
  }

  /// One step on another model is that model's, and the attacked one is asked only to judge.
  @Test func theOtherModelAnswers() throws {
    let other = try network(seed: 7)
    #expect(try run(Transfer(FGSM(), from: other)).isIdentical(to: run(FGSM(), on: other)))
    let evaluation = try evaluate(model, on: data, attacks: [Transfer(PGD(steps: 5), from: other)], eps: 0.1)
    #expect(
      evaluation.worstCase.correct
        >= (try evaluate(model, on: data, attacks: [PGD(steps: 5)], eps: 0.1)).worstCase.correct)
  }

  @Test func wrappersAreWhatTheyWrap() throws {
    let within = PGD(eps: 0.3, steps: 3, start: .image, norm: .l2)
    for attack in [EOT(within), Transfer(within, from: model)] as [any Attack] {
      #expect(attack.norm == .l2 && attack.eps == 0.3 && !attack.isRandom && !attack.isMinimal && attack.takesTargets)
      #expect(attack.stages(classes: 3).count == 1)
      #expect(attack.validationError == nil)
    }
    #expect(EOT(RFGSM()).isRandom && EOT(DeepFool()).isMinimal)
    #expect(EOT().validationError?.argument == "attack")
    #expect(Transfer().validationError?.argument == "attack")
    #expect(EOT(PGD(steps: 0)).validationError?.argument == "steps")
    #expect(EOT(PGD(), n: 0).validationError?.argument == "n")
  }

  /// Each stage is wrapped by itself.
  @Test func stagesStayStages() throws {
    struct Two: Attack {
      static let name = "two"
      static let page = Page("Two attacks.")
      static let settings: [Setting<Two>] = []
      var eps: Double? { nil }
      func stages(classes: Int) -> [any Attack] { [FGSM(), BIM()] }
      func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {}
    }
    #expect(EOT(Two(), n: 3).stages(classes: 3).map(\.description) == ["eot(fgsm(), n=3)", "eot(bim(), n=3)"])
  }

  @Test func aModelThatDoesNotFitIsRefused() throws {
    let classes = try Model(Architecture(MLP(hidden: [4]), classes: 4, input: [1, 8, 8]))
    let images = try Model(Architecture(MLP(hidden: [4]), classes: 3, input: [1, 4, 16]))
    for other in [classes, images] {
      let error = #expect(throws: CoreError.self) { try run(Transfer(FGSM(), from: other)) }
      #expect(error?.argument == "from")
    }
  }

  // MARK: BPDA

  /// A linear network behind rounding, whose gradients are zero as they are.
  private func coarse() throws -> Model {
    try Model(
      Architecture(
        .custom(.sequential([.quantise(levels: 5), .flatten, .linear(Linear(3))])), classes: 3, input: [1, 8, 8]),
      seed: 3)
  }

  private func gradient(_ model: Model) throws -> Tensor {
    let x = try data.images.tracked()
    return try gradients(of: model(x).slice(axis: 1, 0, 1).sum(), withRespectTo: [x])[0]
  }

  @Test func gradientsPassStraightThrough() throws {
    let model = try coarse()
    let view = try model.bpda(["0"])
    #expect(try view(data.images).isIdentical(to: model(data.images)))
    #expect(try gradient(model).floats().allSatisfy { $0 == 0 })
    let weights = try #require(model.parameters.first).floats()
    let slopes = try gradient(view).floats()
    #expect(slopes.indices.allSatisfy { slopes[$0] == weights[$0 % 64] })
    // The weights behind it learn as ever, and the model itself has kept its gradients.
    #expect(try gradient(model).floats().allSatisfy { $0 == 0 })
    #expect(view.sharesWeights(with: model) && !view.isSame(as: model) && view.fingerprint != model.fingerprint)
    #expect(try model.bpda(["0"]).isSame(as: view) && view.bpda(["0"]).isSame(as: view))
  }

  /// What gradients cannot see is broken straight through.
  @Test func roundingHidesNothing() throws {
    let coarse = try coarse()
    try fit(coarse, on: data, plan: TrainingPlan(epochs: 12, batchSize: 16, learningRate: 0.05))
    func robust(_ model: Model, _ attack: any Attack) throws -> Int {
      try evaluate(model, on: data, attacks: [attack], eps: 0.3).worstCase.correct
    }
    let attack = PGD(steps: 10, start: .image)
    let hidden = try robust(coarse, attack)
    let view = try coarse.bpda(["0"])
    #expect(hidden >= 24)
    #expect(try robust(view, attack) < hidden)
    #expect(try robust(coarse, Transfer(attack, from: view)) == robust(view, attack))
  }

  @Test func otherLayersCanBeStraightToo() throws {
    let images = try data.images
    for name in ["1", "2"] {
      let view = try model.bpda([name])
      // Layers that are not fused round otherwise.
      #expect(largest(try view(images), try model(images)) < 1e-5, "\(name)")
      #expect(try !gradient(view).isIdentical(to: gradient(model)), "\(name)")
    }
  }

  @Test func impossibleLayersAreErrors() throws {
    for (name, part) in [
      ("quantize", "no layer 'quantize'"), ("", "no layer ''"), ("0", "makes [8, 8, 8] of [1, 8, 8]"),
    ] {
      let error = #expect(throws: CoreError.self) { try model.bpda([name]) }
      #expect(error?.argument == "layer" && error?.message.contains(part) == true, "\(error?.message ?? "")")
    }
  }
}

extension Attack {
  fileprivate var validationError: CoreError? {
    do throws(CoreError) {
      try validate()
      return nil
    } catch { return error }
  }
}
