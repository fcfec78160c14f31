import Base
import Builtins
import Foundation
import Networks
import Robustness
import TestSupport
import Testing

/// Every argument matters: of every built-in that takes settings (attacks, methods, fit, evaluate, layers, models, data
/// sets, temperatures), changing a setting changes the result, or the call refuses it by name.
///
/// Entries and parameters come from the one table, and so do most values: what the type tells is not written here. An
/// entry without a `Use`, or a parameter for which no value is known, fails.
@Suite struct EveryArgumentTests {
  static let families: Set = ["attacks", "training", "evaluation", "data", "models", "layers", "temperature"]

  /// Entries that have no settings of this kind.
  static let exempt: [String: String] = [
    "save_model": "writes a file", "load_model": "reads a file", "load_weights": "reads a file", "copy": "has none",
    "summary": "has none", "runs": "reads a file", "run": "reads a file", "optimality": "has none",
    "save_png": "writes a file", "same_weights": "compares", "mnist": "reads files", "fashion_mnist": "reads files",
    "cifar10": "reads files", "cifar100": "reads files", "image_folder": "reads files",
    "load_tensors": "reads a file", "save_tensors": "writes a file", "download": "needs a server",
    "load_dataset": "reads files", "cifar10_c": "reads files", "cifar100_c": "reads files",
  ]

  /// Parameters that must not change the result.
  static let withoutEffect: [String: String] = [
    "eot of apgd": "the network answers alike", "eot of apgd_t": "the network answers alike",
    "quiet": "progress only", "batch of evaluate": "memory only",
    "save of evaluate": "keeps what it finds", "keep of evaluate": "keeps what it finds",
    "max_time of evaluate": "ends nothing that is quick", "batch of logits": "memory only",
    "checkpoint of fit": "keeps where the run stands", "save of fit": "keeps what it measures",
    "tensorboard of fit": "keeps what it measures", "average_bn of fit": "the network has no batch norm",
    "patience of fit": "nothing gets worse in a short run", "n of eot": "models answer alike each time",
    "guard of fast_at": "nothing overfits so soon",
  ]

  /// Values of choices that are the usual one in a short run.
  static let laterOnly: Set = ["schedule=\"trades\"", "schedule=\"trades_awp\""]

  /// A way of seeing what a call makes.
  struct Use {
    /// The arguments that there have to be, and those that keep it small.
    var base: [(String, String)]
    /// Further ones for a parameter that needs company.
    var company: [String: [(String, String)]] = [:]
    /// Sets `answer` to a text of all bits that the call decides; CALL stands for it.
    var program: String
    /// Whether every parameter is tried beside each value of the choices, too.
    var isCrossed = false
  }

  private static let normalised = [
    "mean": [("mean", "[0.5]"), ("std", "[0.25]")], "std": [("mean", "[0.5]"), ("std", "[0.25]")],
  ]
  private static let blind = [("model", "coarser"), ("data", "many"), ("eps", "0.2")]
  private static let flagged =
    blind + [("diagnosis", "diagnose(coarser, many, eps=0.2, checks=\"probabilities\", quiet=true)")]

  private static let layer =
    "m = network([conv2d(2, kernel=1), CALL, flatten(), linear(3)], input=[2, 8, 8], seed=1); answer = look(m)"

  private static let tokens = """
    m = network([conv2d(6, kernel=1), class_token(), CALL, first_token(), linear(3)], input=[2, 4, 4], seed=1)
    answer = look(m)
    """

  private static func fitting(_ method: String) -> Use {
    Use(
      base: [("eps", "0.1"), ("steps", "2"), ("step_size", "0.01")],
      // An iterate falls back where steps are long.
      company: ["keep": [("steps", "6"), ("step_size", "3")]],
      program:
        "m = copy(net); fit(m, train, method=\(method), attack=CALL, epochs=1, batch=12, lr=0.1, quiet=true); answer = weights(m)",
      isCrossed: true)
  }

  /// An attack that looks for the nearest image, on images of which most are recognised.
  private static func nearest(_ base: [(String, String)]) -> Use {
    Use(base: base, program: "answer = bits(perturb(net, train, attack=CALL))")
  }

  private static func fitted(_ argument: String) -> String {
    "m = copy(net); fit(m, train, epochs=4, batch=6, lr=0.1, \(argument)=CALL, quiet=true); answer = weights(m)"
  }

