import Base
import Networks
import Tensors

/// How a model that answers at random is asked and judged in an evaluation.
///
/// One answer says little of such a model: an image that is wrong once may be right in nine answers of ten, and an attack
/// that asks often finds an unlucky draw for any image. So what an attack has found is judged by answers that it has not
/// seen (the draws -1, -2, … of `NoiseDraws`), several of them, and the result is a rate: the mean share of answers that
/// are right. The first of them alone is AutoAttack's verdict, which is kept beside it.
public struct RandomAnswers: Sendable, Equatable, Codable {
  /// How many answers judge an image.
  public var forwards: Int
  /// The key of the noise.
  public var seed: UInt64

  /// How many answers judge an image where nobody says.
  public static let usualForwards = 20

  /// Answers by these numbers.
  public init(forwards: Int = usualForwards, seed: UInt64 = 0) { (self.forwards, self.seed) = (forwards, seed) }

  /// Checks the number of answers.
  static func require(forwards: Int?, of model: Model) throws(CoreError) {
    guard let forwards else { return }
    guard model.isRandom else {
      throw CoreError(
        .value, "the model \(model.name) answers alike each time: forwards=\(forwards) would not be used",
        hint: "leave forwards out; a network with gaussian_noise(0.1) answers at random", argument: "forwards")
    }
    guard (1...1_000_000).contains(forwards) else {
      throw CoreError(
        .value, "forwards must be from 1 to 1000000, not \(forwards)", hint: "forwards=20 is usual",
        argument: "forwards")
    }
  }

  /// How many answers to each image are right, and the class that the first of them gives.
  ///
  /// - Parameter positions: what errors call the images.
  func ask(
    _ model: Model, _ images: Tensor, _ labels: [Int], at positions: [Int]
  ) throws(CoreError) -> (right: [Int], first: [Int]) {
    var right = [Int](repeating: 0, count: labels.count)
    var first: [Int] = []
    for draw in 1...max(forwards, 1) {
      try StopSignal.poll()
      let logits = try model(images, NoiseDraws(-draw, seed: seed))
      try requireFinite(logits, of: model, at: positions)
      let predictions = try logits.argmax(axis: 1).ints()
      for (i, label) in labels.enumerated() where predictions[i] == label { right[i] += 1 }
      if draw == 1 { first = predictions }
    }
    return (right, first)
  }

  /// Judges what an attack has kept of each example [n, c, h, w].
  func judge(
    _ verdicts: inout [Verdict], _ images: Tensor, by model: Model, at positions: [Int]
  ) throws(CoreError) {
    let (right, first) = try ask(model, images, verdicts.map(\.label), at: positions)
    for i in verdicts.indices {
      (verdicts[i].right, verdicts[i].prediction) = (right[i], first[i])
      verdicts[i].brokenBy = first[i] == verdicts[i].label ? nil : verdicts[i].brokenBy ?? 0
    }
  }
}

/// The share of answers that are right, over examples and draws.
public struct AnswerRate: Sendable, Equatable {
  /// Of each example, how many answers are right.
  public var right: [Int]
  /// How many answers there are to each.
  public var forwards: Int

  /// A rate of the right answers to each example.
  public init(right: [Int], forwards: Int) { (self.right, self.forwards) = (right, forwards) }

  /// The mean over the examples of the share of right answers; 0 where there are no examples.
  public var value: Double {
    right.isEmpty ? 0 : Double(right.reduce(0, +)) / (Double(right.count) * Double(forwards))
  }

  /// How many examples some answer was wrong for.
  public var brokenInADraw: Int { right.count { $0 < forwards } }

  /// The 95 % confidence interval for other examples and other draws of the same kind: Wilson's (1927), of as many
  /// independent answers as would have the variance that the shares of the examples have among themselves (the effective
  /// sample size of Dean and Pagano 2015). That is at least the number of examples, as if all answers to an example were
  /// the same, and at most the number of all answers.
  public var interval: (low: Double, high: Double) {
    let n = Double(right.count)
    guard n > 0 else { return (0, 1) }
    let rate = value
    var size = n
    if n > 1, rate > 0, rate < 1 {
      let squares = right.reduce(0.0) { sum, count in
        let difference = Double(count) / Double(forwards) - rate
        return sum + difference * difference
      }
      let variance = squares / (n - 1) / n
      size = variance > 0 ? min(max(rate * (1 - rate) / variance, n), n * Double(forwards)) : n * Double(forwards)
    }
    return Accuracy.wilson(rate, of: size)
  }

  /// The rate in per cent: "67.7 %".
  package var percent: String { Accuracy.percent(value) }
  /// The ends of the interval in per cent: "64.7 % – 70.5 %".
  package var percentInterval: String { "\(Accuracy.percent(interval.low)) – \(Accuracy.percent(interval.high))" }
}

extension Evaluation {
  /// The rate on the images as they are; nil for a model that answers alike each time.
  public var naturalRate: AnswerRate? { rate { _ in nil } }

  /// The rate under each attack with the stages before it, in the order of the attacks; nil as `naturalRate`.
  public var rates: [AnswerRate]? {
    guard run.answers != nil else { return nil }
    var rates: [AnswerRate] = []
    var first = 0
    for i in attacks.indices {
      if !attacks[i].round.continues { first = i }
      let own = rate { weakest(of: first...i, $0) }
      rates.append(contentsOf: [own, first < i ? rates.last : nil].lowest.map { [$0] } ?? [])
    }
    return rates
  }

  /// The rate under the worst of all attacks; nil as `naturalRate`.
  ///
  /// It is that of the attack whose image has the least margin for each example, or where that is lower, of one attack
  /// for all of them.
  public var worstCaseRate: AnswerRate? { worstCaseRate(of: Array(attacks.indices)) }

  /// The rate under the worst of the attacks in a ball or in one within it; nil as `naturalRate`.
  public func worstCaseRate(norm: Norm, eps: Double) -> AnswerRate? {
    worstCaseRate(of: attacks.indices.filter { attacks[$0].norm == norm && attacks[$0].eps <= eps })
  }

  private func worstCaseRate(of chosen: [Int]) -> AnswerRate? {
    guard let rates else { return nil }
    return (chosen.map { rates[$0] } + [rate { weakest(of: chosen, $0) }]).lowest
  }

  private func rate(_ verdict: (Int) -> Verdict?) -> AnswerRate? {
    guard let answers = run.answers else { return nil }
    return AnswerRate(
      right: labels.indices.map { verdict($0)?.right ?? naturalVerdicts[$0].right ?? 0 }, forwards: answers.forwards)
  }

  /// Of the images that some attacks have kept of an example, the one with the least margin over the answers that its
  /// attack saw. The answers that judge it have no part in the choice, which would make the rate too low.
  private func weakest(of attacks: some Sequence<Int>, _ position: Int) -> Verdict? {
    attacks.compactMap { self.attacks[$0].verdicts[position] }.min { $0.margin < $1.margin }
  }
}

extension [AnswerRate?] {
  /// The first of the lowest.
  fileprivate var lowest: AnswerRate? { compactMap { $0 }.min { $0.value < $1.value } }
}
