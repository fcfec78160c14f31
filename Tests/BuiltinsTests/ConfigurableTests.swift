import Base
import Builtins
import Networks
import Robustness
import Tensors
import Testing

/// Every value that is made by a call, from the lists that make the built-ins: what it prints can be typed and gives an
/// equal value, and its checks are made where it is typed. A new attack or method is tried without a line here.
@Suite struct ConfigurableTests {
  private let session: Session

  init() {
    session = Session(table: .standard)
    _ = session.run(Source(name: "prelude.ltd", text: "teacher = mlp(hidden=[4]); fn f(a, b=0, c=0, d=0) { a }"))
  }

  static let types: [any Configurable.Type] = Attacks.all + Methods.all
  static let names = types.map { $0.name } + ["attack", "method"]

  private func value(_ code: String) -> Result<Value, LTDError> {
    switch session.run(Source(name: "test.ltd", text: code)) {
    case .value(let value, _): .success(value)
    case .failure(let errors): .failure(LTDError(errors[0]))
    case .exit: .failure(LTDError(.internal, "exit"))
    }
  }

  private func text(_ code: String) throws -> String { try value(code).get().shortText(PrintOptions()) }

  /// Values of a setting to try, from its type.
  private func candidates(_ parameter: Parameter) -> [String] {
    let types = parameter.type?.alternatives.map(\.name.text) ?? []
    var values: [String] = []
    if types.contains("bool") { values += ["true", "false"] }
    if types.contains("int") { values += ["1", "2", "7"] }
    if types.contains("float") { values += ["0", "1", "0.25", "8/255", "0.1"] }
    if types.contains("string") {
      values += ["ce", "kl", "trades", "pgd_at", "train", "eval", "uniform", "image", "normal", "a name"].map {
        "\"\($0)\""
      }
    }
    if types.contains("model") { values.append("teacher") }
    if types.contains("function") { values.append("f") }
    if types.contains("method") { values += ["pgd_at()", "ltd(teacher, beta=6)", "trades(beta=6)", "rslad(teacher)"] }
    return values
  }

  /// The arguments that a call must have.
  private func required(_ parameters: [Parameter]) -> [String] {
    parameters.filter { $0.defaultValue == nil }.compactMap { parameter in
      candidates(parameter).last.map { "\(parameter.name.text)=\($0)" }
    }
  }

  @Test(arguments: names)
  func whatIsPrintedCanBeTyped(_ name: String) throws {
    let entry = try #require(BuiltinTable.standard.functions[name])
    let parameters = try parseSignature(entry.signature.text).parameters
    let needed = required(parameters)
    var calls = [needed]
    for parameter in parameters {
      let others = needed.filter { !$0.hasPrefix("\(parameter.name.text)=") }
      let settings = candidates(parameter).map { "\(parameter.name.text)=\($0)" }
      calls += settings.map { others + [$0] }
      for other in parameters where other.name.text > parameter.name.text {
        let rest = others.filter { !$0.hasPrefix("\(other.name.text)=") }
        for setting in settings { calls += candidates(other).map { rest + [setting, "\(other.name.text)=\($0)"] } }
      }
    }
    // A model prints as its name.
    _ = session.run(Source(name: "prelude.ltd", text: "teacher.name = \"teacher\""))
    var made: Set<String> = []
    for arguments in calls {
      let call = "\(name)(\(arguments.joined(separator: ", ")))"
      guard case .success = value(call) else { continue }
      let printed = try text(call)
      made.insert(printed)
      #expect(try text("\(call) == \(call)") == "true", "\(call)")
      #expect(try text("(\(printed)) == \(call)") == "true", "\(call) prints as \(printed)")
      #expect(try text(printed) == printed)
    }
    #expect(made.count > (parameters.count - needed.count), "\(name) is hardly tried: \(made)")
  }

