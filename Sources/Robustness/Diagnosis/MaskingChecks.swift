/// The list of the checks, each in a file of its own. A line here puts it into every diagnosis, the help and the tests.
public enum MaskingChecks {
  /// Every check, in the order in which they are run: what costs little first.
  public static let all: [any MaskingCheck.Type] = [
    NonFiniteCheck.self,
    StochasticCheck.self,
    ProbabilityOutputCheck.self,
    ZeroGradientCheck.self,
    VanishingGradientCheck.self,
    LinearityCheck.self,
    FiniteDifferenceCheck.self,
    UnstableLossCheck.self,
    SilentSuccessCheck.self,
    IncompleteAscentCheck.self,
    CentredLogitsCheck.self,
    OneStepCheck.self,
    StepConvergenceCheck.self,
    RestartCheck.self,
    LossSwapCheck.self,
    MIFPECheck.self,
    SaturationCheck.self,
    StraightThroughCheck.self,
    DummyClassCheck.self,
    TemperatureCheck.self,
    NoiseCheck.self,
    MonotoneCheck.self,
    UnboundedCheck.self,
    BinarisationCheck.self,
    TransferCheck.self,
    BlackBoxCheck.self,
  ]

  /// The check of a name.
  public static func named(_ name: String) -> (any MaskingCheck.Type)? { all.first { $0.name == name } }
}
