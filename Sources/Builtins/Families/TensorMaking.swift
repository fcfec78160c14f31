import Base
import Devices
import Interpreter
import Tensors

extension BuiltinTable {
  static let makingTensors: [Builtin] = [
    Builtin(
      "tensor(data: number | bool | list | tensor) -> tensor",
      "A tensor of a number, of a list, or of lists within lists.",
      details: """
        A list of tensors is stacked. Tensors are values: after y = x, changing y leaves x alone.

        - data: whole numbers make an i64 tensor, bools a mask, all other numbers f32.
        """,
      examples: [
        Example("tensor([[1, 2], [3, 4.5]])", "tensor f32 [2, 2]\n  1   2\n  3 4.5"),
        Example("tensor([1, 2, 3]) / 2", "tensor f32 [3]  0.5 1 1.5"),
      ],
      seeAlso: ["zeros", "full", "arange", "float32"], search: ["array", "from_numpy", "as_tensor", "matrix"],
      family: "tensors", checksFirst: false
    ) { call in
      let data = try call["data"]
      guard let tensor = try call.at("data", { try Tensor.operand(data) }) else {
        throw call.error(.type, "a tensor is made of numbers, not of \(data.described)", at: "data")
      }
      return Value(TensorObject(tensor))
    },
    filled("zeros", 0, like: "ones"),
    filled("ones", 1, like: "zeros"),
    Builtin(
      "full(shape: list, value: float) -> tensor", "A tensor filled with one value.",
      details: "- value: the value of every element.",
      examples: [Example("full([2], 0.5)", "tensor f32 [2]  0.5 0.5")], seeAlso: ["zeros", "ones"],
      search: ["constant", "fill"],
      family: "tensors"
    ) { call in
      let shape = try call.ints("shape")
      let number = try call.followedNumber("value")
      return Value(
        try Tensor.full(shape, Float(call.plainFloat("value"))).recorded(
          linearIn: number.isTracked ? [(number, Tensor.ones(shape))] : []))
    },
    Builtin(
      "eye(n: int) -> tensor", "The identity matrix [n, n].",
      details: "- n: rows and columns.",
      examples: [Example("eye(2)", "tensor f32 [2, 2]\n  1 0\n  0 1")], seeAlso: ["one_hot"], search: ["identity"],
      family: "tensors"
    ) { call in
      let n = try call.int("n")
      guard (0...20_000).contains(n) else {
        throw call.error(.value, "n of eye must be from 0 to 20000, not \(n)", at: "n")
      }
      return Value(try Tensor.oneHot(Array(0..<n), classes: n))
    },
    Builtin(
      "arange(start: number, stop: number | none = none, step: number = 1) -> tensor",
      "Evenly spaced numbers from start to before stop; with one argument, from 0 to before it.",
      details:
        """
        Whole numbers make an i64 tensor, others f32. For a list of whole numbers, 0..9 is shorter.

        - start: the first number; with one argument, the number before which it ends.
        - stop: the numbers end before it.
        - step: from one number to the next.
        """,
      examples: [
        Example("arange(4)", "tensor i64 [4]  0 1 2 3"),
        Example("arange(0, 1, 0.25)", "tensor f32 [4]  0 0.25 0.5 0.75"),
      ],
      seeAlso: ["linspace", "geomspace"], search: ["range", "sequence"], family: "tensors"
    ) { call in
      let isOpen = try call["stop"].isNone
      let start = isOpen ? .int(0) : try call.plainNumber("start")
      let (stop, step) = (try call.plainNumber(isOpen ? "start" : "stop"), try call.plainNumber("step"))
      guard let from = start.asDouble, let to = stop.asDouble, let by = step.asDouble else { return .none }
      guard by != 0 else { throw call.error(.value, "step of arange must not be 0", hint: "step=1", at: "step") }
      guard by.isFinite, from.isFinite, to.isFinite else {
        throw call.error(.value, "arange needs finite numbers, not from \(from) to \(to) by \(by)")
      }
      let whole = start.asInt.flatMap { from in stop.asInt.flatMap { to in step.asInt.map { (from, to, $0) } } }
      let count = whole.map { steps(from: $0, to: $1, by: $2) } ?? max(0, ((to - from) / by).rounded(.up))
      guard count <= 100_000_000 else {
        throw call.error(
          .memory, "arange would make \(count.general(15)) numbers",
          hint: "take a larger step: at most 100000000 numbers are made")
      }
      if let (from, _, by) = whole {
        return Value(try Tensor(ints: counted(Int(count)) { from &+ $0 &* by }, shape: [Int(count)]))
      }
      let numbers = try Tensor(counted(Int(count)) { Float(from + Double($0) * by) }, shape: [Int(count)])
      // The count has no gradient; the first number and the step pass theirs on.
      let (first, each) = (try call.followedNumber(isOpen ? nil : "start"), try call.followedNumber("step"))
      guard first.isTracked || each.isTracked else { return Value(numbers) }
      let places = try Tensor(counted(Int(count)) { Float($0) }, shape: [Int(count)])
      return Value(try numbers.recorded(linearIn: [(first, Tensor.ones([Int(count)])), (each, places)]))
    },
    spaced(
      "linspace", "Evenly spaced numbers from start to stop, both included.",
      example: Example("linspace(0, 1, 5)", "tensor f32 [5]  0 0.25 0.5 0.75 1"), isLinear: true
    ) { start, stop, share in start + (stop - start) * share },
    spaced(
      "geomspace", "Numbers with equal ratios from start to stop, both included: grids of temperatures.",
      example: Example("geomspace(1, 100, 3)", "tensor f32 [3]  1 10 100")
    ) { start, stop, share in
      share == 1 ? stop : start * exponential(logarithm(stop / start) * share)
    },
    Builtin(
      "rand(shape: list, seed: int = 0) -> tensor", "Uniform random numbers from 0 to below 1.",
      details: "The same seed makes the same numbers. Use another seed each time.",
      examples: [Example("rand([3], seed=1).shape", "[3]")], seeAlso: ["randn"], search: ["random", "uniform"],
      family: "tensors"
    ) { call in
      let shape = try call.ints("shape")
      return Value(try Tensor.uniform(shape, stream: RandomStream(seed: call.seed("seed"), purpose: "rand")))
    },
    Builtin(
      "randn(shape: list, seed: int = 0) -> tensor", "Random numbers from the standard normal distribution.",
      examples: [Example("randn([2, 3], seed=1).shape", "[2, 3]")], seeAlso: ["rand"],
      search: ["random", "normal", "gaussian"],
      family: "tensors"
    ) { call in
      let shape = try call.ints("shape")
      return Value(try Tensor.normal(shape, stream: RandomStream(seed: call.seed("seed"), purpose: "randn")))
    },
    Builtin(
      "randint(low: int, high: int, shape: list, seed: int = 0) -> tensor",
      "Random whole numbers from low to high - 1, each equally likely.",
      details: "- low, high: the first that may come, and the first that may not.",
      examples: [Example("x = randint(1, 7, [100], seed=1); [min(x), max(x)]", "[1, 6]")],
      seeAlso: ["rand", "randperm"],
      search: ["random", "integers", "dice"], family: "tensors"
    ) { call in
      let stream = RandomStream(seed: try call.seed("seed"), purpose: "randint")
      return Value(
        try Tensor.integers(from: call.int("low"), to: call.int("high"), shape: call.ints("shape"), stream: stream))
    },
    Builtin(
      "randperm(n: int >= 0, seed: int = 0) -> tensor", "The whole numbers from 0 to n - 1 in random order.",
      details: "x[randperm(len(x), seed=1)] is x in another order.\n\n- n: how many.",
      examples: [Example("sort(list(randperm(4, seed=1)))", "[0, 1, 2, 3]")], seeAlso: ["randint", "shuffled"],
      search: ["random", "permutation", "shuffle"], family: "tensors"
    ) { call in
      let stream = RandomStream(seed: try call.seed("seed"), purpose: "randperm")
      return Value(try Tensor.permutation(call.int("n"), stream: stream))
    },
    Builtin(
      "random(seed: int) -> random",
      "A stream of random numbers that moves on with every draw: for loops that need new numbers each time.",
      details: """
        A draw is one of its functions, such as `r.randn(shape)`; `?r` lists them. The same seed and the same draws give the \
        same bits. The stream is a reference: a draw through one variable moves it on for all.

        - seed: the same seed makes the same stream.
        """,
      examples: [
        Example("r = random(7); r.randn([2, 3]).shape", "[2, 3]"),
        Example("r = random(7); r.rand() == r.rand()", "false"),
        Example("random(7).rand() == random(7).rand()", "true"),
      ],
      seeAlso: ["rand", "randn", "shuffled"],
      search: ["generator", "rng", "default_rng", "manual_seed", "choice", "randint", "permutation"], family: "tensors"
    ) { call in
      let seed = try call.seed("seed")
      return Value(RandomObject(seed: seed, try call.int("seed")))
    },
    Builtin(
      "one_hot(labels: tensor, classes: int) -> tensor", "Rows with a 1 at each label: [n, classes].",
      details: "- classes: columns of the result.",
      examples: [Example("one_hot([2, 0], classes=3)", "tensor f32 [2, 3]\n  0 0 1\n  1 0 0")], seeAlso: ["eye"],
      search: ["labels"],
      family: "tensors"
    ) { call in
      Value(try Tensor.oneHot(call.labels("labels"), classes: call.int("classes")))
    },
    Builtin(
      "float32(x: tensor) -> tensor", "The elements as f32: masks become 0 and 1.",
      examples: [Example("float32([true, false])", "tensor f32 [2]  1 0")], seeAlso: ["int64", "tensor"],
      search: ["cast", "astype", "to", "float"], family: "tensors"
    ) { call in Value(try call.tensor("x").asType(.float32)) },
    Builtin(
      "int64(x: tensor) -> tensor", "The elements as i64, rounded towards zero.",
      examples: [Example("int64([1.7, -1.7])", "tensor i64 [2]  1 -1")], seeAlso: ["float32"],
      search: ["cast", "astype", "long"],
      family: "tensors"
    ) { call in Value(try call.tensor("x").asType(.int64)) },
  ]