  /// Two values with different settings are different.
  @Test(arguments: names)
  func differentSettingsAreDifferentValues(_ name: String) throws {
    let entry = try #require(BuiltinTable.standard.functions[name])
    let parameters = try parseSignature(entry.signature.text).parameters
    let needed = required(parameters)
    for parameter in parameters {
      let rest = needed.filter { !$0.hasPrefix("\(parameter.name.text)=") }
      let calls = candidates(parameter).map {
        "\(name)(\((rest + ["\(parameter.name.text)=\($0)"]).joined(separator: ", ")))"
      }
      .filter { if case .success = value($0) { true } else { false } }
      for a in calls {
        for b in calls { #expect(try text("\(a) == \(b)") == (text(a) == text(b) ? "true" : "false"), "\(a), \(b)") }
      }
    }
  }

  /// Settings that cannot work are refused where they are typed, at the argument.
  @Test(arguments: [
    "trades(beta=-1)", "pgd(steps=0)", "pgd(eps=8)", "fgsm(eps=-0.1)", "apgd(large_eps=true)",
    "apgd_t(norm=\"l1\", large_eps=true, steps=2)", "apgd(loss=\"kl\")", "pgd(step_size=0)", "pgd(objective=\"mart\")",
    "pgd(random_start=\"far\")", "ltd(teacher, temperature=0)", "ltd(teacher, mix=2)", "ltd(teacher, on=\"hat\")",
    "ltd(teacher, beta=1, on=\"pgd_at\")", "pgd_at(attack_mode=\"test\")", "attack(\"\", f)",
    "method(\"m\", f, attack_mode=\"train\")", "awp(awp(trades()))", "awp(pgd())", "igdm(trades())",
    "igdm(saad(teacher))", "awp(lbgat(teacher))", "trades(forwards=4)",
    "fast_at(guard=2)", "n_fgsm(k=-1)", "free_at(replays=0)", "sat(momentum=2)", "adr(lambda=[1])",
    "ikl(temperature=0)", "awp(free_at())", "pgd_at(convention=\"others\")", "hat(teacher, h=0)",
  ])
  func settingsThatCannotWorkAreRefused(_ call: String) throws {
    guard case .failure(let error) = value(call) else {
      Issue.record("\(call) is accepted")
      return
    }
    let span = try #require(error.diagnostic.span)
    let place = try #require(error.diagnostic.source).text(span)
    #expect(place != call, "\(error.diagnostic.message) stands at the call")
  }

  /// Those that can be made without a model, a method or a function.
  private static let free = types.filter { type in
    func needsNothing<Made: Configurable>(_ type: Made.Type) -> Bool { Made.settings.allSatisfy { !$0.isRequired } }
    return needsNothing(type)
  }

  @Test(arguments: free.map { $0.name })
  func recordsAreReadBack(_ name: String) throws {
    func check<Made: Configurable>(_ type: Made.Type) throws {
      let made = Made()
      #expect(try Made(JSON.parse(made.json.text)).isEqual(to: made))
      #expect(throws: CoreError.self) { try Made(JSON.parse(#"{"kind":"other"}"#)) }
    }
    for type in Self.types where type.name == name { try check(type) }
    var pgd = PGD(eps: 8.0 / 255, stepSize: 0.1, steps: 3, start: .normal, restarts: 2, loss: .klDivergence)
    #expect(try PGD(JSON.parse(pgd.json.text)).isEqual(to: pgd))
    pgd.start = .image
    #expect(throws: CoreError.self) { try PGD(JSON.parse(pgd.json.text)) }
  }

  /// In a record, a model is its name and its weights.
  @Test func modelsAreKnownByTheirWeights() throws {
    let architecture = Architecture(MLP(hidden: [4]), classes: 10, input: [1, 8, 8])
    let (a, b) = (try Model(architecture, seed: 1), try Model(architecture, seed: 1))
    #expect(a.fingerprint == b.fingerprint)
    #expect(try a.fingerprint != Model(architecture, seed: 2).fingerprint)
    var weights = a.parameters
    weights[1] = try weights[1] + 1e-3
    try b.setParameters(weights)
    #expect(a.fingerprint != b.fingerprint)
    #expect(try a.fingerprint != a.at(temperature: 2).fingerprint)
    #expect(try LTD(teacher: a).json.text.contains("\"teacher\":\"mlp#\(a.fingerprint)\""))
  }
}
