import Foundation
import Syntax
import Testing

/// Every message of lexer and parser as the user sees it. A file holds cases: `=== name`, the program, `---`, the
/// messages. `LTD_RECORD=1 swift test --filter SnapshotTests` writes the messages anew; review the difference.
@Suite struct SnapshotTests {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Snapshots")

  static let files: [String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    return names.filter { $0.hasSuffix(".txt") }.sorted()
  }()

  struct Case {
    var name: String
    var program: String
    var expected: String
  }

  @Test(arguments: files)
  func messages(file: String) throws {
    let url = Self.folder.appendingPathComponent(file)
    let cases = Self.cases(in: try String(contentsOf: url, encoding: .utf8))
    #expect(!cases.isEmpty)
    var recorded = ""
    for item in cases {
      let program = parse(Source(name: "test.ltd", text: item.program))
      var actual = render(program.diagnostics)
      if program.diagnostics.isEmpty { actual = "no error\n" }
      while actual.hasSuffix("\n") { actual.removeLast() }
      recorded += "=== \(item.name)\n\(item.program)\n---\n\(actual)\n\n"
      if ProcessInfo.processInfo.environment["LTD_RECORD"] == nil {
        #expect(actual == item.expected, "\(file): \(item.name)")
      }
    }
    if ProcessInfo.processInfo.environment["LTD_RECORD"] != nil {
      try recorded.write(to: url, atomically: true, encoding: .utf8)
    }
  }

  static func cases(in text: String) -> [Case] {
    var cases: [Case] = []
    var isProgram = false
    for line in text.components(separatedBy: "\n") {
      if line.hasPrefix("=== ") {
        cases.append(Case(name: String(line.dropFirst(4)), program: "", expected: ""))
        isProgram = true
      } else if line == "---", isProgram {
        isProgram = false
      } else if let last = cases.indices.last {
        if isProgram { cases[last].program += line + "\n" } else { cases[last].expected += line + "\n" }
      }
    }
    return cases.map { item in
      var item = item
      if item.program.hasSuffix("\n") { item.program.removeLast() }
      while item.expected.hasSuffix("\n") { item.expected.removeLast() }
      return item
    }
  }
}
