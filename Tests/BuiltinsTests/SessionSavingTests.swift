import Base
import Builtins
import Foundation
import HostSupport
import Interpreter
import TestSupport
import Testing

/// A session that is written and read again has the same values, bit for bit, with the same sharing; what is damaged changes
/// nothing.
@Suite struct SessionSavingTests {
  private func session() -> Session {
    Session(table: .standard, host: TestHost(files: ["m.ltd": "fn twice(x) { 2 * x }\nstart = 5\n"]))
  }

  @discardableResult
  private func run(_ session: Session, _ text: String, _ place: SourceLocation = #_sourceLocation) -> Value {
    switch session.run(Source(name: "<prompt>", text: text)) {
    case .value(let value, _): return value
    case .failure(let diagnostics):
      Issue.record("\(text): \(diagnostics.map(\.message))", sourceLocation: place)
      return .none
    case .exit: return .none
    }
  }

  private func restored(_ session: Session) throws -> Session {
    let folder = try TemporaryFolder()
    let path = folder.path("s.ltds")
    let graph = try session.saved()
    #expect(graph.omitted.isEmpty, "\(graph.omitted)")
    try SessionFile.write(graph, to: path)
    let other = self.session()
    try other.restore(SessionFile.read(path))
    return other
  }

  /// Programs whose last lines are tests that must hold before and after.
  private static let programs: [(setup: [String], checks: [String])] = [
    (
      ["a = 1; b = 2.5; c = \"é\\n\" * 40; d = none; e = true; f = 1..10; g = [1, [2.5, \"x\"], {a: 1, b: [none]}]"],
      [
        "a == 1", "b == 2.5", "len(c) == 80", "d == none", "e", "list(f) == list(1..10)",
        "g == [1, [2.5, \"x\"], {a: 1, b: [none]}]",
      ]
    ),
    (
      ["x = [nan, inf, -inf, -0.0, 1e-320, 2**62, -2**62]"], ["isnan(x[0])", "str(x[3]) == \"-0.0\"", "x[4] == 1e-320"]
    ),
    (
      ["t = randn([3, 4, 5, 6], seed=3); i = int64(t * 100); m = t > 0; z = zeros([0, 3]); s = tensor(2.5)"],
      [
        "t.shape == [3, 4, 5, 6]", "all(t == randn([3, 4, 5, 6], seed=3))", "all(i == int64(t * 100))",
        "all(m == (t > 0))", "z.shape == [0, 3]",
      ]
    ),
    (
      ["base = 10", "fn f(x, k = 3) { x * k + base }", "g = x => f(x) + 1", "h = g"],
      ["f(2) == 16", "g(2) == 17", "h == g", "f == f", "h(1) == 14"]
    ),
    (
      [
        "fn counter() { n = 0; { up: () => { outer n = n + 1; n }, get: () => n } }", "c = counter(); c.up(); c.up()",
        "d = c",
      ],
      ["c.get() == 2", "c.up() == 3", "d.get() == 3"]
    ),
    (["fn fact(n) { if n <= 1 { 1 } else { n * fact(n - 1) } }"], ["fact(10) == 3628800"]),
    (
      [
        "fn make() { fn even(n) { n == 0 or odd(n - 1) }; fn odd(n) { n != 0 and even(n - 1) }; even }",
        "even = make()",
      ],
      ["even(10)", "not even(7)"]
    ),
    (["max = 3", "k = min"], ["max == 3", "k(4, 2) == 2"]),
    (["fn biggest(xs) { max(xs) }", "max = 7"], ["biggest([1, 5, 2]) == 5", "max == 7"]),
    (
      ["import \"m.ltd\"", "y = m.twice(4)", "fn q(x) { m.twice(x) + m.start }"],
      ["y == 8", "m.twice(3) == 6", "q(1) == 7"]
    ),
    (["const size = 12", "fn area() { size ** 2 }"], ["area() == 144"]),
    (
      ["e = try { error(\"wrong\") } catch err { err }", "u = try { [1][5] } catch err { err }"],
      ["e.message == \"wrong\"", "u.line == 1", "u.kind == \"value\""]
    ),
    (
      ["net = mlp(hidden=[8]); other = net; hot = at(net, T=4); freeze(net, \"1.*\"); net.name = \"mine\""],
      [
        "net.name == \"mine\"", "hot.temperature == 4", "net.fingerprint == mlp(hidden=[8]).fingerprint",
        "len(net.frozen) > 0",
        // One model under two names is one model, views share its weights.
        "net.parameters = mlp(hidden=[8], seed=5).parameters; other.fingerprint == net.fingerprint",
        "hot.parameters[\"1.weight\"][0, 0] == net.parameters[\"1.weight\"][0, 0]",
      ]
    ),
    (
      [
        "net = smallcnn(width=4); train, test = glyphs(n=40, test=20, seed=1)",
        "report = fit(net, train, epochs=1, batch=20, quiet=true, seed=3)",
        "result = evaluate(net, test, attacks=[fgsm(eps=0.1)], quiet=true)", "before = net.fingerprint",
        "lines = str(result)", "summed = summary(net)", "shape = net.layers",
      ],
      [
        "net.fingerprint == before", "str(result) == lines", "result.n == 20", "len(report.epochs) == 1",
        "train.fingerprint == glyphs(n=40, test=20, seed=1)[0].fingerprint", "summed.weights == net.size",
        "str(shape) == str(net.layers)",
      ]
    ),
    (
      [
        "net = mlp(hidden=[8]); train = glyphs(n=32)[0]; step = adam(net, lr=0.01)",
        "fn loss(m) { cross_entropy(m(train.images), train.labels) }", "step(grad(loss, net)); step(grad(loss, net))",
        "twin = copy(net); tstep = adam(twin, lr=0.01)",
      ],
      ["step(grad(loss, net)); net.fingerprint != twin.fingerprint", "step.lr == 0.01"]
    ),
    (["r = random(7); r.rand(); r.randn([3])", "q = r"], ["r.draws == 2", "q.rand(); r.draws == 3"]),
    (
      [
        "a = pgd(steps=7, eps=8/255); l = [fgsm(), square(queries=10)]; w = trades(beta=3); s = cyclic_schedule(); g = mixup()"
      ],
      ["a == pgd(steps=7, eps=8/255)", "l[1] == square(queries=10)", "w == trades(beta=3)", "s == cyclic_schedule()"]
    ),
    (
      [
        "fn mine(oracle, x, y, eps) { clip(x + eps * sign(oracle.gradient(x)), 0, 1) }",
        "a = attack(\"mine\", mine); net = mlp(hidden=[8]); test = glyphs(n=10)[1]",
        "b = perturb(net, test, attack=a, eps=0.1)",
      ],
      ["all(perturb(net, test, attack=a, eps=0.1) == b)"]
    ),
    (["xs = [1, 2]; k = xs.sum; w = track([1, 2])"], ["k() == 3"]),
    (
      [
        "train, test = glyphs(n=6, seed=1)",
        "sheet = show(test, labels=softmax(randn([len(test), 10], seed=2), axis=1))",
        "pairs = compare(test, test.images + 0.1, n=2, title=\"t\")",
        "bars = plot([{a: \"x\", b: 1.0, b_low: 0.5, b_high: 2.0}, {a: \"y\", b: nan, b_low: -0.0, b_high: inf}])",
        "lines = plot({x: [1, 2, 4], y: [1e-300, 2, 3e300]}, x=\"x\", log_x=true, log_y=true, x_label=\"é\")",
        "heat = plot(randn([3, 4], seed=1))", "counts = plot(randn([99], seed=1), kind=\"histogram\", bins=7)",
        "parts = [str(f) for f in [sheet, pairs, bars, lines, heat, counts]]",
        "tables = [str(f.data) for f in [sheet, pairs, bars, lines, heat, counts]]",
        "save_plot(pairs, \"/tmp/ltd-kept.svg\"); bytes = read_text(\"/tmp/ltd-kept.svg\")",
      ],
      [
        "parts == [str(f) for f in [sheet, pairs, bars, lines, heat, counts]]",
        "tables == [str(f.data) for f in [sheet, pairs, bars, lines, heat, counts]]",
        "save_plot(pairs, \"/tmp/ltd-kept.svg\"); bytes == read_text(\"/tmp/ltd-kept.svg\")",
      ]
    ),
  ]

