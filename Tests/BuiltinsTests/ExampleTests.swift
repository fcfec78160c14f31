import Builtins
import Foundation
import Testing

/// Every example of the one table is run, and prints what the table says.
@Suite struct ExampleTests {
  @Test(arguments: BuiltinTable.standard.functions.keys.sorted())
  func examples(_ name: String) throws {
    let builtin = try #require(BuiltinTable.standard.functions[name])
    for example in builtin.examples {
      #expect(evaluated(ownFiles(example.code, of: name)) == example.result, "\(example.code)")
    }
  }

  @Test func everyEntryIsComplete() {
    let table = BuiltinTable.standard
    // They need files or a server, end the session, or show what is in it.
    let withoutExample: Set = [
      "mnist", "fashion_mnist", "cifar10", "cifar100", "cifar10_c", "cifar100_c", "download", "load_weights", "exit",
      "vars",
    ]
    for (name, builtin) in table.functions {
      #expect(builtin.summary.hasSuffix("."), "\(name): the summary is a sentence")
      #expect(!builtin.examples.isEmpty || withoutExample.contains(name), "\(name) has no example")
      #expect(!builtin.signature.parameterNames.isEmpty || builtin.signature.text.contains("()"), "\(name): signature")
      #expect(!builtin.seeAlso.isEmpty, "\(name) points to nothing related")
      #expect(!builtin.search.isEmpty, "\(name) has no search words")
      for other in builtin.seeAlso where !other.contains(".") {
        #expect(table.functions[other] != nil || table.constants[other] != nil, "\(name) points to \(other)")
      }
    }
  }

  @Test func everyArgumentIsDescribed() throws {
    let session = Session(table: .standard)
    for name in session.table.functions.keys.sorted() {
      let page = try #require(session.documentation(of: name))
      for argument in page.arguments { #expect(!argument.summary.isEmpty, "\(name) says nothing of \(argument.name)") }
    }
  }

  @Test func adviceIsOnlyForUnknownNames() {
    let table = BuiltinTable.standard
    for name in table.advice.keys { #expect(table.functions[name] == nil, "\(name) exists, and has advice") }
  }
}

/// The example of a built-in, with files that no other test and no other process writes.
func ownFiles(_ code: String, of name: String) -> String {
  code.replacingOccurrences(of: "/tmp/ltd-example", with: "/tmp/ltd-example-\(getpid())-\(name)")
}

/// What the prompt shows for a piece of the language.
func evaluated(_ code: String) -> String { Session(table: .standard).transcript(of: code) }
