/// The list of the training methods, each in a file of its own. A line here makes the built-in, its help and its tests.
public enum Methods {
  /// Every method, in the order of the manual.
  public static let all: [any TrainingMethod.Type] = [
    Standard.self, PGDAT.self, TRADES.self, MART.self, AWP.self,
    HAT.self, FastAT.self, NFGSM.self, FreeAT.self, SAT.self, ADR.self, IKL.self,
    LTD.self, ARD.self, RSLAD.self, AdaAD.self, KDSWA.self, MTARD.self, IAD.self, SAAD.self, IGDM.self,
    LBGAT.self, DefensiveDistillation.self,
  ]
}
