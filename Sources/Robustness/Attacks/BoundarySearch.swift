import Base
import Tensors

/// What `fab` and `fab_t` share: settings, starts, and the search of one run.
///
/// A run follows the decision boundary towards the image. In each step it takes the classifier for linear at x, projects
/// x and the image x0 within [0, 1] onto the plane between the true class and another, goes a little beyond both
/// projections, and takes a mean of the two in which the second has a share of `alphaMax` at most. Where the model then
/// sees another class, the point counts if it is nearer than all before, and the search goes back towards the image:
/// x ← x0 + beta·(x − x0). Croce and Hein 2020 (arXiv 1907.02044), as in their official code.
///
/// With a radius, an example that a run has broken within it is left out of the next, as there; without one, every run
/// looks for a nearer image for all. Runs may have several candidates for the other class, of which the nearest plane is
/// taken.
public struct BoundarySearch: Sendable {
  /// The radius, in units of the [0, 1] image; nil takes that of the evaluation, and any distance where there is none.
  public var eps: Double?
  /// The norm in which distances are measured.
  public var norm = Norm.linf
  /// Steps of each run.
  public var steps = 100
  /// How many runs there are, for each target class; the first starts at the image, the others nearby.
  public var restarts = 1
  /// The largest share of the step from the image.
  public var alphaMax = 0.1
  /// How far a step goes, in units of the way to the plane.
  public var eta = 1.05
  /// How much of the way from the image is kept where the model sees another class.
  public var beta = 0.9
  /// Whether a run looks for a nearer image when it has found one within the radius.
  public var nearest = true

  /// The settings of the official code.
  public init() {}

  /// How far restarts begin from the image where no radius is given: the defaults of the official code.
  private var usualStart: Double {
    switch norm {
    case .linf: 0.3
    case .l2: 1
    case .l1: 5
    }
  }

  /// Runs the search on the examples of a batch that the model recognises, and submits the nearest image of each run.
  ///
  /// - Parameters:
  ///   - rounds: how many sets of candidates are tried one after the other.
  ///   - candidates: of a round, for some examples: lists of one class each, of which the nearest is sought.
  func perturb(
    _ batch: AttackBatch, _ oracle: any Oracle, rounds: Int, clean: Tensor,
    candidates: (_ round: Int, _ examples: [Int]) throws -> [[Int]]
  ) throws {
    let predictions = try clean.argmax(axis: 1).ints()
    let open = batch.all.filter { !batch.isFooled($0, by: predictions[$0]) }
    for round in 0..<rounds {
      for restart in 0..<restarts {
        let run = round * restarts + restart
        batch.report(Double(run) / Double(rounds * restarts))
        let standing = batch.eps.isFinite ? Set(try oracle.standing) : Set(open)
        let examples = open.filter(standing.contains)
        if examples.isEmpty { return }
        let start = try restart == 0 ? nil : nearby(batch, of: examples, draw: run)
        let found = try self.run(batch, oracle, examples, from: start) { try candidates(round, $0) }
        try oracle.submit(found.images, of: found.examples)
      }
    }
  }

  /// Random points at half the radius from the images, within [0, 1].
  private func nearby(_ batch: AttackBatch, of examples: [Int], draw: Int) throws -> Tensor {
    let images = try batch.rows(batch.images, of: examples)
    let direction =
      try norm == .linf
      ? batch.uniform(-1, 1, of: examples, draw: draw) : batch.normal(deviation: 1, of: examples, draw: draw)
    // The official code writes min(distance of the nearest image so far, eps), but forgets that distance in every run.
    let radius = batch.eps.isFinite ? batch.eps : usualStart
    let change = try direction * Float(radius) / norm.length(direction).clip(min: 1e-12) * 0.5
    return try (images + change).clip(min: 0, max: 1)
  }

  /// The nearest images of one run that fool the model, and of which examples they are.
  private func run(
    _ batch: AttackBatch, _ oracle: any Oracle, _ all: [Int], from start: Tensor?,
    candidates: ([Int]) throws -> [[Int]]
  ) throws -> (images: Tensor, examples: [Int]) {
    let step = BoundaryStep(norm: norm.box, overshoot: Float(eta), mostShare: Float(alphaMax))
    var examples = all
    var classes = try candidates(examples)
    var centers = try batch.rows(batch.images, of: examples)
    var x = start ?? centers
    var best = centers
    var reached = Array(repeating: Float.infinity, count: examples.count)
    var found: (images: [Tensor], examples: [Int]) = ([], [])
    // What is broken within the radius is settled; the oracle measures anew, so that a rounding error is left.
    let settled = nearest ? -1 : Float(batch.eps * (1 - 1e-5))

    for _ in 0..<steps where !examples.isEmpty && !classes.isEmpty {
      let plane = try nearestPlane(batch, oracle, x, examples, classes)
      let (next, lengths) = try boundaryStep(x, centers: centers, normals: plane.normals, leads: plane.leads, step)
      let predictions = try oracle.logits(next, of: examples).argmax(axis: 1).ints()
      let distances = lengths.floats()
      let fooled = examples.indices.map { batch.isFooled(examples[$0], by: predictions[$0]) }
      let nearer = examples.indices.map { fooled[$0] && distances[$0] < reached[$0] }
      for i in examples.indices where nearer[i] { reached[i] = distances[i] }
      best = try choose(nearer, next, best)
      x = try choose(fooled, centers + (next - centers) * Float(beta), next)

      let done = examples.indices.filter { reached[$0] <= settled }
      guard !done.isEmpty else { continue }
      found.images.append(try best.indexSelect(axis: 0, done))
      found.examples += done.map { examples[$0] }
      let left = examples.indices.filter { reached[$0] > settled }
      (x, best, centers) = (
        try x.indexSelect(axis: 0, left), try best.indexSelect(axis: 0, left), try centers.indexSelect(axis: 0, left)
      )
      (examples, reached) = (left.map { examples[$0] }, left.map { reached[$0] })
      classes = classes.map { round in left.map { round[$0] } }
    }
    let rest = examples.indices.filter { reached[$0] < .infinity }
    found.images.append(try best.indexSelect(axis: 0, rest))
    found.examples += rest.map { examples[$0] }
    return (try concat(found.images, axis: 0), found.examples)
  }