  /// Attacks, methods, families, schedules, optimisers and augmentations are tried all alike; what they need beyond that
  /// stands in `uses`.
  private static func uses(of entry: Builtin) throws -> [Use]? {
    let parameters = try parseSignature(entry.signature.text).parameters.map(\.name.text)
    if let uses = uses[entry.name] { return uses }
    if parameters.isEmpty { return [] }
    for (type, argument) in [("schedule", "schedule"), ("augmentation", "augment")]
    where entry.signature.text.hasSuffix("-> \(type)") { return [Use(base: [], program: fitted(argument))] }
    if Attacks.all.contains(where: { $0.name == entry.name }) {
      return [Use(base: [], program: "answer = bits(perturb(net, test, attack=CALL))")]
    }
    if let method = Methods.all.first(where: { $0.name == entry.name }) {
      let attack = method.init().inner == nil ? "none" : "pgd(eps=0.1, steps=2)"
      let teachers = try parseSignature(entry.signature.text).parameters.filter { $0.defaultValue == nil }
      return [
        Use(
          base: teachers.map { ($0.name.text, "teacher") },
          program: "m = copy(wide); trained(m, CALL, \(attack)); answer = weights(m)")
      ]
    }
    if SofteningRules.all.contains(where: { $0.name == entry.name }) {
      let run = "fit(m, train, method=ltd(teacher, temperature=CALL), epochs=4, batch=12, lr=0.1, quiet=true)"
      return [Use(base: [], program: "m = copy(net); \(run); answer = weights(m)")]
    }
    if Optimisers.all.contains(where: { $0.name == entry.name }) {
      let steps = "for i in 1..2 { step(grad(n => cross_entropy(n(train.images), train.labels), m)) }"
      return [Use(base: [("model", "m")], program: "m = copy(net); step = CALL; \(steps); answer = weights(m)")]
    }
    guard let (_, settings) = smallNetworks.first(where: { $0.family == entry.name }),
      let members = try JSON.parse(settings).objectValue
    else { return nil }
    let own = try members.map { ($0.key, try $0.value.text) }
    let normalised = [("mean", "[0.5, 0.4, 0.45]"), ("std", "[0.25, 0.3, 0.2]")]
    return [
      Use(
        base: [("seed", "1"), ("classes", "3"), ("channels", "3"), ("size", "\(leastSizes[entry.name] ?? 16)")] + own,
        company: ["mean": normalised, "std": normalised], program: look, isCrossed: true)
    ]
  }

  /// Distances tell more of a search for the nearest image than the images within a radius.
  private static let boundary = Use(
    base: [("eps", "0.02"), ("steps", "4")],
    program: """
      answer = bits(perturb(net, many.take(40), attack=CALL))
      answer = answer + bits(values(evaluate(net, many.take(40), attacks=[CALL], quiet=true).distances)[0])
      """)

