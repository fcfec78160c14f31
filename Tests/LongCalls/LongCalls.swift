import Builtins
import Interpreter
import Robustness
import TestSupport

/// A call of every built-in that can take long, for the tests of Ctrl-C: made from the one table, from the types of the
/// parameters, or by `calls` where these do not tell.
public enum LongCalls {
  /// What the calls are about.
  public static let variables = """
    t = rand([1024, 4096]); i = int64(t * 10); m = t > 0.5; square = rand([1500, 1500])
    rows = rand([2**18, 8]); places = int64(rand([2**18]) * 8); integers = int64(rand([2**17]) * 8)
    xs = list(range(2**17)); floats = [1.0 * ((x * 7919) % 100003) for x in xs]; texts = [str(x) for x in xs]
    truths = [true] * 2**17; s = "ab " * 2**21; long = "ab " * 2**23; spaces = " " * 2**22
    records = [{a: x, b: "c"} for x in range(2**15)]; r = record([["k{x}", x] for x in range(2**17)])
    joined = join(texts, "\\n"); json = to_json(xs); csv = to_csv(records); pairs = items(r)
    train, test = glyphs(n=600, test=600, seed=1); net = smallcnn(width=8); small = mlp(hidden=[16])
    """

  /// What is called, where the types of the parameters do not tell.
  static let calls = [
    "bincount": "bincount(places)", "diag": "diag(t[0])", "einsum": "einsum(\"ij,jk->ik\", square, square)",
    "pad": "pad(t, 1)", "randint": "randint(0, 10, [2**20])", "randperm": "randperm(2**20)", "roll": "roll(t, 1)",
    "tile": "tile(t, 2)", "topk": "topk(t, 3)", "accuracy": "accuracy(net, test)", "all": "all(truths)",
    "any": "any([not x for x in truths])",
    "arange": "arange(0, 2**22)", "augmented": "augmented(train, [crop_flip(), mixup()])",
    "broadcast": "broadcast(t[0], [1024, 4096])",
    "check_gradients": "check_gradients(x => sum(exp(x)), rand([64]), samples=64)", "clip": "clip(t, 0, 0.5)",
    "confusion": "confusion(net, test)", "plot": "plot(records)",
    "adaptive": "adaptive(small, test, eps=0.1, quiet=true)", "diagnose": "diagnose(small, test, eps=0.1, quiet=true)",
    "collect": "collect(xs, x => x, quiet=true)", "certify": "certify(small, test, eps=0.1, quiet=true)",
    "concat": "concat([t, t])", "count": "count(xs, -1)",
    "cross_entropy": "cross_entropy(rows, places)", "detach": "detach(t) + 1", "eye": "eye(2048)",
    "evaluate": "evaluate(net, test, attacks=[fgsm(eps=0.1)], quiet=true)", "filter": "filter(xs, x => true)",
    "fit": "fit(small, train, epochs=3, quiet=true)", "float32": "float32(i)", "format": "format(xs, \">10\")",
    "full": "full([2**22], 0.5)", "gather": "gather(rows, places)", "geomspace": "geomspace(1, 10, 2**22)",
    "glyphs": "glyphs(n=3000)", "grad": "grad(x => sum(exp(x)), t)", "index_of": "index_of(xs, -1)",
    "items": "items(r)", "join": "join(texts, \", \")", "kl_div": "kl_div(softmax(rows), softmax(rows))",
    "lines": "lines(joined)", "linspace": "linspace(0, 1, 2**22)", "list": "list(range(2**17))",
    "logical_and": "logical_and(m, m)",
    "logical_not": "logical_not(m)", "logical_or": "logical_or(m, m)", "logits": "logits(net, test)",
    "lower": "lower(long)", "map": "map(xs, x => x)", "margin": "margin(rows, places)",
    "matmul": "matmul(square, square)", "mean": "mean(t)", "std": "std(t)", "var": "var(t)", "str": "str(xs)",
    "to_json": "to_json(xs)",
    "max": "max(xs)", "min": "min(xs)", "mlp": "mlp(hidden=[1024, 1024])",
    "network": "network([flatten(), linear(1024), linear(10)], input=[1, 28, 28])",
    "one_hot": "one_hot(integers, 64)", "ones": "ones([2**22])", "parse_csv": "parse_csv(csv)",
    "parse_json": "parse_json(json)", "permute": "permute(t, [1, 0])",
    "perturb": "perturb(net, test, attack=pgd(steps=2), eps=0.1)", "predict": "predict(net, test)",

    "rand": "rand([2**22])", "randn": "randn([2**22])",
    "record": "record(pairs)", "reduce": "reduce(xs, (a, b) => a + b)", "relu": "relu(t)",
    "replace":
      "replace(s, \"a\", \"c\")", "resnet50": "resnet50(width=16)", "resnet101": "resnet101(width=16)",
    "wide_resnet50_2": "wide_resnet50_2(width=16)", "swish_wideresnet": "swish_wideresnet(depth=10, widen=2)",
    "trades_net": "trades_net(width=40, features=1000)", "round": "round(t, 2)",
    "silu": "silu(t)", "relu6": "relu6(t)", "gelu": "gelu(t)", "leaky_relu": "leaky_relu(t)", "sort": "sort(floats)",
    "stack": "stack([t, t])", "tensor": "tensor(xs)",
    "time": "time(() => str(xs))", "timeit": "timeit(() => 1, seconds=0.05)", "to_csv": "to_csv(records)",
    "trim": "trim(spaces)", "upper": "upper(long)", "value_and_grad": "value_and_grad(x => sum(exp(x)), t)",
    "where": "where(m, t, 0.5)", "wideresnet": "wideresnet(depth=10, widen=2)", "whatif": "whatif(net, test)",
    "best_temperature": "best_temperature(net, test, T=[1, 2], rule=T => whatif(net, test, T=T)[0].entropy)",
    "teacher_report": "teacher_report(net, test)",
    "zeros": "zeros([2**22])", "zip": "zip(xs, xs)",
    "soften": "soften(net, test, entropy=1)",
    "smooth": "smooth(small, test.take(20), sigma=0.1, n=200, quiet=true)", "sqrt": "sqrt(t)", "log": "log(t)",
  ]