  @Test(arguments: programs.indices) func whatIsRestoredIsWhatWasThere(_ number: Int) throws {
    let (setup, checks) = Self.programs[number]
    let session = session()
    for line in setup { run(session, line) }
    let other = try restored(session)
    #expect(session.variables.map(\.name) == other.variables.map(\.name))
    for check in checks {
      let after = run(other, check)
      #expect(after.asBool == true, "\(check): \(after.shortText(PrintOptions()))")
    }
    // Twice is as once.
    _ = try restored(other)
  }

  /// The value of every example of the table, and every variable that it makes, prints the same afterwards.
  @Test func everyKindOfValue() throws {
    var options = PrintOptions()
    (options.items, options.depth, options.characters) = (1000, 50, 100_000)
    var kinds: Set<String> = []
    for (name, builtin) in BuiltinTable.standard.functions.sorted(by: { $0.key < $1.key }) {
      if ["background", "wait", "exit", "download"].contains(name) { continue }
      for example in builtin.examples {
        let session = Session(table: .standard, host: TestHost())
        guard case .value(let value, _) = session.run(Source(name: "example", text: example.code)) else { continue }
        session["the_value"] = value
        let graph = try session.saved()
        #expect(graph.omitted.isEmpty, "\(example.code): \(graph.omitted)")
        let other = Session(table: .standard, host: TestHost())
        try other.restore(graph)
        for variable in session.variables {
          kinds.insert(variable.value.typeName)
          let (mine, others) = (variable.value.text(options), other[variable.name]?.text(options))
          #expect(mine == others, "\(example.code): \(variable.name)")
        }
      }
    }
    for kind in [
      "attack", "method", "schedule", "augmentation", "optimiser", "layer", "model", "evaluation", "figure",
    ] {
      #expect(kinds.contains(kind), "no example makes a \(kind)")
    }
  }