  static let uses: [String: [Use]] = [
    "fab": [boundary], "fab_t": [boundary],
    "autoattack": [
      Use(
        base: [("attacks", "[pgd(steps=1, step_size=0.02), fgsm()]"), ("eps", "0.1")],
        company: [
          "version": [("attacks", "[]"), ("eps", "0.02")], "order": [("attacks", "[]"), ("eps", "0.02")],
          "norm": [("attacks", "[]"), ("eps", "0.02")],
        ],
        program: "answer = bits(perturb(net, many.take(30), attack=CALL)) + str(CALL)")
    ],
    "mifpe": [
      // In Linf all starts of a network so small end in the same corner.
      Use(
        base: [("eps", "0.05"), ("steps", "2"), ("norm", "\"l2\"")],
        program: "answer = bits(perturb(net, test, attack=CALL))")
    ],
    "pgd": [
      Use(
        base: [("steps", "2"), ("step_size", "0.004")], program: "answer = bits(perturb(net, test, attack=CALL))",
        isCrossed: true),
      fitting("pgd_at()"), fitting("trades()"), fitting("ltd(teacher)"), fitting("ltd(teacher, on=\"pgd_at\")"),
    ],
    "deepfool": [nearest([("overshoot", "0")])],
    "apgd": [
      Use(
        base: [("eps", "0.15"), ("norm", "\"l2\""), ("steps", "20")],
        company: ["large_eps": [("norm", "\"l1\""), ("eps", "1")]],
        program: "answer = bits(perturb(net, many.take(100), attack=CALL))")
    ],
    "apgd_t": [
      Use(
        base: [("eps", "0.15"), ("norm", "\"l2\""), ("steps", "20"), ("classes", "1")],
        company: ["large_eps": [("norm", "\"l1\""), ("eps", "1")]],
        program: "answer = bits(perturb(net, many.take(100), attack=CALL))")
    ],
    "square": [
      Use(
        base: [("eps", "0.1"), ("queries", "30")], program: "answer = bits(perturb(net, test, attack=CALL))")
    ],
    "cw": [nearest([("steps", "30"), ("search_steps", "3"), ("learning_rate", "0.1")])],
    "ddn": [
      Use(
        base: [("steps", "20")],
        // Within 20 steps only a radius that begins so large comes to its limit.
        company: ["limit": [("init_eps", "1000")]], program: "answer = bits(perturb(net, train, attack=CALL))")
    ],
    "fmn": [nearest([("steps", "20")])],
    "eot": [Use(base: [("attack", "fgsm(eps=0.1)")], program: "answer = bits(perturb(net, test, attack=CALL))")],
    "transfer": [
      Use(
        base: [("attack", "fgsm(eps=0.1)"), ("from", "teacher")],
        program: "answer = bits(perturb(net, test, attack=CALL))")
    ],
    "bpda": [
      Use(
        base: [("model", "coarse"), ("layer", "\"0\"")],
        program: "answer = bits(perturb(CALL, test, attack=fgsm(eps=0.1)))")
    ],
    "gaussian_noise": [
      Use(
        base: [("std", "0.2")], program: "m = network([CALL, flatten(), linear(3)], input=[1, 4, 4]); answer = look(m)")
    ],
    "mean_sparse": [Use(base: [("mean", "[0.5, 0.1]"), ("width", "[0.4, 0.6]")], program: layer)],
    "quantise": [Use(base: [("levels", "3")], program: layer)],
    "perturb": [
      Use(
        base: [("model", "net"), ("x", "test"), ("attack", "pgd(steps=2)")],
        company: ["y": [("x", "test.images"), ("y", "test.labels")]], program: "answer = bits(CALL)")
    ],
    "step_schedule": [Use(base: [("epochs", "[2]")], program: fitted("schedule"))],
    "attack": [
      Use(
        base: [("name", "\"mine\""), ("perturb", "step_once")],
        program: "answer = bits(perturb(net, test, attack=CALL)) + str(CALL)")
    ],
    "method": [
      Use(
        base: [("name", "\"mine\""), ("loss", "loss_of_step"), ("start", "\"normal\""), ("objective", "\"kl\"")],
        program: "m = copy(wide); trained(m, CALL); answer = weights(m) + str(CALL)")
    ],
    "standard": [
      Use(
        base: [("smoothing", "0.2")], program: "m = copy(wide); trained(m, CALL, none); answer = weights(m)",
        isCrossed: true)
    ],
    "pgd_at": [
      Use(
        base: [("smoothing", "0.2")], program: "m = copy(wide); trained(m, CALL); answer = weights(m)", isCrossed: true)
    ],
    "sat": [
      Use(base: [("start", "0")], program: "m = copy(wide); trained(m, CALL); answer = weights(m)")
    ],
    // Class means matter from the second epoch on.
    "ikl": [
      Use(
        base: [],
        program:
          "m = copy(wide); fit(m, train, method=CALL, attack=pgd(eps=0.1, steps=2), epochs=2, batch=12, lr=0.01, quiet=true); answer = weights(m)"
      )
    ],
    "awp": [
      Use(
        base: [("method", "trades()"), ("gamma", "0.1")],
        program: "m = copy(wide); trained(m, CALL); answer = weights(m)")
    ],
    "igdm": [
      Use(
        base: [("method", "rslad(teacher)")], program: "m = copy(wide); trained(m, CALL); answer = weights(m)")
    ],
    "iad": [
      Use(
        base: [("teacher", "teacher"), ("begin", "0")], program: "m = copy(wide); trained(m, CALL); answer = weights(m)"
      )
    ],
    "saad": [
      Use(
        base: [("teacher", "teacher"), ("beta", "1")], program: "m = copy(wide); trained(m, CALL); answer = weights(m)")
    ],
    "lbgat": [
      Use(
        base: [("teacher", "copy(teacher)")],
        program:
          "m = copy(wide); fit(m, train, method=CALL, epochs=1, batch=12, lr=0.01, quiet=true); answer = weights(m)")
    ],
    "mtard": [
      Use(
        base: [("natural", "teacher"), ("robust", "teacher"), ("rate", "0.5")],
        program: "m = copy(wide); fit(m, train, method=CALL, epochs=2, batch=12, lr=1, quiet=true); answer = weights(m)"
      )
    ],
    "ltd": [
      Use(
        base: [("teacher", "teacher")], company: ["nat_weight": [("on", "\"nat\"")], "inner": [("on", "\"pgd_at\"")]],
        program: "m = copy(wide); trained(m, CALL); answer = weights(m)", isCrossed: true)
    ],
    "soften": [Use(base: [("model", "net"), ("x", "test"), ("T", "3")], program: "answer = bits(CALL)")],
    "fit": ["standard()", "trades()"].map { method in
      Use(
        base: [
          ("model", "m"), ("data", "train"), ("epochs", "2"), ("batch", "6"), ("quiet", "true"), ("method", method),
        ],
        company: [
          "attack": [("method", "pgd_at()")], "select": [("validation", "0.25")],
          "validate_every": [("validation", "0.25")],
          "patience": [("validation", "0.25"), ("select", "\"loss\"")], "ema_warmup": [("ema", "0.9")],
          "average_bn": [("ema", "0.9")],
          // It changes roundings alone.
          "shards": [("lr", "0.5")], "sync_norm": [("shards", "2")],
        ],
        program: """
          m = copy(net); r = CALL
          answer = weights(m) + str([keys(e) for e in r.epochs]) + str([k for k in keys(r) if k != "number"])
          if "averaged" in r { answer = answer + weights(r.averaged) }
          """, isCrossed: true)
    },
    "evaluate": [
      Use(
        base: [
          ("model", "net"), ("data", "many"), ("attacks", "[pgd(steps=1, step_size=0.02)]"), ("eps", "0.1"),
          ("quiet", "true"),
        ],
        company: ["forwards": [("model", "shaky"), ("forwards", "2")]],
        program: "r = CALL; answer = str(list(r.robust)) + str(list(r.correct)) + str(r.rates)")
    ],
    "paired": [
      Use(
        base: [
          ("a", "evaluate(net, many, attacks=fgsm(eps=0.1), quiet=true)"),
          ("b", "evaluate(net, many, attacks=fgsm(eps=0.05), quiet=true)"),
        ], program: "answer = str(CALL)")
    ],
    "curve": [
      Use(
        base: [("evaluation", "evaluate(net, many, attacks=fab(steps=2), eps=0.1, quiet=true)")],
        program: "answer = str(CALL)")
    ],
    "report": [
      Use(
        base: [("evaluation", "evaluate(net, many, attacks=fgsm(eps=0.1), quiet=true)")],
        program: "answer = split(CALL, \"seconds\")[0][:60]")
    ],
    "certify": [
      Use(
        base: [("model", "net"), ("data", "many"), ("eps", "0.003"), ("quiet", "true")],
        company: ["exact": [("eps", "0.1")], "time": [("eps", "0.1"), ("exact", "true")]],
        program: "r = CALL; answer = bits(r.bounds) + str(r.rows)")
    ],
    "adaptive": [
      Use(
        base: [
          ("model", "net"), ("data", "many.take(24)"), ("eps", "0.03"),
          ("diagnosis", "diagnose(net, many.take(24), eps=0.03, checks=\"probabilities\", quiet=true)"),
          ("quiet", "true"),
        ],
        company: [
          "model": [("diagnosis", "none")], "data": [("diagnosis", "none")], "eps": [("diagnosis", "none")],
          "seed": flagged, "diagnosis": flagged,
          "norm": [("diagnosis", "none")],
        ], program: "r = CALL; answer = str(r.attacks) + str(r.table)")
    ],
    "diagnose": [
      Use(
        base: [
          ("model", "net"), ("data", "many.take(60)"), ("eps", "0.05"), ("steps", "4"), ("queries", "20"),
          ("quiet", "true"),
        ],
        // What flags, and what the search without gradients finds.
        company: ["queries": blind, "fail_on": blind], program: "answer = try { str(CALL.rows) } catch e { e.message }")
    ],
    "smooth": [
      Use(
        base: [("model", "net"), ("data", "many.take(20)"), ("sigma", "0.2"), ("n", "40"), ("quiet", "true")],
        program: "answer = str(CALL)")
    ],
    "accuracy": [Use(base: [("model", "net"), ("data", "many")], program: "answer = str(CALL)")],
    "logits": [
      Use(
        base: [("model", "net"), ("data", "test")], company: ["draw": [("model", "shaky")]],
        program: "answer = bits(CALL)")
    ],
    "predict": [Use(base: [("model", "net"), ("x", "many")], program: "answer = str(list(CALL))")],
    "freeze": [
      Use(
        base: [("model", "m")],
        program: "m = copy(net); trained(CALL.unfreeze(\"3.bias\"), standard(), none); answer = weights(m)")
    ],
    "unfreeze": [
      Use(
        base: [("model", "m")], program: "m = copy(net).freeze(); trained(CALL, standard(), none); answer = weights(m)")
    ],
    "at": [Use(base: [("model", "net"), ("T", "2")], program: "m = CALL; answer = bits(m(test.images))")],
    "best_temperature": [
      Use(
        base: [("model", "net"), ("data", "test")],
        company: ["T": [("rule", "T => abs(T - 3.2)"), ("T", "[2, 5]")]], program: "answer = to_json(CALL)")
    ],
    "teacher_report": [
      Use(base: [("teacher", "net"), ("data", "test")], program: "answer = to_json(CALL)")
    ],
    "whatif": [Use(base: [("model", "net"), ("data", "test")], program: "answer = to_json(CALL)")],
    "glyphs": [
      Use(
        base: [("n", "12"), ("size", "8")],
        program:
          "a, b = CALL; answer = bits(a.images) + bits(b.images) + bits(a.posterior) + str(list(a.labels)) + str(list(b.labels))"
      )
    ],
    "take": [Use(base: [("data", "train"), ("n", "5")], program: "answer = bits(CALL.images)")],
    "shuffled": [Use(base: [("data", "train")], program: "answer = bits(CALL.images)")],
    "batches": [
      Use(base: [("data", "train"), ("size", "5")], program: "answer = str([bits(b.images) for b in CALL])")
    ],
    "hold_out": [
      Use(
        base: [("data", "train"), ("fraction", "0.25")],
        program: "answer = str([bits(d.images) for d in CALL])")
    ],
    "random_split": [
      Use(
        base: [("data", "train"), ("parts", "[0.5, 0.25]")],
        program: "answer = str([bits(d.images) for d in CALL])")
    ],
    "stratified": [Use(base: [("data", "train"), ("n", "5")], program: "answer = bits(CALL.images)")],
    "only": [Use(base: [("data", "train"), ("classes", "[3, 1, 0, 9]")], program: "d = CALL; answer = seen(d)")],
    "relabel": [
      Use(
        base: [("data", "train"), ("map", "[0, 1, 2, 2, 2, 2, 2, 2, 1, 0]")], program: "d = CALL; answer = seen(d)")
    ],
    "joined": [Use(base: [("a", "train"), ("b", "test")], program: "d = CALL; answer = seen(d)")],
    "dataset": [
      Use(base: [("images", "test.images"), ("labels", "test.labels")], program: "d = CALL; answer = seen(d)")
    ],
    "augmented": [
      Use(
        base: [("data", "train"), ("augment", "[crop_flip(), mixup()]")], program: "d = CALL; answer = seen(d)")
    ],
    "cutout": [Use(base: [("size", "4")], program: fitted("augment"))],
    "conv2d": [
      Use(base: [("channels", "4"), ("kernel", "3")], company: ["groups": [("padding", "1")]], program: layer)
    ],
    "linear": [
      Use(
        base: [("features", "4")],
        program: "m = network([flatten(), CALL, linear(3)], input=[2, 4, 4], seed=1); answer = look(m)")
    ],
    "layer_norm": [
      Use(
        base: [],
        program: tokens
      )
    ],
    "attention": [
      Use(
        base: [("heads", "1")],
        program: tokens
      )
    ],
    "class_token": [], "first_token": [],
    "batch_norm": [Use(base: [], program: layer)],
    "max_pool": [Use(base: [("kernel", "2")], program: layer)],
    "avg_pool": [Use(base: [("kernel", "2")], program: layer)],
    "global_avg_pool": [],
    "dropout": [Use(base: [], program: layer)],
    "dropout2d": [Use(base: [], program: layer)],
    "normalise": [Use(base: [("mean", "[0.5, 0.4]"), ("std", "[0.25, 0.3]")], program: layer)],
    "sequential": [Use(base: [("layers", "[relu()]")], program: layer)],
    "residual": [
      Use(
        base: [("body", "conv2d(2, kernel=3, padding=1)")],
        company: ["shortcut_reads_before": [("before", "batch_norm()")]], program: layer)
    ],
    "network": [
      Use(
        base: [("layers", "[flatten(), linear(3)]"), ("input", "[1, 6, 6]")], company: normalised,
        program: look)
    ],
  ]
  private static let look = "m = CALL; answer = look(m)"

