import Base
import Tensors

/// FAB towards one class after the other: those with the largest logits at the image. Croce and Hein 2020.
public struct FABT: BoundaryAttack {
  public static let name = "fab_t"
  public static let page = Page(
    "The targeted fast adaptive boundary attack: `fab` towards one class after the other.",
    details: """
      Runs `fab` with one class as the only candidate: first the one with the second largest logit at the image, then \
      the third, up to `classes` of them. A step takes one gradient, however many classes the model knows; any wrong \
      class counts. With a radius an example broken within it is left out of further runs. Croce and Hein 2020; the \
      third attack of AutoAttack.
      """,
    examples: [("fab_t(eps=8/255)", "fab_t(eps=8/255, steps=100)")], seeAlso: ["fab", "evaluate"],
    search: ["fast adaptive boundary", "targeted", "minimal", "distance", "autoattack", "croce"])
  public static let settings: [Setting<FABT>] =
    searchSettings + [
      Setting(
        "classes", \.classes, .int(1...1_000_000, hint: "classes=9 is usual"),
        note: "how many classes are tried, in the order of their logits at the image; all others where there are fewer."
      )
    ]

  /// Settings of the search.
  public var search = BoundarySearch()
  /// How many target classes are tried, at least 1; of a model that knows fewer others, these.
  public var classes = 9

  public init() {}

  /// An attack with these settings.
  public init(_ search: BoundarySearch, classes: Int = 9) { (self.search, self.classes) = (search, classes) }

  /// Searches towards each class in turn, or the targets where these are given.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    guard batch.count > 0 else { return }
    let clean = try oracle.logits(batch.images, of: batch.all)
    if let targets = batch.targets {
      return try search.perturb(batch, oracle, rounds: 1, clean: clean) { _, examples in
        [examples.map { targets[$0] }]
      }
    }
    let rounds = min(classes, oracle.classes - 1)
    guard rounds > 0 else { return }
    let places = try clean.topPlaces(rounds + 1, axis: 1)
    try search.perturb(batch, oracle, rounds: rounds, clean: clean) { round, examples in
      let ranked = try places.slice(axis: 1, round + 1, round + 2).ints()
      return [examples.map { ranked[$0] }]
    }
  }
}
