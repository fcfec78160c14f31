/// The list of the attacks, each in a file of its own. A line here makes the built-in, its help and its tests.
public enum Attacks {
  /// Every attack, in the order of the manual.
  public static let all: [any Attack.Type] = [
    FGSM.self,
    FGM.self,
    RFGSM.self,
    BIM.self,
    PGD.self,
    MIFGSM.self,
    MIFPE.self,
    APGD.self,
    APGDT.self,
    FAB.self,
    FABT.self,
    Square.self,
    Noise.self,
    DeepFool.self,
    CW.self,
    DDN.self,
    FMN.self,
    AutoAttack.self,
  ]

  /// Attacks around others, whose settings hold an attack.
  public static let wrappers: [any Attack.Type] = [EOT.self, Transfer.self]
}
