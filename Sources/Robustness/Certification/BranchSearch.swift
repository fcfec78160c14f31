import Base
import Networks
import Platform
import Tensors

/// Branch and bound for one example: proves that no image of the ball is misclassified, or finds one that is.
///
/// Each other class is a problem of its own. Its worst open case comes first: it is cut in two at the activation whose
/// decision raises the bound most, among those that seem to cost most. The image at which a relaxed network is worst is
/// where an attack begins. A fixed number of cases is worked on at a time, so that nothing but the time limit depends on
/// the number of threads.
struct BranchSearch {
  let network: BoundNetwork
  let model: Model
  let ball: CertifiedBall
  /// The image, [1, channels, height, width].
  let image: Tensor
  let label: Int
  /// When it has to end, in seconds of the monotonic clock.
  let end: Double
  /// How many cases were bounded.
  private(set) var branches = 0
  /// The least bound that was proven of all problems; below what is open.
  private(set) var bound = Double.infinity

  /// Cases at a time.
  private static let width = 8
  /// Steps of the attack that begins where a relaxed network is worst.
  private static let steps = 20
  /// Activations of which both sides are tried before one is chosen.
  private static let trials = 4

  init(_ network: BoundNetwork, _ model: Model, _ ball: CertifiedBall, image: Tensor, label: Int, end: Double) {
    (self.network, self.model, self.ball) = (network, model, ball)
    (self.image, self.label, self.end) = (image, label, end)
  }

  /// - Parameter progress: told how many cases are open, and the least bound.
  mutating func run(_ progress: (Int, Double) -> Void) throws(CoreError) -> CertifiedVerdict {
    var pass = try BoundPass(network, ball, isLinear: true)
    pass = try BoundPass(network, ball, isLinear: true, slope: .parallel, known: pass)
    let rows = network.margins(of: label)
    let classes = (0..<network.shapes[network.steps.count].count).filter { $0 != label }
    let bounds = try pass.lowerBounds(rows, at: network.steps.count)
    var open = classes.indices.filter { !(bounds[$0] > 0) }
    open.sort { bounds[$0] < bounds[$1] }
    var isDecided = true
    for (k, other) in open.enumerated() {
      let problem = BranchProblem(pass, rows.row(other))
      switch try search(problem, against: classes[other], { progress($0 + open.count - k - 1, $1) }) {
      case .certified: continue
      case .broken: return .broken
      case .undecided, .misclassified: isDecided = false
      }
      if monotonicSeconds() > end { return .undecided }
    }
    return isDecided ? .certified : .undecided
  }

  private mutating func search(
    _ problem: BranchProblem, against other: Int, _ progress: (Int, Double) -> Void
  ) throws(CoreError) -> CertifiedVerdict {
    let root = try problem.improved(problem.root, steps: 40)
    branches += 1
    if try isBroken(from: [root.image], towards: other) { return .broken }
    // Open cases, the one with the least bound at the end.
    var open = root.bound > 0 ? [] : [root]
    var stuck = false
    while !open.isEmpty {
      try StopSignal.poll()
      progress(open.count, open[open.count - 1].bound)
      if monotonicSeconds() > end {
        bound = min(bound, open[open.count - 1].bound)
        return .undecided
      }
      let chosen = Array(open.suffix(Self.width))
      open.removeLast(chosen.count)
      let parts = try concurrently(chosen.count) { (i) throws(CoreError) in try Self.divided(problem, chosen[i]) }
      var images: [[Double]] = []
      for part in parts.joined() {
        branches += 1
        guard !(part.bound > 0) else { continue }
        images.append(part.image)
        if part.scores.contains(where: { $0 >= 0 }) { open.append(part) } else { stuck = true }
      }
      if stuck { return .undecided }
      if try isBroken(from: images, towards: other) { return .broken }
      open.sort { ($0.bound, $0.sides.count) > ($1.bound, $1.sides.count) }
    }
    return .certified
  }

  /// A case in two, at the activation of several whose worse side has the best bound.
  private static func divided(
    _ problem: BranchProblem, _ branch: BranchProblem.Branch
  ) throws(CoreError) -> [BranchProblem.Branch] {
    let candidates = branch.scores.indices.filter { branch.scores[$0] >= 0 }
      .sorted { (branch.scores[$0], $1) > (branch.scores[$1], $0) }.prefix(trials)
    var best: (bound: Double, parts: [BranchProblem.Branch])?
    for index in candidates {
      let parts = problem.parts(of: branch, at: index)
      var (least, sum) = (Double.infinity, 0.0)
      for part in parts {
        let bound = min(try problem.evaluated(part), 0)
        least = min(least, bound)
        sum += bound
      }
      let value = least + 0.1 * sum
      if best.map({ value > $0.bound }) ?? true { best = (value, parts) }
    }
    var parts: [BranchProblem.Branch] = []
    for part in best?.parts ?? [] {
      var improved = try problem.improved(part, steps: 20)
      // What holds for the whole holds for its parts.
      improved.bound = max(improved.bound, branch.bound)
      parts.append(improved)
    }
    return parts
  }

  /// Whether the model misclassifies one of these images, or one that ascents from them find.
  private func isBroken(from images: [[Double]], towards other: Int) throws(CoreError) -> Bool {
    guard !images.isEmpty else { return false }
    let shape = network.shapes[0]
    let (height, width, channels) = (shape.height, shape.width, shape.channels)
    func tensor(_ values: [[Double]], _ rounded: (Double) -> Float) throws(CoreError) -> Tensor {
      try Tensor(values.joined().map(rounded), shape: [values.count, height, width, channels]).permute([0, 3, 1, 2])
    }
    // Within the ball in real arithmetic: rounded inwards.
    let low = try tensor([ball.low.indices.map { max(0, ball.centre[$0] - ball.eps) }]) { x in
      Double(Float(x)) < x ? Float(x).nextUp : Float(x)
    }
    let high = try tensor([ball.high.indices.map { min(1, ball.centre[$0] + ball.eps) }]) { x in
      Double(Float(x)) > x ? Float(x).nextDown : Float(x)
    }
    var x = try tensor(images) { Float($0) }.clip(min: low, max: high)
    for step in 0..<Self.steps {
      let slope = try model.slope(at: x) { (logits, rows) throws(CoreError) in
        try logits.slice(axis: 1, other, other + 1).sum(axes: [1])
          - logits.slice(axis: 1, label, label + 1).sum(axes: [1])
      }
      if try slope.logits.argmax(axis: 1).ints().contains(where: { $0 != label }) { return true }
      // From half the radius down, along a cosine.
      let length = Float(ball.eps * 0.25 * (1 + cos(.pi * Double(step) / Double(Self.steps))))
      x = try (x + slope.gradient.sign() * length).clip(min: low, max: high)
    }
    return try model(x).argmax(axis: 1).ints().contains { $0 != label }
  }
}