  /// Values where neither type nor the call's own hints tell them: by entry and parameter, or by parameter.
  static let values: [String: [String]] = [
    "adaptive.norm": ["\"l2\"", "\"l1\""], "adaptive.surrogate": ["teacher"],
    "adaptive.diagnosis": ["diagnose(coarser, many, eps=0.2, checks=\"straight_through\", quiet=true)"],
    "diagnose.norm": ["\"l2\"", "\"l1\""], "diagnose.checks": ["\"steps\""], "diagnose.surrogate": ["teacher"],
    "diagnose.fail_on": ["\"flag\""], "diagnose.queries": ["1", "60"],
    "certify.method": ["\"interval\""], "certify.norm": ["\"l2\"", "\"l1\""],
    "smooth.alpha": ["0.2"], "smooth.sigma": ["0.5"], "smooth.n0": ["1", "2", "3"], "certify.time": ["1e-9"],
    "certify.against": ["evaluate(net, many, attacks=pgd(), eps=0.003, quiet=true)"],
    "model": ["teacher"], "data": ["train.take(11)"], "x": ["train"], "y": ["[1] * len(test)"], "teacher": ["net"],
    "attack": ["pgd(steps=3)"], "attacks": ["[fgsm()]", "[pgd(steps=1), fgsm(eps=0.3)]"], "method": ["pgd_at()"],
    "validation": ["test"], "random_start": ["true", "false", "\"normal\""], "T": ["3", "0.5"],
    "hidden": ["[4]", "[5, 5]"], "planes": ["[2, 4, 4, 4]"], "mean": ["[0.4, 0.4, 0.4]"], "std": ["[0.5, 0.5, 0.5]"],
    "network.mean": ["[0.4]"], "network.std": ["[0.5]"],
    "fit.optimiser": ["\"adam\"", "sgd(nesterov=true)"], "fit.warmup": ["1", "2"],
    "step_schedule.epochs": ["[3]", "[2, 4]"], "width": ["3"], "smallcnn.width": ["3", "[1, 2, 3, 4]"],
    "normalise.mean": ["[0.5, 0.5]"], "normalise.std": ["[0.25, 0.25]"],
    "size": ["9"], "depth": ["16"], "vgg.width": ["3"], "mobilenet_v2.width": ["0.5"], "vgg.depth": ["13"],
    "vit.depth": ["1"], "vit.dim": ["12"], "vit.heads": ["2"], "patch": ["8"], "mlp_ratio": ["1"],
    "channels": ["2"], "conv2d.channels": ["6"], "glyphs.channels": ["3"], "random_split.parts": ["[3, 5]"],
    "only.classes": ["[1]"],
    "relabel.map": ["[0, 1] * 5"], "relabel.class_names": ["[\"a\", \"b\", \"c\"]"],
    "dataset.class_names": ["[str(i + 1) for i in range(10)]"], "joined.a": ["test"], "joined.b": ["train"],
    "dataset.images": ["1 - test.images"], "dataset.labels": ["1 - sign(test.labels)"], "dataset.classes": ["12"],
    "dataset.name": ["\"x\""], "augmented.augment": ["\"cutmix\""], "cutout.size": ["3"],
    "random_resized_crop.scale": ["[0.1, 0.2]"], "random_resized_crop.ratio": ["[1.5, 2]"],
    "random_erasing.scale": ["[0.1, 0.2]"], "random_erasing.ratio": ["[1.5, 2]"], "pairs": ["[[3, 8]]"],
    "kernel": ["1", "[3, 1]"],
    "conv2d.kernel": ["2", "[3, 1]"], "stride": ["1", "3", "[2, 1]"], "conv2d.stride": ["2", "[2, 1]"],
    "names": ["\"1\"", "[\"3.*\"]"],
    "padding": ["1", "[1, 0]", "[1, 0, 0, 1]"], "conv2d.padding": ["1", "[1, 0]", "[1, 0, 0, 1]", "\"same\""],
    "dilation": ["2", "[1, 2]"], "groups": ["2"],
    "layers": ["[flatten(), linear(4), linear(3)]"], "sequential.layers": ["[silu()]", "{bn: batch_norm()}"],
    "input": ["[1, 6, 7]"], "network.classes": ["4"], "body": ["conv2d(2, kernel=1)"],
    "shortcut": ["conv2d(2, kernel=1)"],
    "before": ["batch_norm()"], "after": ["silu()"], "variant": ["\"raw\"", "\"raw_bn\""],
    "batches.size": ["7"], "pgd.eps": ["0.003"], "deepfool.eps": ["0.05"], "deepfool.bound": ["0.02"],
    "cw.eps": ["0.05"], "ddn.eps": ["0.05"], "fmn.eps": ["0.05"], "cw.norm": ["\"linf\""],
    "eot.attack": ["pgd(eps=0.1, steps=2)"], "transfer.attack": ["pgd(eps=0.1, steps=2)"], "from": ["net"],
    "bpda.model": ["coarser"], "bpda.layer": ["[\"0\", \"1\"]"], "levels": ["5", "9"],
    "deepfool.steps": ["1"], "deepfool.candidates": ["1"], "restarts": ["4", "9"], "take.data": ["test"],
    "apgd.loss": APGD.Loss.allCases.map { "\"\($0.rawValue)\"" },
    "apgd_t.loss": APGDT.Loss.allCases.map { "\"\($0.rawValue)\"" }, "eot": ["2"],
    "temperature": ["3", "0.5", "to_entropy(1.2)"], "ard.alpha": ["0.3", "0.7"], "natural": ["net"], "robust": ["net"],
    "igdm.method": ["ard(teacher)"], "mtard.beta": ["3"], "drops": ["[1]"], "temperature_rate": ["0.5"],
    "begin": ["1"], "hard": ["[1, 3]"],
    "best_temperature.rule": ["\"calibration\"", "\"posterior\""],
    "teacher_report.teacher": ["teacher"], "best_temperature.T": ["[1, 3]"], "best_temperature.entropy": ["0.7"],
    "helper": ["net"],
    "adr.temperature": ["[4, 1]"], "lambda": ["[0.2, 0.4]"],
    "name": ["\"other\""], "perturb": ["stay"], "method.after": ["halve"], "loss": ["half_a_loss"],
    "square.loss": ["\"ce\""], "square.x": ["[2.0, 3]"], "n": ["7"], "test": ["5"], "lr": ["0.2"], "fit.seed": ["3"],
    "autoattack.attacks": ["[pgd(steps=2)]"], "autoattack.seed": ["1"],
    "targets": ["[(int(c) + 1) % 10 for c in list(test.labels)]"],
    "checkpoint": ["\"\(FileManager.default.temporaryDirectory.path)/ltd-\(UUID().uuidString)\""],
    "resume": ["{a: 1}"],
    "tensorboard": ["\"\(FileManager.default.temporaryDirectory.path)/ltd-\(UUID().uuidString)\""], "fit.keep": ["1"],
    "average_bn": WeightAveraging.Statistics.allCases.map { "\"\($0.rawValue)\"" },
    "select": ["\"natural\"", "\"loss\""], "clip": ["0.01"], "shards": ["2"], "fit.validation": ["0.25", "8"],
    "patience": ["2"], "swa": ["1"], "ema": ["0.5"], "validate_every": ["2"],
    "save": ["\"\(FileManager.default.temporaryDirectory.path)/ltd-\(UUID().uuidString).sqlite\""],
    "keep": ["\"\(FileManager.default.temporaryDirectory.path)/ltd-\(UUID().uuidString).npz\""],
    "max_time": ["1000.0"], "form": EvaluationReport.Form.allCases.map { "\"\($0.rawValue)\"" },
    "curve.evaluation": ["evaluate(net, many.take(40), attacks=fab(steps=2), eps=0.1, quiet=true)"],
    "report.evaluation": ["evaluate(net, many.take(40), attacks=fgsm(eps=0.1), quiet=true)"],
    "at": ["[0, 0.5]"],
    "paired.a": ["evaluate(net, many, attacks=fgsm(eps=0.02), quiet=true)"],
    "paired.b": ["evaluate(net, many, attacks=fgsm(eps=0.01), quiet=true)"],
    "against": ["\"steps\"", "\"queries\""], "forwards": ["3"], "draw": ["1", "-1"], "gaussian_noise.std": ["0.1"],
  ]

