import Base
import Datasets
import Tensors

extension SmoothingConvention: SettingChoice {}

/// Refuses a convention of smoothing where nothing is smoothed.
func requireUse(of convention: SmoothingConvention, smoothing: Double) throws(CoreError) {
  guard smoothing == 0, convention != .uniform else { return }
  throw CoreError(
    .value, "no label is smoothed: convention=\"\(convention.rawValue)\" would not be used",
    hint: "smoothing=0.1, or leave convention out", argument: "convention")
}

/// Ordinary training: cross-entropy on natural images, of labels that may be smoothed. Two conventions of smoothing are
/// in use, and they differ: PyTorch gives all classes a share, several training codes only the wrong ones.
public struct Standard: StatelessMethod {
  public static let name = "standard"
  public static let page = Page(
    "Standard training: cross-entropy of natural images.",
    details: """
      With smoothing=s, the target of an image is (1 - s)·one-hot + s/classes by convention "uniform", as in PyTorch; by \
      "others" it is 1 - s for the label and s/(classes - 1) for each other class, as in Bag of Tricks (Pang et al. 2021). \
      Targets that an augmentation has mixed are smoothed alike. Szegedy et al. 2016.
      """,
    examples: [("standard()", "standard()"), ("standard(smoothing=0.1)", "standard(smoothing=0.1)")],
    seeAlso: ["fit", "pgd_at", "trades", "ltd", "cross_entropy"],
    search: ["natural", "erm", "label smoothing", "soft labels"])
  public static let settings: [Setting<Standard>] = [
    Setting(
      "smoothing", \.smoothing, .share(hint: "smoothing=0.1 is usual"),
      note: "share of the target that does not depend on the label, from 0 to 1."),
    .choice(
      "convention", \.convention,
      note: "who has the smoothed share: \"uniform\", all classes alike, or \"others\", all but the label."),
  ]

  /// Share of the target that does not depend on the label, from 0 to 1.
  public var smoothing = 0.0
  /// Which classes have that share.
  public var convention = SmoothingConvention.uniform

  public init() {}

  /// A method with smoothed labels.
  public init(smoothing: Double, convention: SmoothingConvention = .uniform) {
    self.smoothing = smoothing
    self.convention = convention
  }

  /// A convention of smoothing is for labels that are smoothed.
  public func validateTogether() throws(CoreError) {
    try requireUse(of: convention, smoothing: smoothing)
  }

  /// No search: the method sees natural images only.
  public var inner: InnerMaximisation? { nil }

  /// The cross-entropy of the natural images.
  public func loss(_ step: TrainingStep) throws -> StepLoss {
    let logits = try step.forward(step.images)
    return StepLoss(
      total: try step.crossEntropy(logits, smoothing: smoothing, convention: convention), naturalLogits: logits)
  }
}