  private static func filled(_ name: String, _ value: Float, like: String) -> Builtin {
    Builtin(
      "\(name)(shape: list) -> tensor", "A tensor of \(name).",
      examples: [Example("\(name)([3])", "tensor f32 [3]  \(Int(value)) \(Int(value)) \(Int(value))")],
      seeAlso: [like, "full"], search: ["fill", "empty"], family: "tensors"
    ) { call in
      Value(try Tensor.full(call.ints("shape"), value))
    }
  }

  private static func spaced(
    _ name: String, _ summary: String, example: Example, isLinear: Bool = false,
    _ place: @escaping @Sendable (Double, Double, Double) -> Double
  ) -> Builtin {
    Builtin(
      "\(name)(start: float, stop: float, n: int) -> tensor", summary, examples: [example],
      seeAlso: ["arange", name == "linspace" ? "geomspace" : "linspace"], search: ["grid", "logspace"],
      family: "tensors"
    ) { call in
      let n = try call.int("n")
      let (start, stop) = (
        isLinear ? try call.plainFloat("start") : try call.float("start"),
        isLinear ? try call.plainFloat("stop") : try call.float("stop")
      )
      guard (0...100_000_000).contains(n) else {
        throw call.error(.value, "n of \(name) must be from 0 to 100000000, not \(n)", at: "n")
      }
      func share(_ place: Int) -> Double { n > 1 ? Double(place) / Double(n - 1) : 0 }
      let values = try Tensor(counted(n) { Float(place(start, stop, share($0))) }, shape: [n])
      guard isLinear else { return Value(values) }
      let (first, last) = (try call.followedNumber("start"), try call.followedNumber("stop"))
      guard first.isTracked || last.isTracked else { return Value(values) }
      return Value(
        try values.recorded(linearIn: [
          (first, Tensor(counted(n) { Float(1 - share($0)) }, shape: [n])),
          (last, Tensor(counted(n) { Float(share($0)) }, shape: [n])),
        ]))
    }
  }

  /// What a function makes of 0, 1, … count − 1.
  private static func counted<T>(_ count: Int, _ make: (Int) -> T) throws -> [T] {
    var values: [T] = []
    values.reserveCapacity(count)
    for place in 0..<count {
      try StopSignal.poll(at: place)
      values.append(make(place))
    }
    return values
  }

  /// How many whole numbers there are from one to before another; exact below 2⁵³.
  private static func steps(from: Int, to: Int, by: Int) -> Double {
    guard by > 0 ? from < to : from > to else { return 0 }
    let distance = UInt(bitPattern: by > 0 ? to &- from : from &- to)
    return Double((distance - 1) / by.magnitude + 1)
  }
}
