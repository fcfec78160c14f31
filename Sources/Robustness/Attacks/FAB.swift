import Base
import Tensors

/// The fast adaptive boundary attack: the nearest image that the model takes for anything else. Croce and Hein 2020.
public struct FAB: BoundaryAttack {
  public static let name = "fab"
  public static let page = Page(
    "The fast adaptive boundary attack: looks for the nearest image with a wrong class.",
    details: """
      Each step projects the point and the image onto the nearest of the planes between the true class and the others, \
      the classifier being taken for linear, and stays in [0, 1]; from a wrong class the search goes back towards the \
      image. A step takes a gradient for each class: with many classes `fab_t` is quicker. With a radius an example \
      broken within it is left out of further runs. Croce and Hein 2020.
      """,
    examples: [("fab(norm=\"l2\", steps=20)", "fab(norm=\"l2\", steps=20)")], seeAlso: ["fab_t", "evaluate"],
    search: ["fast adaptive boundary", "minimal", "distance", "nearest", "autoattack", "croce"])
  public static let settings: [Setting<FAB>] = searchSettings

  /// Settings of the search.
  public var search = BoundarySearch()

  public init() {}

  /// An attack with these settings.
  public init(_ search: BoundarySearch) { self.search = search }

  /// Searches with all wrong classes as candidates, or the targets where these are given.
  public func perturb(_ batch: AttackBatch, _ oracle: any Oracle) throws {
    guard batch.count > 0 else { return }
    let clean = try oracle.logits(batch.images, of: batch.all)
    let classes = oracle.classes
    try search.perturb(batch, oracle, rounds: 1, clean: clean) { _, examples in
      if let targets = batch.targets { return [examples.map { targets[$0] }] }
      return (0..<max(classes - 1, 0)).map { place in
        examples.map { place < batch.labels[$0] ? place : place + 1 }
      }
    }
  }
}
