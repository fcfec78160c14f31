import Builtins
import Syntax
import Testing

/// Every member that a kind of value lists can be read, is described, and has the type that the list states.
@Suite struct MemberTests {
  /// A value of each kind, in all forms in which members differ.
  static let values = [
    "tensor": ["zeros([2, 3])", "tensor(3)", "zeros([0])", "int64([1])", "zeros([2]) > 0"],
    "dataset": ["glyphs(n=8)[0]", "take(glyphs(n=8)[0], 0)"],
    "model": [
      "mlp(hidden=[2])", "network([flatten(), linear(3)], input=[1, 2, 2])", "preactresnet18(planes=[2, 2, 2, 2])",
    ],
    "evaluation": [
      "evaluate(mlp(hidden=[2]), glyphs(n=8)[0], quiet=true)",
      "evaluate(mlp(hidden=[2]), glyphs(n=8)[0], attacks=[fgsm(), fgsm()], quiet=true)",
    ],
    "certificate": [
      "certify(mlp(hidden=[2]), glyphs(n=8)[0], eps=0.01, quiet=true)",
      """
      certify(mlp(hidden=[2]), glyphs(n=8)[0], eps=0.01, quiet=true,
        against=evaluate(mlp(hidden=[2]), glyphs(n=8)[0], attacks=fgsm(), eps=0.01, quiet=true))
      """,
    ],
    "diagnosis": [
      "diagnose(mlp(hidden=[2], seed=1), glyphs(n=8)[0], eps=0.01, steps=2, queries=2, quiet=true)",
      "diagnose(mlp(hidden=[2], seed=1), glyphs(n=8)[0], eps=0.01, checks=\"stochastic\", quiet=true)",
    ],
    "summary": ["summary(mlp(hidden=[2]))", "summary(freeze(smallcnn(), \"*.bias\"))"],
    "figure": ["plot([1, 2])", "plot(zeros([2, 3]))", "compare(zeros([1, 2, 2]), zeros([1, 2, 2]))"],
    "job": ["(() => { job = background(() => 1); wait(job); job })()"],
    "optimiser": ["sgd(mlp(hidden=[2]))"], "random": ["random(7)"], "range": ["0..3"], "function": ["x => x", "sum"],
    "oracle": [
      """
      fn() {
        seen = none
        perturb(mlp(hidden=[2]), glyphs(n=4)[0], attack=attack("a", (oracle, x, y, eps) => { outer seen = oracle; x }))
        seen
      }()
      """
    ],
    "step": [
      """
      fn() {
        seen = none
        m = method("m", step => { outer seen = step; cross_entropy(step.forward(step.images), step.labels) })
        fit(mlp(hidden=[2]), glyphs(n=4)[0], method=m, epochs=1, quiet=true)
        seen
      }()
      """
    ],
    "error": ["try { log(-1) } catch e { e }", "try { error(\"no\") } catch e { e }", "error_of(() => zeros([2])[3])"],
  ]

  @Test(arguments: BuiltinTable.standard.kinds.values.sorted { $0.name < $1.name }.filter { !$0.members.isEmpty })
  func everyMember(_ kind: Kind) throws {
    #expect(kind.summary.hasSuffix("."), "\(kind.name)")
    for code in try #require(Self.values[kind.name], "a value of kind \(kind.name)") {
      let session = Session(table: .standard)
      let setUp = "fn error_of(f) { try { f() } catch e { e } }\nvalue = \(code)"
      #expect(session.transcript(of: setUp) == "", "\(code)")
      let value = try #require(session["value"])
      #expect(value.typeName == kind.name, "\(code)")
      #expect(session.members(of: value).map(\.name) == kind.members.map(\.name))
      for member in kind.members {
        #expect(member.summary.hasSuffix("."), "\(kind.name).\(member.name)")
        guard case .value(let part, _) = session.run(Source(name: "test.ltd", text: "value.\(member.name)")) else {
          Issue.record("\(code).\(member.name) cannot be read")
          continue
        }
        let type = try #require(try parseSignature("f(x: \(member.type))").parameters.first?.type)
        #expect(Self.matches(part, type), "\(code).\(member.name) is \(part.described), not \(member.type)")
      }
    }
  }

  private static func matches(_ value: Value, _ type: TypeExpr) -> Bool {
    type.alternatives.contains { term in
      if term.name.text == "any" { return true }
      guard term.name.text == value.typeName || term.name.text == "function" && value.asObject?.callSignature != nil
      else {
        return false
      }
      guard case .type(let element)? = term.arguments?.first else { return true }
      return value.asList?.allSatisfy { matches($0, element) } ?? false
    }
  }

  @Test func namesAreDifferent() {
    for kind in BuiltinTable.standard.kinds.values {
      #expect(Set(kind.members.map(\.name)).count == kind.members.count, "\(kind.name)")
    }
  }

  @Test func onlySomeCanBeSet() {
    let session = Session(table: .standard)
    #expect(session.transcript(of: "net = mlp(hidden=[2]); net.name = \"small\"; net.name") == "\"small\"")
    #expect(session.transcript(of: "net.name = 3").contains("this part of a model cannot be set"))
    #expect(session.transcript(of: "net.size = 3").contains("this part of a model cannot be set"))
    guard case .failure(let found) = session.run(Source(name: "test.ltd", text: "net.sise")) else { return }
    #expect(found.first?.hint == "did you mean size?")
  }
}
