import Builtins
import Testing

/// Every example of the one table is run, and prints what the table says.
@Suite struct ExampleTests {
  @Test(arguments: BuiltinTable.standard.functions.keys.sorted())
  func examples(_ name: String) throws {
    let builtin = try #require(BuiltinTable.standard.functions[name])
    for example in builtin.examples { #expect(evaluated(example.code) == example.result, "\(example.code)") }
  }

  @Test func everyEntryIsComplete() {
    let table = BuiltinTable.standard
    // They need files, end the session, or show what is in it.
    let withoutExample: Set = ["mnist", "fashion_mnist", "cifar10", "cifar100", "load_weights", "exit", "vars"]
    for (name, builtin) in table.functions {
      #expect(builtin.summary.hasSuffix("."), "\(name): the summary is a sentence")
      #expect(!builtin.examples.isEmpty || withoutExample.contains(name), "\(name) has no example")
      #expect(!builtin.signature.parameterNames.isEmpty || builtin.signature.text.contains("()"), "\(name): signature")
      for other in builtin.seeAlso {
        #expect(table.functions[other] != nil || table.constants[other] != nil, "\(name) points to \(other)")
      }
    }
  }

  @Test func adviceIsOnlyForUnknownNames() {
    let table = BuiltinTable.standard
    for name in table.advice.keys { #expect(table.functions[name] == nil, "\(name) exists, and has advice") }
  }
}

/// What a piece of the language prints and gives.
func evaluated(_ code: String) -> String {
  let session = Session(table: .standard)
  let printed = Lines()
  session.output = { printed.append($0) }
  switch session.run(Source(name: "test", text: code)) {
  case .value(let value, let isHidden):
    if printed.text.isEmpty { return isHidden ? "" : value.text(session.printing) }
    return printed.text.trimmed + (isHidden || value.isNone ? "" : "\n" + value.text(session.printing))
  case .failure(let diagnostics): return "error: " + (diagnostics.first?.message ?? "")
  case .exit(let code): return "exit \(code)"
  }
}

private final class Lines: @unchecked Sendable {
  private(set) var text = ""
  func append(_ more: String) { text += more }
}

extension String {
  fileprivate var trimmed: String { hasSuffix("\n") ? String(dropLast()) : self }
}
