import Base
import Devices
import Interpreter
import Robustness
import Tensors

/// An attack written in the language: a function that asks an oracle and returns images.
///
/// It is one configurable value like every attack, whose settings are a name, the function and a radius. When it perturbs a
/// batch it calls the function with an `OracleObject`, the images, their classes and the radius, and submits what comes
/// back to the oracle of the core, which checks the ball and counts the queries. So it is measured, recorded and printed
/// like a built-in attack, and `fit` can use it for the adversarial images of training.
///
/// The function runs on the thread of its session, which is the thread that evaluates; hence `@unchecked Sendable`.
struct LanguageAttack: Ascent, @unchecked Sendable {
  static let name = "attack"
  static let page = Page(
    "An attack of your own: a function that asks the oracle of a model and returns images.",
    details: """
      The function is called with an oracle, the images x [n, c, h, w], their classes y and the radius, and returns one \
      image for each. All that it may ask of the model is `oracle.gradient(z)`, the gradient of what is to grow at images z, \
      and `oracle.logits(z)`; both are counted. In `fit`, what is to grow is what the method prescribes. Images that leave \
      the ball or [0, 1] are an error. `oracle.start()` is where the caller would have it begin; `oracle.uniform(low, high)` \
      and `oracle.normal()` are random numbers of the shape of x that depend on the seed and the example, never on the \
      batch; draw=1, 2, … returns others. Numbers of the same draw are made of the same bits: give each use a draw of its \
      own.
      """,
    examples: [
      (
        """
        fn step_once(oracle, x, y, eps) { clip(x + eps * sign(oracle.gradient(x)), 0, 1) }
        net, (train, test) = [mlp(), glyphs(n=20)]
        all(perturb(net, test, attack=attack("mine", step_once)) == perturb(net, test, attack=fgsm()))
        """, "true"
      )
    ],
    seeAlso: ["fgsm", "pgd", "perturb", "method"], search: ["custom attack", "own attack", "oracle", "black box"])
  static let settings: [Setting<LanguageAttack>] = [
    .label(\.label, hint: "attack(\"mine\", f)"),
    .required("perturb", type: "function", \.function, note: "(oracle, x, y, eps) => images"),
    .radius(\.eps),
  ]

  private var label = ""
  private var function: FunctionReference?
  var eps: Double?

  init() {}

  /// What the function draws cannot be known beforehand.
  var isRandom: Bool { true }

  func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    guard let function else { throw CoreError(.value, "attack needs a function", argument: "attack") }
    let made = try function(
      .object(OracleObject(oracle, batch)), Value(batch.images),
      Value(try Tensor(ints: batch.labels, shape: [batch.count])), Value(batch.eps))
    guard case .object(let object) = made, let images = (object as? TensorObject)?.tensor, images.dtype == .float32
    else {
      throw CoreError(
        .type, "\(self) must return images, not \(made.described)",
        hint: "the last expression of the function is what it returns", argument: "attack")
    }
    try oracle.submit(images.detached(), of: batch.all)
  }
}

extension Setting {
  /// The name of a value that is written in the language: any string but an empty one.
  static func label(_ path: WritableKeyPath<Owner, String> & Sendable, hint: String) -> Setting {
    Setting(
      "name", type: "string", expected: "a string with something in it", hint: hint,
      note: "how it is called where it is recorded.", isRequired: true, read: { .string($0[keyPath: path]) },
      write: { owner, value in
        guard case .string(let label) = value, !label.isEmpty else { return false }
        owner[keyPath: path] = label
        return true
      })
  }
}

/// What an attack written in the language may ask of a model: logits and gradients of the images at hand, and random
/// numbers that depend on the seed and the example. It wraps the oracle of one batch and is of use only while the attack
/// runs on it.
final class OracleObject: HostObject {
  private let oracle: any Oracle
  private let batch: AttackBatch

  init(_ oracle: any Oracle, _ batch: AttackBatch) {
    self.oracle = oracle
    self.batch = batch
  }

  private static let gradient = CallSignature("gradient(x: tensor, objective: string | none = none) -> tensor")
  private static let logits = CallSignature("logits(x: tensor) -> tensor")
  private static let uniform = CallSignature("uniform(low: float = 0, high: float = 1, draw: int >= 0 = 0) -> tensor")
  private static let normal = CallSignature("normal(deviation: float = 1, draw: int >= 0 = 0) -> tensor")
  private static let start = CallSignature("start(draw: int >= 0 = 0) -> tensor")

  override class var typeName: String { "oracle" }
  override class var typeSummary: String { "All that an attack of your own may ask of a model." }
  override class var members: [Member] { own }
  private static let own = [
    Member("classes", "int", "How many logits the model returns for an image.") { (object: OracleObject) in
      Value(object.oracle.classes)
    },
    function(
      gradient,
      "The gradient of what is to grow at images x, of their shape; of the caller's objective, or \"ce\" or \"kl\"."
    ) { object, call in
      try object.oracle.gradient(
        of: call.optionalChoice("objective", AttackLoss.self), at: object.images(call), of: object.batch.all)
    },
    function(logits, "The logits [n, classes] of images x.") { object, call in
      try object.oracle.logits(object.images(call), of: object.batch.all)
    },
    function(uniform, "Random numbers from low up to high, of the shape of the images.") { object, call in
      try object.batch.uniform(call.float("low"), call.float("high"), of: object.batch.all, draw: call.int("draw"))
    },
    function(normal, "Normal numbers around 0, of the shape of the images.") { object, call in
      try object.batch.normal(deviation: call.float("deviation"), of: object.batch.all, draw: call.int("draw"))
    },
    function(start, "The images where the caller would have the attack begin.") { object, call in
      try object.batch.start.point(object.batch, of: object.batch.all, draw: call.int("draw"))
    },
  ]

  private static func function(
    _ signature: CallSignature, _ summary: String, _ body: @escaping @Sendable (OracleObject, Call) throws -> Tensor
  ) -> Member {
    Member(signature.name, "function", summary) { (object: OracleObject) in
      .object(HostFunction(signature) { call in Value(try body(object, call)) })
    }
  }

  private func images(_ call: Call) throws -> Tensor {
    let x = try call.tensor("x")
    guard x.shape == batch.images.shape else {
      throw call.error(
        .shape, "x of \(call.name) must have the shape of the images, \(batch.images.shape), not \(x.shape)", at: "x")
    }
    return x
  }
}