  /// The plane z_t = z_y at x of the candidate t to which x has the shortest way, |z_t − z_y| / ‖∇(z_t − z_y)‖ in the
  /// dual norm: its normal, and how far z_t is ahead at x.
  private func nearestPlane(
    _ batch: AttackBatch, _ oracle: any Oracle, _ x: Tensor, _ examples: [Int], _ classes: [[Int]]
  ) throws -> (normals: Tensor, leads: Tensor) {
    let n = examples.count
    let (logits, gradients) = try oracle.leads(at: x, of: examples, over: classes)
    let own = try logits.gather(axis: 1, examples.map { batch.labels[$0] })
    let leads = try classes.map { try logits.gather(axis: 1, $0) - own }
    if classes.count == 1 { return (gradients[0], leads[0]) }
    var ways: [Tensor] = []
    for (lead, gradient) in zip(leads, gradients) {
      let way = try lead.abs() / (norm.dual.length(gradient).reshape([n]) + 1e-12)
      ways.append(try way.reshape([n, 1]))
    }
    let picks = try concat(ways, axis: 1).argmin(axis: 1).ints()
    let all = try concat(leads.map { try $0.reshape([n, 1]) }, axis: 1)
    return (
      try concat(gradients, axis: 0).indexSelect(axis: 0, picks.enumerated().map { $1 * n + $0 }),
      try all.gather(axis: 1, picks)
    )
  }

  /// Row by row the first where the flag is set, else the second.
  private func choose(_ flags: [Bool], _ a: Tensor, _ b: Tensor) throws -> Tensor {
    if flags.allSatisfy({ $0 }) { return a }
    guard flags.contains(true) else { return b }
    let mask = try Tensor(bools: flags, shape: [flags.count] + a.shape.dropFirst().map { _ in 1 })
    return try whereSelect(mask, a, b)
  }
}

extension Norm {
  /// The norm as projections know it.
  fileprivate var box: BoxNorm {
    switch self {
    case .linf: .linf
    case .l2: .l2
    case .l1: .l1
    }
  }
}

/// An attack whose settings are those of a boundary search.
protocol BoundaryAttack: Attack {
  var search: BoundarySearch { get set }
}

extension BoundaryAttack {
  /// The radius within which an image counts as broken.
  public var eps: Double? { search.eps }
  /// The norm in which the nearest image is sought.
  public var norm: Norm { search.norm }
  /// Whether restarts are drawn.
  public var isRandom: Bool { search.restarts > 1 }
  /// It looks for the nearest image.
  public var isMinimal: Bool { true }
  /// Given targets, it seeks these alone.
  public var takesTargets: Bool { true }

  /// The settings of the search.
  static var searchSettings: [Setting<Self>] {
    [
      .distance(
        "eps", \.search.eps,
        note: """
          radius within which an image counts as broken, and which restarts begin in; when left out, that of `evaluate` \
          or `perturb`, and where there is none, the nearest image at any distance counts.
          """
      ) { (owner) throws(CoreError) in
        if let eps = owner.search.eps { try owner.search.norm.require(radius: eps) }
      },
      .choice("norm", \.search.norm, note: "in which distances are measured: \"linf\", \"l2\" or \"l1\"."),
      Setting(
        "steps", \.search.steps, .int(1...1_000_000, hint: "steps=100 is usual"), note: "steps of each run.",
        isAlwaysShown: true),
      Setting(
        "restarts", \.search.restarts, .int(1...1_000_000, hint: "restarts=1 attacks once"),
        note: "runs; the first begins at the image, the others at random points at half the radius."),
      Setting(
        "alpha_max", \.search.alphaMax, .share(hint: "alpha_max=0.1 is usual"),
        note: "largest share of the step from the image in that from the last point."),
      Setting(
        "eta", \.search.eta, .positive(hint: "eta=1.05 is usual"),
        note: "how far a step goes, in units of the way to the boundary."),
      Setting(
        "beta", \.search.beta, .share(hint: "beta=0.9 is usual"),
        note: "how much of the way from the image is kept where the model sees another class."),
      Setting(
        "nearest", \.search.nearest,
        note: """
          whether a run looks for a nearer image when it has found one within the radius; false saves that work, and \
          breaks the same examples.
          """),
    ]
  }
}