  /// What comes after is the same, to the last bit: an optimiser goes on with what it remembers.
  @Test func workContinuesWithTheSameBits() throws {
    let session = session()
    run(session, "net = smallcnn(width=4); train = glyphs(n=40, seed=2)[0]; step = adamw(net, lr=0.01); r = random(3)")
    run(session, "fn loss(m) { cross_entropy(m(train.images, train=true), train.labels) }")
    run(session, "fn go() { step(grad(loss, net)); r.next_seed() }; go(); go()")
    let other = try restored(session)
    for program in ["go(); go(); go()", "net.fingerprint", "logits(net, train)[0, 0]", "r.draws"] {
      let (a, b) = (run(session, program), run(other, program))
      #expect(a.shortText(PrintOptions()) == b.shortText(PrintOptions()), "\(program)")
    }
  }

  @Test func anyDepthAndAnyCycle() throws {
    let session = session()
    run(session, "deep = []; for i in 1..300000 { deep = [deep] }")
    run(session, "fn link() { f = none; g = () => f; f = g; g }; ring = link(); n = 0")
    run(session, "chain = () => 0; for i in 1..50000 { old = chain; chain = ((f) => () => f)(old) }")
    let other = try restored(session)
    #expect(run(other, "x = deep; n = 0; while len(x) > 0 { x = x[0]; n += 1 }; n").asInt == 300_000)
    #expect(run(other, "ring()() == ring()").asBool == true)
  }

  /// Random nested values are the same afterwards.
  @Test func randomValues() throws {
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0 ... .max, using: &generator)
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    func value(_ depth: Int) -> Value {
      switch next(depth > 5 ? 7 : 9) {
      case 0: return .none
      case 1: return Value(next(2) == 0)
      case 2: return Value(next(1 << 30) - (1 << 29))
      case 3: return Value(Double(bitPattern: UInt64(next(1 << 30)) << 33))
      case 4: return Value(String(repeating: "ab\u{301}\u{1F600}", count: next(40)))
      case 5: return RangeValue(start: next(9), end: next(90), step: 1 + next(4)).map { .range($0) } ?? .none
      case 6: return Value([0.5, Double(next(9))])
      case 7: return Value((0..<next(6)).map { _ in value(depth + 1) })
      default: return Value(fields: (0..<next(6)).map { ("k\($0)", value(depth + 1)) })
      }
    }
    let session = session()
    for number in 0..<200 { session["v\(number)"] = value(0) }
    let other = try restored(session)
    func form(_ value: Value?) -> String {
      var options = PrintOptions()
      (options.items, options.depth, options.characters) = (10_000, 100, 1 << 20)
      return value?.shortText(options) ?? "missing"
    }
    for number in 0..<200 { #expect(form(session["v\(number)"]) == form(other["v\(number)"]), "seed \(seed)") }
  }