  private static let prelude = """
    bits = t => if type(t) == "tensor" { to_json(list(reshape(float32(t), [prod_of(t.shape)]))) } else { str(t) }
    fn prod_of(sizes) { n = 1; for s in sizes { n = n * s }; n }
    weights = m => join([bits(w) for w in values(m.parameters)], "")
    fn trained(m, method, attack=pgd(eps=0.1, steps=2)) {
      fit(m, train, method=method, attack=attack, epochs=1, batch=12, lr=0.1, quiet=true)
    }
    # All that a network does: logits, gradients in training, and weights and statistics after it.
    fn look(m) {
      x = rand([3] + m.input, seed=4)
      g = grad(n => cross_entropy(n(x, train=true, seed=5), [0, 1, 0]), m)
      join([bits(v) for v in values(g)], "") + weights(m) + bits(m(x))
    }
    fn seen(d) { bits(d.images) + str([list(d.labels), d.class_names, d.name, str(d.soft_labels)]) }
    fn step_once(oracle, x, y, eps) { clip(x + eps * sign(oracle.gradient(x)), 0, 1) }
    fn stay(oracle, x, y, eps) { x }
    fn loss_of_step(step) { cross_entropy(step.forward(step.adversarial()), step.labels) }
    fn halve(step) { step.parameters = step.parameters * 0.5 }
    fn half_a_loss(step) { 0.5 * loss_of_step(step) }
    train, test = glyphs(n=24, test=12, seed=1, size=8)
    many = glyphs(n=400, seed=2, size=8)[0]
    net = mlp(hidden=[6], size=8, seed=1)
    fit(net, many, epochs=3, batch=20, lr=0.05, quiet=true)
    # With batch norm and dropout, so that the mode matters.
    wide = network([conv2d(2, kernel=3), batch_norm(), relu(), flatten(), dropout(0.3), linear(10)], input=[1, 8, 8], seed=3)
    coarse = network([normalise([0.5], [0.5]), leaky_relu(slope=-0.5), flatten(), linear(10)], input=[1, 8, 8], seed=5)
    coarser = network([quantise(5), relu(), flatten(), linear(10)], input=[1, 8, 8], seed=6)
    shaky = network([gaussian_noise(0.2), flatten(), linear(10)], input=[1, 8, 8], seed=7)
    teacher = mlp(hidden=[5], size=8, seed=2)
    fit(teacher, many, epochs=3, batch=20, lr=0.1, quiet=true)
    """

