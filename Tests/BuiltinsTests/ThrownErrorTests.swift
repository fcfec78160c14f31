import Base
import Builtins
import HostSupport
import Testing

/// An error of the core, or of the language, keeps kind, message, hint and argument, and gets its place, on every way from a
/// built-in or a host object to the program.
@Suite struct ThrownErrorTests {
  static let kinds: [CoreError.Kind] = [.shape, .type, .value, .io, .numeric, .memory, .interrupted, .limit]

  /// A program, in which K stands for the kind, and what its error points at: an argument, an operator, a member.
  static let ways = [
    // Built-ins, however they are called.
    ("fail(7, K)", "7"), ("fail(kind=K, x=7)", "7"), ("fail(*[7, K])", "*[7, K]"), ("(7).fail(K)", "(7)"),
    ("7 |> fail(K)", "7"), ("f = fail; f(7, K)", "7"), ("r = {f: fail}; r.f(7, K)", "7"), ("x = 7; x.fail(K)", "x"),
    ("renamed(7, K)", "7"), ("renamed(kind=K, target=7)", "7"), ("(7).renamed(K)", "(7)"), ("own(7, K)", "7"),
    ("unnamed(7, K)", "unnamed(7, K)"), ("defaulted(K)", "defaulted(K)"),
    // Functions that built-ins and the core call.
    ("map([7], v => fail(v, K))", "v"), ("map([7], v => own(v, K))", "v"), ("filter([7], v => fail(v, K))", "v"),
    ("sort([7, 8], key=v => fail(v, K))", "v"), ("reduce([7, 8], (v, w) => fail(v, K))", "v"),
    ("collect([7], v => fail(v, K))", "v"), ("map([K], v => map([7], w => fail(w, v)))", "w"),
    ("grad(v => fail(v, K), 2.0)", "v"), ("grad(v => own(v, K), [2.0])", "v"),
    ("value_and_grad(v => fail(v, K), 2.0)", "v"),
    ("grad(m => fail(7, K), mlp(hidden=[2]))", "7"), ("check_gradients(v => fail(v, K), [2.0])", "v"),
    ("check_gradients(v => own(v, K), [2.0])", "v"), ("grad(v => grad(w => fail(w, K), v), 2.0)", "w"),
    ("grad(v => exp(clip(v, min=fail(7, K))), 2.0)", "7"), ("[fail(v, K) for v in [7]]", "v"),
    ("fn f(v) { fail(v, K) }\nf(7)", "v"), ("import words\nwords.refuse(7, K)", "words.refuse(7, K)"),
    // Host objects.
    ("faulty(K)(7)", "7"), ("faulty(K)(x=7)", "7"), ("f = faulty(K); map([7], f)", "map([7], f)"),
    ("f = faulty(K); map([7], v => f(v))", "v"), ("sum(faulty(K))", "faulty(K)"), ("abs(faulty(K))", "faulty(K)"),
    ("f = faulty(K); f.sum()", "f"), ("grad(v => sum(faulty(K)), 2.0)", "faulty(K)"), ("max(faulty(K))", "faulty(K)"),
    ("f = faulty(K); f.part", "part"), ("f = faulty(K); f.part(3)", "part"), ("f = faulty(K); f[0]", "0"),
    ("f = faulty(K); f[0] = 1", "f[0]"), ("f = faulty(K); f.part = 1", "part"), ("f = faulty(K); f[0] += 1", "f[0]"),
    ("f = faulty(K); f + 1", "+"), ("f = faulty(K); 1 + f", "+"), ("faulty(K) * 2", "*"),
    ("2 * faulty(K)", "*"), ("f = faulty(K); f += 1", "+="), ("-faulty(K)", "-faulty(K)"),
    ("faulty(K) < 1", "<"), ("1 == faulty(K)", "=="),
    ("[1] == [faulty(K)]", "=="),
    ("1 in faulty(K)", "in"), ("if faulty(K) { 1 }", "faulty(K)"), ("not faulty(K)", "not faulty(K)"),
    ("for v in faulty(K) { 1 }", "faulty(K)"), ("for a, b in faulty(K) { 1 }", "faulty(K)"),
    ("[v for v in faulty(K)]", "faulty(K)"), ("list(faulty(K))", "list(faulty(K))"), ("\"{faulty(K):.3f}\"", ":.3f"),
    ("float(faulty(K))", "float(faulty(K))"), ("int(faulty(K))", "int(faulty(K))"),
    ("bool(faulty(K))", "bool(faulty(K))"),
    ("sort([faulty(K), faulty(K)])", "[faulty(K), faulty(K)]"), ("typed(faulty(K))", "faulty(K)"),
  ]

