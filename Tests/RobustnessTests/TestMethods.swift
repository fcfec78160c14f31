import Robustness
import Testing

/// The methods that the tests go through: all of the list, and some with other settings. A new one that cannot be made
/// at its defaults, or learns too little in a moment, has a case here.
enum TestMethods {
  static let names = Methods.all.map { $0.name } + variants
  /// Those whose images the attack of `fit` finds.
  static let adversarial = names.filter { (try? method($0))?.inner != nil }
  private static let variants = [
    "trades separate", "ltd on pgd_at", "ltd on mart", "ltd on nat", "iad with two",
    "mtard with temperatures", "igdm around ltd", "awp around pgd_at", "fast_at unguarded",
  ]

  static func method(_ name: String) throws -> any TrainingMethod {
    switch name {
    case "trades": return TRADES(beta: 2)
    case "trades separate": return TRADES(beta: 2, forwards: 3)
    case "mart": return MART(beta: 2)
    case "awp": return AWP(TRADES(beta: 2), gamma: 0.02)
    case "awp around pgd_at": return AWP(PGDAT(attackMode: .train), gamma: 0.02, warmup: 1)
    case "hat": return HAT(helper: try network(seed: 9))
    case "fast_at unguarded": return FastAT(attackMode: .eval, threshold: nil)
    case "free_at": return FreeAT(replays: 2, eps: 0.05)
    case "sat": return SAT(beta: 2, start: 1)
    case "ikl": return IKL(beta: 2, alpha: 1)
    case "ltd": return LTD(teacher: try network(seed: 9), temperature: 2, beta: 2, mix: 0.5)
    case "ltd on pgd_at": return LTD(teacher: try network(seed: 9), mix: 0.5, framework: .pgdAT)
    case "ltd on mart": return LTD(teacher: try network(seed: 9), mix: 0.5, framework: .mart)
    case "ltd on nat": return LTD(teacher: try network(seed: 9), mix: 0.5, framework: .natural, naturalWeight: 0.3)
    case "ard": return ARD(teacher: try network(seed: 9), temperature: 3, alpha: 0.5, reduction: .overBatch)
    case "rslad": return RSLAD(teacher: try trained())
    case "adaad": return AdaAD(teacher: try trained())
    case "kd_swa": return KDSWA(natural: try network(seed: 9), robust: try trained())
    case "mtard": return MTARD(natural: try network(seed: 9), robust: try trained())
    case "mtard with temperatures":
      var method = MTARD(natural: try network(seed: 9), robust: try trained(), temperature: 2)
      (method.temperatureRate, method.rate, method.drops) = (0.3, 0.2, [1])
      return method
    case "iad": return IAD(teacher: try trained(), begin: 1)
    case "iad with two": return IAD(teacher: try trained(), natural: try network(seed: 9), temperature: 2, begin: 1)
    case "saad": return SAAD(teacher: try trained(), beta: 1, igdm: 0.1, entropyScale: 1)
    case "igdm": return IGDM(RSLAD(teacher: try trained()), alpha: 2)
    case "igdm around ltd": return AWP(IGDM(LTD(teacher: try network(seed: 9), beta: 2, mix: 0.5)), gamma: 0.01)
    case "lbgat": return LBGAT(teacher: try trained(), beta: 0.5)
    case "defensive_distillation": return DefensiveDistillation(teacher: try trained(), temperature: 2)
    default: return try #require(Methods.all.first { $0.name == name }).init()
    }
  }

  /// Those that learn from teachers alone.
  static let labelless: Set = ["rslad", "adaad", "saad", "igdm", "defensive_distillation"]
  /// Whether the attack of `fit` is used in training.
  static func isAdversarial(_ name: String) -> Bool { adversarial.contains(name) }
  /// Whether it trains on adversarial images, whoever finds them.
  static func seesAdversarial(_ name: String) -> Bool {
    isAdversarial(name) || (try? method(name).searchesItself) == true
  }
}