  static let entries = BuiltinTable.standard.functions.values.filter { families.contains($0.family) }.map(\.name)
    .sorted()

  @Test(arguments: entries)
  func everyArgumentMatters(_ name: String) throws {
    if Self.exempt[name] != nil { return }
    let entry = try #require(BuiltinTable.standard.functions[name])
    let tried = try Self.uses(of: entry)
    let uses = try #require(tried, "\(name) is not tried")
    let parameters = try parseSignature(entry.signature.text).parameters
    #expect(parameters.isEmpty == uses.isEmpty, "\(name) has parameters that are not tried")
    let bench = Bench(name, prelude: Self.prelude)
    for use in uses {
      let choices = parameters.flatMap { parameter in
        bench.choices(of: parameter, use).map { (parameter.name.text, $0) }
      }
      for other in [nil] + (use.isCrossed ? choices.map { Optional($0) } : []) {
        for parameter in parameters where parameter.name.text != other?.0 {
          try bench.vary(parameter, use, beside: other)
        }
      }
    }
  }

  /// A plant that the test must find: a setting that is taken and passed over.
  @Test func aSettingWithoutEffectIsFound() throws {
    let bench = Bench("fgsm", prelude: Self.prelude)
    let use = Use(base: [], program: "ignored = CALL; answer = \"always the same\"")
    let parameter = try #require(try parseSignature("fgsm(eps: float = 0.1)").parameters.first)
    withKnownIssue { try bench.vary(parameter, use, beside: nil) }
  }
}