  /// What takes no long time, and why.
  static let reasons: [String: [String]] = [
    "counts verdicts that are there": ["curve", "optimality", "paired", "report"],
    "begins a thread, or waits for one and looks at the signal meanwhile": ["background", "wait"],
    "answers at once": [
      "args", "assert", "at", "bool", "bpda", "check_finite", "chr", "clock", "endswith", "env", "error", "exit",
      "float", "flush", "get", "int", "known_files", "len", "memory", "now", "ord", "random", "range",
      "freeze", "startswith", "summary", "threads", "unfreeze", "track", "type", "vars",
    ],
    "calls its function within shards of a run alone": ["shared"],
    "moves memory once, or shares it": [
      "append", "batches", "copy", "dataset", "extend", "flatten", "hold_out", "insert", "joined", "keys", "only",
      "random_split", "relabel", "remove_at", "reshape", "reverse", "same_weights", "shuffled", "stratified", "take",
      "values", "without",
    ],
    "makes a value that others work with": (Attacks.all + Attacks.wrappers).map { $0.name }
      + Methods.all.map { $0.name }
      + ["attack", "method"],
    "asks twenty times a second": ["sleep"],
    "draws few images": ["compare", "show"],
    "leaves out what has no room": ["print"],
    "needs files": [
      "cifar10", "cifar100", "cifar10_c", "cifar100_c", "download", "fashion_mnist", "file_info", "image_folder",
      "list_folder", "load_dataset", "load_model", "load_tensors", "load_weights", "make_folder", "mnist", "read_text",
      "remove_file", "run", "runs", "save_model", "save_plot", "save_png",
      "save_tensors", "update_text", "write_text",
    ],
  ]

  /// What describes something makes it in no time.
  static let descriptions = ["layer", "optimiser", "schedule", "augmentation", "temperature"].map { "-> \($0)" }

  /// The call of a built-in whose required parameters are tensors, lists and texts.
  static func call(_ builtin: Builtin) -> String? {
    if let call = calls[builtin.name] { return call }
    if smallNetworks.contains(where: { $0.family == builtin.name }) { return "\(builtin.name)()" }
    let text = builtin.signature.text
    guard let open = text.firstIndex(of: "("), let close = text.range(of: ") -> ")?.lowerBound else { return nil }
    var arguments: [String] = []
    for parameter in text[text.index(after: open)..<close].split(separator: ", ") where !parameter.contains(" = ") {
      if parameter.hasPrefix("*") { continue }
      switch parameter.split(separator: ": ").dropFirst().first.map({ $0.split(separator: " ")[0] }) {
      case "tensor", "any", "number": arguments.append("t")
      case "list", nil: arguments.append("xs")
      case "string": arguments.append("s")
      default: return nil
      }
    }
    return arguments.isEmpty ? nil : "\(builtin.name)(\(arguments.joined(separator: ", ")))"
  }

  /// The calls by name; nil where there is neither call nor reason.
  public static func all(of table: BuiltinTable) -> [(name: String, call: String?)] {
    let constant = Set(reasons.values.joined())
    return table.functions.sorted { $0.key < $1.key }
      .filter { name, builtin in
        !constant.contains(name) && !descriptions.contains(where: builtin.signature.text.hasSuffix)
      }
      .map { (name: $0.key, call: call($0.value)) }
  }

  /// Names here that the table has not.
  public static func strangers(to table: BuiltinTable) -> [String] {
    Set(reasons.values.joined()).union(calls.keys).filter { table.functions[$0] == nil }.sorted()
  }
}
