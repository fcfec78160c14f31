import Base
import Tensors

/// One operation of random strength (Müller and Hutter 2021), as torchvision's `TrivialAugmentWide`.
public struct TrivialAugment: ImageAugmentation {
  public static let name = "trivial_augment"
  public static let page = Page(
    "One of fourteen operations on each image, of random strength.",
    details: """
      torchvision's TrivialAugmentWide (Müller and Hutter 2021): the operations of `rand_augment` in wider ranges, one \
      for each image, with a strength drawn from 31 steps. There is nothing to set.
      """,
    examples: [("trivial_augment()", "trivial_augment()")], seeAlso: ["rand_augment", "fit"],
    search: ["data augmentation", "TrivialAugment", "TrivialAugmentWide", "autoaugment", "policy"])
  public static let settings: [Setting<TrivialAugment>] = []

  public init() {}

  public func change(_ image: PixelImage, _ draws: inout Draws) {
    let range = PolicyOperation.Range(shear: 0.99, translation: { _ in 32 }, degrees: 135, colour: 0.99, bits: 6)
    let operations = PolicyOperation.allCases
    let operation = operations[draws.integer(below: operations.count)]
    operation.apply(to: image, level: draws.integer(below: 31), range, &draws)
  }
}