/// Runs the calls of one entry, and says what they make.
private final class Bench {
  private let name: String
  private let session = Session(table: .standard)
  private var known: [String: Result<String, LTDFailure>] = [:]

  struct LTDFailure: Error {
    var diagnostic: Diagnostic
  }

  init(_ name: String, prelude: String) {
    self.name = name
    if case .failure(let errors) = session.run(Source(name: "prelude.ltd", text: prelude)) {
      Issue.record("\(render(errors))")
    }
  }

  /// The program of a use with these arguments.
  private func result(_ use: EveryArgumentTests.Use, _ arguments: [(String, String)]) -> Result<String, LTDFailure> {
    let call = "\(name)(" + arguments.map { "\($0)=\($1)" }.joined(separator: ", ") + ")"
    let program = use.program.replacing("CALL", with: call)
    if let result = known[program] { return result }
    let result: Result<String, LTDFailure>
    if case .failure(let errors) = session.run(Source(name: "test.ltd", text: program)), let error = errors.first {
      result = .failure(LTDFailure(diagnostic: error))
    } else {
      result = .success(session["answer"]?.asString ?? "")
    }
    known[program] = result
    return result
  }

  private func merged(_ lists: [(String, String)]...) -> [(String, String)] {
    var all: [(String, String)] = []
    for (name, value) in lists.joined() {
      if let place = all.firstIndex(where: { $0.0 == name }) { all[place].1 = value } else { all.append((name, value)) }
    }
    return all
  }