  @Test(arguments: kinds) func coreError(_ kind: CoreError.Kind) {
    for (program, place) in Self.ways {
      let code = program.replacing("K", with: "\"\(kind.rawValue)\"")
      let found = Self.failure(of: code)
      #expect(found?.kind.rawValue == kind.rawValue, "\(code): \(String(describing: found))")
      #expect(found?.message == "the core says no", "\(code)")
      #expect(found?.hint == "ask again", "\(code)")
      let text = found?.source.flatMap { source in found?.span.map { source.text($0) } }
      #expect(text == place.replacing("K", with: "\"\(kind.rawValue)\""), "\(code)")
    }
  }

  static func failure(of code: String) -> Diagnostic? {
    let session = Session(table: table, host: TestHost(modules: ["words": "fn refuse(x, kind) { fail(x, kind) }"]))
    guard case .failure(let diagnostics) = session.run(Source(name: "test.ltd", text: code)) else { return nil }
    return diagnostics.first
  }

  static let table: BuiltinTable = {
    var table = BuiltinTable.standard
    table.add([
      Builtin("fail(x, kind: string) -> any", "Throws an error of the core.", family: "test") { call in
        throw failure(try call.string("kind"), at: "x")
      },
      Builtin("defaulted(kind: string, x: int = 3) -> any", "Blames a default.", family: "test") { call in
        throw failure(try call.string("kind"), at: "x")
      },
      Builtin("renamed(target, kind: string) -> any", "As fail, by the core's name.", family: "test") { call in
        throw failure(try call.string("kind"), at: "labels")
      },
      Builtin("unnamed(x, kind: string) -> any", "As fail, of no argument.", family: "test") { call in
        throw failure(try call.string("kind"), at: nil)
      },
      Builtin("own(x, kind: string) -> any", "Throws an error of the language.", family: "test") { call in
        let error = failure(try call.string("kind"), at: nil)
        throw call.error(
          Diagnostic.Kind(rawValue: error.kind.rawValue) ?? .internal, error.message, hint: error.hint, at: "x")
      },
      Builtin("faulty(kind: string) -> faulty", "An object that can do nothing.", family: "test") { call in
        Value(Faulty(try call.string("kind")))
      },
      Builtin("typed(x: refused) -> any", "Makes an object of its argument.", family: "test") { _ in .none },
    ])
    table.coerce(to: "refused") { value in
      guard case .object(let object) = value, let object = object as? Faulty else { return nil }
      throw object.error()
    }
    return table
  }()

  private static func failure(_ kind: String, at argument: String?) -> CoreError {
    CoreError(CoreError.Kind(rawValue: kind) ?? .value, "the core says no", hint: "ask again", argument: argument)
  }

  /// Every operation throws an error of the core.
  private final class Faulty: HostObject {
    private let kind: String

    init(_ kind: String) { self.kind = kind }

    func error(at argument: String? = nil) -> CoreError { failure(kind, at: argument) }

    private static let signature = CallSignature("faulty(x: any) -> any")

    override class var typeName: String { "faulty" }
    override var callSignature: CallSignature? { Self.signature }
    override var hasPairs: Bool { true }
    override var length: Int? { 1 }
    override var isNumber: Bool { true }
    override func binary(_ op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Value? { throw error() }
    override func overwrite(with op: BinaryOperator, _ other: Value, reversed: Bool) throws -> Bool { throw error() }
    override func unary(_ op: UnaryOperator) throws -> Value? { throw error() }
    override func compare(_ op: ComparisonOperator, _ other: Value, reversed: Bool) throws -> Value? { throw error() }
    override func isEqual(to other: Value) throws -> Bool { throw error() }
    override func contains(_ value: Value) throws -> Bool? { throw error() }
    override func truth() throws -> Bool { throw error() }
    override func number() throws -> Value? { throw error() }
    override func index(_ items: [IndexItem]) throws -> Value? { throw error() }
    override func setIndex(_ items: [IndexItem], to value: Value, isUnique: Bool) throws -> HostObject? {
      throw error()
    }
    override class var members: [Member] {
      [
        Member(
          "part", "any", "Fails.", set: { (faulty: Faulty, _) in throw faulty.error() },
          { (faulty: Faulty) in throw faulty.error() })
      ]
    }
    override func element(at place: Int) throws -> Value? { throw error() }
    override func pair(at place: Int) throws -> Value { throw error() }
    override func call(_ call: Call) throws -> Value { throw error(at: "x") }
    override func apply(_ builtin: String, _ call: Call) throws -> Value? { throw error(at: "x") }
  }
}
