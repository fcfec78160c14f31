import Base
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  static let system: [Builtin] = [
    Builtin(
      "threads(n: int | none = none) -> int", "How many threads share the work; with n, sets it.",
      details:
        "Results do not depend on it. LTD_THREADS and --threads set it at the start.\n\n- n: 1 to 256; nothing changes when left out.",
      examples: [Example("threads() >= 1", "true")], seeAlso: ["time"], search: ["cores", "parallel", "num_threads"],
      family: "system"
    ) { call in
      if let n = try call.optionalInt("n") {
        guard (1...256).contains(n) else {
          throw call.error(.value, "n of threads must be from 1 to 256, not \(n)", at: "n")
        }
        Compute.threads = n
      }
      return Value(Compute.threads)
    },
    Builtin(
      "memory() -> record",
      "Bytes that tensors take: `in_use` now, `peak` since the start, `cached` for reuse, and the `limit`.",
      details: """
        Beyond the limit an operation ends with an error. It is nine tenths of the machine's memory, or LTD_MEMORY_LIMIT, \
        which takes bytes or a number with K, M or G.
        """,
      examples: [Example("m = memory(); m.in_use <= m.peak", "true")], seeAlso: ["threads"],
      search: ["ram", "allocator", "peak", "out of memory"], family: "system"
    ) { call in
      let memory = Compute.memory
      return Value(fields: [
        ("in_use", Value(memory.inUse)), ("peak", Value(memory.peak)), ("cached", Value(memory.cached)),
        ("limit", Value(Compute.memoryLimit)),
      ])
    },
    Builtin(
      "check_finite(on: bool | none = none) -> bool",
      "Whether every tensor operation reports where NaN or an infinity first appears, as an error; with on, sets it.",
      details: """
        Otherwise they spread as IEEE 754 says. The error names the operation, the index of the element and the line; \
        within a model the layer, and in a gradient the operation that it came back through. Slow: --check-finite sets it \
        for a run.

        - on: true or false; nothing changes when left out.
        """,
      examples: [
        Example("check_finite()", "false"),
        Example(
          "check_finite(true); try { log(tensor([1.0, 0])) } catch e { print(e.message) }; check_finite(false)",
          "log returns -inf at [1] of a tensor [2]\nfalse"),
      ],
      seeAlso: ["isfinite", "check_gradients"], search: ["nan", "infinity", "anomaly", "detect_anomaly", "debug"],
      family: "system"
    ) { call in
      if let on = try call.optionalBool("on") { call.session.checksFinite = on }
      return Value(call.session.checksFinite)
    },
    Builtin(
      "track(xs: list | string | tensor | dataset, title: string = \"\", quiet: bool = false) -> any",
      "The same elements, for a loop whose progress is shown on the terminal.",
      details:
        "Shows how far the loop is and how long it will take; nothing in a pipe.\n\n- title: what the loop does.",
      examples: [Example("for T in track([1, 2], \"temperature\") { print(T) }", "1\n2")], seeAlso: ["fit"],
      search: ["progress", "tqdm", "bar", "loop"], family: "system", checksFirst: false
    ) { call in
      Value(try TrackedObject(call))
    },
    Builtin(
      "collect(xs: list | string | tensor | dataset, f: function, title: string = \"\", quiet: bool = false) -> list",
      "What a function returns for each element, as map does, for long work: Ctrl-C ends it with the results so far.",
      details: """
        Shows how far it is, as track does. The element that Ctrl-C interrupts has no result; the statement that called \
        collect is finished, and what follows it does not run.

        - f: takes one element.
        - title: what is done.
        """,
      examples: [Example("collect([1, 2], T => {T: T, gain: 1 / T})", "T  gain\n1   1.0\n2   0.5")],
      seeAlso: ["map", "track", "grids.sweep"], search: ["interrupt", "partial", "progress", "tqdm", "sweep"],
      family: "system", checksFirst: false
    ) { call in
      let session = call.session
      let tracked = try TrackedObject(call)
      guard let next = try tracked.makeIterator() else { return .none }
      var results: [Value] = []
      while let x = try next() {
        do {
          let result = try call.invoke(call[1], [x])
          // Long work that Ctrl-C ends early, such as fit, may have given less than the whole.
          if session.stop.isInterrupted { break }
          results.append(result)
        } catch {
          guard session.stop.isInterrupted else { throw error }
          break
        }
      }
      session.keepResults("\(results.count) of \(tracked.length ?? 0) results are there")
      return Value(results)
    },
  ]

  /// What parameters mean that mean the same in every function.
  static let parameterNotes: [String: String] = [
    "tensors.x": "a tensor, or numbers in lists",
    "losses.x": "a tensor, or numbers in lists",
    "a": "a tensor or a number; the shapes of both broadcast",
    "b": "a tensor or a number; the shapes of both broadcast",
    "evaluation": "what evaluate or run has returned",
    "mask": "a tensor of bools",
    "shape": "sizes of the axes, such as [2, 3]",
    "parts": "tensors whose shapes agree",
    "axis": "the axis to go along, counted from 0, or from the end with -1",
    "start": "the first number",
    "stop": "the last number",
    "n": "how many",
    "model": "a model, such as smallcnn()",
    "data": "a data set, such as one of glyphs() or cifar10(dir)",
    "attack": "an attack, such as fgsm() or pgd(steps=20)",
    "logits": "the model's outputs before the softmax [n, classes]",
    "labels": "classes [n], whole numbers from 0",
    "T": "temperature: the logits are divided by it before the softmax",
    "eps": "radius in units of the [0, 1] image",
    "batch": "examples at a time; the result does not depend on it",
    "seed": "key of the random numbers: the same seed leads to the same result",
    "quiet": "true shows no progress; what cannot be saved or read is said all the same",
    "layers.kernel": "size of the window: one number for both axes, or [height, width]",
    "layers.stride": "step of the window: one number, or [height, width]",
    "layers.padding": "zeros around the image: one number, [height, width] or [top, bottom, left, right]",
    "layers.bias": "whether a learned number is added to each output",
    "layers.init":
      "how weights are drawn: \"standard\" (PyTorch's: uniform in ±1/√fan_in), \"kaiming_fan_in\", \"kaiming_fan_out\" (normal with variance 2/fan, bias 0), \"standard_zero_bias\" or \"zero\"",
    "mean": "for a normalisation inside the model, a number for each channel; images and eps stay in [0, 1]",
    "std": "the standard deviation of each channel, given together with mean",
    "path": "the file; a relative path counts from the folder in which ltd was started",
  ]

  /// Arguments that the core calls by another name.
  static let coreNames = [
    "images": ["x", "data"], "labels": ["target", "y", "index"], "path": ["dir"], "channels": ["input"],
    "size": ["input"], "features": ["hidden"], "temperature": ["T"],
  ]

  /// Names from other libraries, and what to write instead.
  static let foreignNames: [String: String] = [
    "from_numpy": "use tensor([…])", "as_tensor": "use tensor([…])", "array": "use tensor([…])",
    "cat": "use concat([a, b], axis=0)", "concatenate": "use concat([a, b], axis=0)", "mm": "use a @ b",
    "bmm": "use a @ b", "dot": "use a @ b", "view": "use reshape(x, […])",
    "item": "x[…] of one element is a number already",
    "numpy": "tensors and lists need no conversion",
    "backward": "use grad(f, x) or value_and_grad(f, x)", "no_grad": "gradients are only followed inside of grad(f, x)",
    "train": "net(x, train=true) is the pass of training; fit(net, data) trains",
    "forward": "call the model: net(x)",
    "DataLoader":
      "use fit(model, data, batch=128); in a loop of your own: for b in batches(data, 128, seed=epoch) { b.images; b.labels }",
    "Adam": "use adam(model, lr=0.001), or fit(…, optimiser=\"adam\")",
    "SGD": "use sgd(model, lr=0.1), or fit, which does it itself",
    "zero_grad": "grad(f, x) makes a new gradient each time: nothing to set to 0",
    "requires_grad": "nothing to mark: grad(f, x) says what the gradient is taken of",
    "eval": "nothing to switch: models are in evaluation mode; net(x, train=true) is the other one",
    "state_dict": "use model.parameters, save_model(model, path)", "load_state_dict": "use load_weights(model, path)",
    "save": "use save_model(model, path), tables.write_csv(rows, path) or write_text(path, text)",
    "load": "use load_model(path), tables.read_csv(path) or read_text(path)",
    "device": "there is no device to choose: the work is done by the CPU, on threads() threads",
    "cuda": "there is no device to choose: the work is done by the CPU, on threads() threads",
    "gpu": "there is no device to choose: the work is done by the CPU, on threads() threads",
    "cpu": "there is no device to choose: the work is done by the CPU, on threads() threads",
    "to": "there is no device to choose; float32(x) and int64(x) change the type",
    "astype": "use float32(x) or int64(x)", "long": "use int64(x)",
    "unsqueeze": "use x[none] or x[:, none]", "expand_dims": "use x[none] or x[:, none]",
    "squeeze": "use x[0], x[:, 0] or reshape(x, […])", "expand": "use broadcast(x, shape)",
    "repeat": "use tile(x, repeats)", "tolist": "use list(x)",
    "imshow": "use show(images), or save_png(images, path)", "figure": "use plot(rows, x=…, y=…)",
    "savefig": "use save_plot(figure, \"figure.svg\")", "hist": "use plot(x, kind=\"histogram\")",
    "scatter": "use plot(rows, x=…, y=…, kind=\"points\")", "heatmap": "use plot(x, kind=\"heat\")",
    "isclose": "use abs(a - b) < 1e-6, or allclose(a, b) for all at once", "argwhere": "use nonzero(x)",
    "flatnonzero": "use nonzero(x)[:, 0]", "fliplr": "use flip(x, axis=1)", "flipud": "use flip(x, axis=0)",
    "trace": "use sum(diag(x))", "outer_product": "use einsum(\"i,j->ij\", a, b)", "cumprod": "use exp(cumsum(log(x)))",
    "permutation": "use randperm(n, seed=1)", "constant_pad": "use pad(x, widths, value=0)",
    "confusion_matrix": "use confusion(model, data)",
    "seeds": "what draws random numbers takes a seed itself: rand([3], seed=42)",
    "soft_labels": "use soften(model, x, T=4)",
    "CrossEntropyLoss": "use cross_entropy(logits, labels)", "kl_divergence": "use kl_div(p, q)",
    "Conv2d": "use conv2d(64, kernel=3)", "Linear": "use linear(10)", "BatchNorm2d": "use batch_norm()",
    "Sequential": "use sequential([…])", "ReLU": "use relu()", "Flatten": "use flatten()",
    "MaxPool2d": "use max_pool(2)", "Dropout": "use dropout(0.5)", "normalize": "use normalise(mean, std)",
    "seed": "what draws random numbers takes a seed itself: rand([3], seed=42)",
    "manual_seed": "what draws random numbers takes a seed itself: rand([3], seed=42)",
    "rng": "what draws random numbers takes a seed itself: rand([3], seed=42)",
    "logspace": "use geomspace(start, stop, n), which takes the ends themselves, not their exponents",
    "shape": "x.shape has the sizes of the axes", "pass": "an empty block is { }",
    "contains": "write x in xs", "includes": "write x in xs", "length": "use len(x)", "size": "use len(x)",
    "push": "use append(xs, x), which returns a new list",
    "clone": "y = x is a copy: a change of one leaves the other alone",
    "dim": "x.ndim counts the axes",
    "json": "use to_json(x), parse_json(text), or import files for files.read_json(path)",
    "end": "blocks are written with braces: { … }", "console": "use print(x)",
    "with": "pass the setting where it is used: soften(model, x, T=40)",
  ]
}