  /// Every byte of a file that is another one, and every length that is too short, is refused, and changes nothing.
  @Test func whatIsDamagedChangesNothing() throws {
    let session = session()
    run(session, "fn f(x) { x + k }; k = 2; net = mlp(hidden=[2]); xs = [1, \"a\", {b: 2.0}, f]; r = random(1)")
    run(session, "p = plot({a: [1, 2], b: [3, 4], b_low: [2, 2], b_high: [5, 5]}, x=\"a\", y=\"b\")")
    run(session, "s = show(zeros([2, 2]), labels=\"t\")")
    let graph = try session.saved()
    let folder = try TemporaryFolder()
    let path = folder.path("s.ltds")
    try SessionFile.write(graph, to: path)
    let bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
    let other = self.session()
    run(other, "mine = 5")
    for place in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 300)) {
      var changed = bytes
      changed[place] ^= 0x41
      try Data(changed).write(to: URL(filePath: path))
      #expect(throws: CoreError.self) { try other.restore(SessionFile.read(path)) }
      try Data(bytes[..<place]).write(to: URL(filePath: path))
      #expect(throws: CoreError.self) { try other.restore(SessionFile.read(path)) }
    }
    #expect(other.variables.map(\.name) == ["mine"])
    // The graph itself, as if the digest were right: it throws or it makes something, and never traps.
    for place in graph.bytes.indices {
      for change: UInt8 in [0x01, 0x80, 0xFF] {
        var damaged = graph
        damaged.bytes[place] ^= change
        _ = try? self.session().restore(damaged)
      }
    }
    for length in 0..<graph.bytes.count {
      var damaged = graph
      damaged.bytes = Array(graph.bytes[..<length])
      #expect(throws: CoreError.self) { try other.restore(damaged) }
    }
    #expect(run(other, "mine").asInt == 5)
  }

  /// What cannot be kept is named, and only what holds it is left out.
  @Test func whatCannotBeKeptIsNamed() throws {
    let session = session()
    run(session, "r = random(1); bad = [1, r.rand]; good = [r]")
    let graph = try session.saved()
    #expect(graph.omitted.map(\.name) == ["bad"])
    let other = self.session()
    try other.restore(graph)
    #expect(other.variables.map(\.name) == ["good", "r"])
  }

  /// A moment keeps what was there whatever comes after, and a session goes back to it.
  @Test func aMomentStays() throws {
    let session = session()
    run(session, "xs = [1, 2]; t = zeros([3]); net = mlp(hidden=[4]); r = random(1); f = none")
    run(session, "fn count() { n = 0; () => { outer n = n + 1; n } }; c = count(); c()")
    let before = session.moment()
    let fingerprint = run(session, "net.fingerprint").asString
    run(session, "xs[0] = 9; t[1] = 5; r.rand(); c(); y = 1; net.parameters = mlp(hidden=[4], seed=9).parameters")
    let other = self.session()
    try other.restore(session.saved(at: before))
    for (program, value) in [("xs[0]", 1), ("r.draws", 0), ("c()", 2)] { #expect(run(other, program).asInt == value) }
    #expect(run(other, "net.fingerprint").asString == fingerprint)
    #expect(other["y"] == nil)
    before.restoreAll(in: session)
    for (program, value) in [("xs[0]", 1), ("r.draws", 0), ("c()", 2)] { #expect(run(session, program).asInt == value) }
    #expect(run(session, "net.fingerprint").asString == fingerprint)
  }
}
