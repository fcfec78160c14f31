import Base

/// What is left of the accuracy after some budget, read off from the verdicts of one run.
public enum Budget: String, SettingChoice {
  /// The radius, in units of the [0, 1] image: of attacks that look for the nearest image.
  case eps
  /// How often the model was differentiated for an example.
  case steps
  /// How often the model saw images of an example.
  case queries
}

/// A point of a curve: the accuracy under one attack within a budget.
public struct BudgetPoint: Sendable {
  /// The attack.
  public var attack: String
  /// The radius, or how many steps or queries.
  public var budget: Double
  /// The share of all examples that the attack has not broken within the budget.
  public var accuracy: Accuracy
}

extension Evaluation {
  /// The accuracy under each attack against a budget.
  ///
  /// A curve against the radius is what an attack that looks for the nearest image has found: other attacks say nothing
  /// of smaller radii than their own. Curves against steps and queries count what an example had cost when the image
  /// that broke it was handed in; they say how the attack did in this run, where it could have used more.
  ///
  /// - Parameter points: the budgets; empty stands for about twenty from 0 to the largest at which something was broken.
  /// - Throws: `value` where no attack has such a curve, or where a budget is negative or not finite.
  public func curve(by budget: Budget, at points: [Double] = []) throws(CoreError) -> [BudgetPoint] {
    let outcomes = attacks.filter { budget == .eps ? $0.round.isMinimal && !$0.round.continues : true }
    guard !outcomes.isEmpty else {
      throw CoreError(
        .value,
        attacks.isEmpty ? "there was no attack" : "no attack of this evaluation looks for the nearest image",
        hint: attacks.isEmpty
          ? "evaluate(…, attacks=[fab()])"
          : "evaluate(…, attacks=[fab()]) has a curve for every radius; eps=[2/255, 4/255, 8/255] runs others at several",
        argument: "against")
    }
    if let wrong = points.first(where: { !($0 >= 0) || !$0.isFinite }) {
      throw CoreError(
        .value, "a budget must be a finite number of at least 0, not \(wrong.shortest)",
        hint: "for instance at=[0, 1/255, 2/255]", argument: "at")
    }
    var curve: [BudgetPoint] = []
    for outcome in outcomes {
      let costs = outcome.costs(by: budget)
      let largest = costs.compactMap { $0 }.filter(\.isFinite).max() ?? 0
      let chosen = points.isEmpty ? budget.points(to: largest) : points
      for point in chosen {
        let left = costs.count { $0.map { $0 > point } ?? true }
        curve.append(
          BudgetPoint(attack: outcome.attack, budget: point, accuracy: Accuracy(correct: left, n: costs.count)))
      }
    }
    return curve
  }

  /// How near each attack that looks for the nearest image comes to the best of all of them, example by example: the
  /// optimality of AttackBench (Cinà et al. 2025), 1 for the best, 0 for one that finds nothing.
  ///
  /// It is 1 − (area − best) / (clean · farthest − best), with the areas under robust accuracy against distance by the
  /// trapezoidal rule over the distances that occur, up to the farthest of the best distances. As in the authors' code the
  /// area begins at the smallest distance. An example for which no attack found anything counts as farthest, where theirs
  /// has no number.
  ///
  /// - Returns: the attacks with their optimality, in their order; nil where the best leaves nothing to compare.
  /// - Throws: `value` where there is no such attack, or where they measure in different norms.
  public func optimality() throws(CoreError) -> [(attack: String, optimality: Double?)] {
    let found = attacks.compactMap { outcome in outcome.distances.map { (outcome, $0.map { $0 ?? .infinity }) } }
    guard let norm = found.first?.0.norm else {
      throw CoreError(
        .value, "no attack of this evaluation looks for the nearest image",
        hint: "evaluate(…, attacks=[fab(), deepfool(norm=\"linf\")])", argument: "evaluation")
    }
    guard found.allSatisfy({ $0.0.norm == norm }) else {
      throw CoreError(
        .value, "the attacks measure distance in different norms", hint: "evaluate those of each norm by themselves",
        argument: "evaluation")
    }
    let best = labels.indices.map { i in found.map { $0.1[i] }.min() ?? .infinity }
    let farthest = best.filter(\.isFinite).max() ?? 0
    let clean = Double(best.count { $0 > 0 }) / Double(max(best.count, 1))
    let least = area(best, upTo: farthest)
    let most = clean * farthest - least
    return found.map { outcome, distances in
      (outcome.attack, most > 0 ? 1 - (area(distances, upTo: farthest) - least) / most : nil)
    }
  }

  /// The area under the share of distances above a distance, from the smallest to the farthest.
  private func area(_ distances: [Double], upTo farthest: Double) -> Double {
    let sorted = distances.map { min($0, farthest) }.sorted()
    var area = 0.0
    var (last, height) = (0.0, 0.0)
    var i = 0
    while i < sorted.count {
      var next = i
      while next < sorted.count, sorted[next] == sorted[i] { next += 1 }
      let share = 1 - Double(next) / Double(sorted.count)
      if i > 0 { area += (sorted[i] - last) * (share + height) / 2 }
      (last, height, i) = (sorted[i], share, next)
    }
    return area
  }
}

extension AttackOutcome {
  /// What breaking each example took: 0 where it is misclassified as it is, nil where it was not broken.
  fileprivate func costs(by budget: Budget) -> [Double?] {
    zip(standing, verdicts).map { stands, verdict in
      guard stands else { return 0 }
      guard let verdict else { return nil }
      switch budget {
      case .eps: return verdict.distance
      case .steps: return verdict.brokenBy == nil ? nil : Double(verdict.foundAfterGradients)
      case .queries: return verdict.brokenBy == nil ? nil : Double(verdict.foundAfterQueries)
      }
    }
  }
}

extension Budget {
  /// About twenty budgets from 0 to the largest.
  fileprivate func points(to largest: Double) -> [Double] {
    guard largest > 0 else { return [0] }
    let steps = self == .eps ? 20 : Int(min(20, largest))
    var points: [Double] = []
    for i in 0...steps {
      let point = largest * Double(i) / Double(steps)
      let whole = self == .eps ? point : point.rounded(.up)
      if points.last != whole { points.append(whole) }
    }
    return points
  }
}