  /// The values of a choice, as the call's own error lists them: `must be "ce" or "kl"`, or `one of "ce", "kl"`.
  func choices(of parameter: Parameter, _ use: EveryArgumentTests.Use) -> [String] {
    guard EveryArgumentTests.values[parameter.name.text] == nil,
      parameter.type?.alternatives.contains(where: { $0.name.text == "string" }) ?? false,
      case .failure(let failure) = result(use, merged(use.base, [(parameter.name.text, "\"no such choice\"")])),
      let hint = failure.diagnostic.hint
    else { return [] }
    let list = hint.hasPrefix("one of") ? hint : failure.diagnostic.message
    let words = list.split(separator: "\"", omittingEmptySubsequences: false)
    return words.indices.filter { $0 % 2 == 1 && words[$0] != "no such choice" }.map { "\"\(words[$0])\"" }
  }

  /// Values to try, by the table, by the type, or by the call's own hints.
  private func values(of parameter: Parameter, _ use: EveryArgumentTests.Use) -> [String] {
    let own = parameter.name.text
    if own == "model", Optimisers.all.contains(where: { $0.name == name }) { return ["copy(m)"] }
    if own == "size", smallNetworks.contains(where: { $0.family == name }) {
      return leastSizes[name].map { ["\(2 * $0)", "[\($0), \(2 * $0)]"] } ?? ["20", "[16, 18]"]
    }
    if let values = EveryArgumentTests.values["\(name).\(own)"] ?? EveryArgumentTests.values[own] { return values }
    let choices = choices(of: parameter, use)
    if !choices.isEmpty { return choices }
    switch parameter.type?.alternatives.first?.name.text {
    case "bool": return ["true", "false"]
    case "int": return ["2", "3"]
    case "float": return ["0.3", "0.7"]
    default: return []
    }
  }

  /// Changes one parameter: it changes the result, or is refused by name; of choices, each value does.
  func vary(_ parameter: Parameter, _ use: EveryArgumentTests.Use, beside other: (String, String)?) throws {
    let own = parameter.name.text
    let base = merged(use.base, use.company[own] ?? [], other.map { [$0] } ?? [])
    // Beside a choice that does not go with the rest, there is nothing to see.
    let usual: String
    switch result(use, base) {
    case .success(let text): usual = text
    case .failure(let failure):
      if other == nil { Issue.record("\(name) with \(base): \(failure.diagnostic.message)") }
      return
    }
    let values = values(of: parameter, use)
    try #require(!values.isEmpty, "no value is known for \(own) of \(name)")
    let withoutEffect = EveryArgumentTests.withoutEffect
    let mayMatter = withoutEffect[own] == nil && withoutEffect["\(own) of \(name)"] == nil
    var seen = 0
    for value in values {
      let arguments = merged(base, [(own, value)])
      let setting = "\(own)=\(value)"
      switch result(use, arguments) {
      case .success(let text):
        if !mayMatter {
          #expect(text == usual, "\(setting) of \(name) changes the result")
        } else if text != usual {
          seen += 1
        } else if isChoice(value), !isUsual(value, parameter, base), !EveryArgumentTests.laterOnly.contains(setting) {
          Issue.record("\(setting) changes nothing in \(name)(\(base)): \(use.program)")
        }
      case .failure(let failure):
        seen += 1
        #expect(names(failure.diagnostic, own, value), "\(setting) of \(name): \(failure.diagnostic.message)")
      }
    }
    #expect(seen > 0 || !mayMatter, "nothing that \(own) of \(name) may be was seen to matter beside \(base)")
  }

  private func isChoice(_ value: String) -> Bool { value.hasPrefix("\"") || value == "true" || value == "false" }

  /// Whether a value is what the parameter is without it.
  private func isUsual(_ value: String, _ parameter: Parameter, _ base: [(String, String)]) -> Bool {
    let own = parameter.name.text
    if let given = base.first(where: { $0.0 == own }) { return given.1 == value }
    guard let signature = BuiltinTable.standard.functions[name]?.signature.text,
      let range = signature.firstRange(of: "\(own): ")
    else { return false }
    let text = signature[range.upperBound...].prefix { $0 != "," && $0 != ")" }
    guard let equals = text.lastIndex(of: "=") else { return false }
    let usual = text[text.index(after: equals)...].drop { $0 == " " }
    return usual == value || usual == "none" && EveryArgumentTests.prescribed.contains("\(own)=\(value)")
  }

  /// Whether an error speaks of the setting, or stands at it.
  private func names(_ error: Diagnostic, _ own: String, _ value: String) -> Bool {
    if error.message.contains(own) || error.message.contains("[\(value)]") { return true }
    guard let source = error.source, let span = error.span else { return false }
    return source.text(span) == value || source.text(span).contains("\(own)=")
  }
}

extension EveryArgumentTests {
  /// What settings that are left out come down to in one use or another.
  static let prescribed: Set = [
    "random_start=true", "random_start=\"normal\"", "objective=\"ce\"", "objective=\"kl\"",
    "inner=\"hard\"",
  ]
}
