import Foundation
import TestSupport
import Testing

/// The contributor's page and the design notes against what they speak of.
@Suite
struct ContributingTests {
  private let root = SharedFiles.packageRoot

  /// What stands between backquotes on a page, other than in its samples of code.
  private func quoted(_ page: String) throws -> [String] {
    let text = try String(contentsOf: root.appending(path: page), encoding: .utf8)
    let prose = text.components(separatedBy: "```").enumerated().filter { $0.offset % 2 == 0 }.map(\.element)
    return prose.joined().matches(of: /`([^`\n]+)`/).map { String($0.1) }
  }

  private func files(below folder: String) throws -> [String] {
    let paths = try #require(FileManager.default.enumerator(atPath: root.appending(path: folder).path))
    return paths.compactMap { $0 as? String }.map { "\(folder)/\($0)" }
  }

  @Test(arguments: ["Sources/CONTRIBUTING.md", "Sources/DESIGN.md"])
  func filesAndSuitesAreThere(_ page: String) throws {
    let suites = try Set(files(below: "Tests").map { URL(filePath: $0).deletingPathExtension().lastPathComponent })
    var seen = 0
    for words in try quoted(page) {
      let path = String(words.prefix { $0 != " " })
      if path.contains("/"), ["Sources/", "Tests/", "stdlib/", "docs/", ".ci/"].contains(where: path.hasPrefix) {
        seen += 1
        let isThere = FileManager.default.fileExists(atPath: root.appending(path: path).path)
        #expect(isThere || path.contains("<"), "\(page) speaks of \(path)")
      } else if let suite = path.firstMatch(of: /^([A-Z][A-Za-z]*Tests)\b/) {
        seen += 1
        #expect(suites.contains(String(suite.1)), "\(page) speaks of \(suite.1)")
      }
    }
    #expect(seen > 20)
  }

  /// The attack of the page is a file of the tests, which build and try it.
  @Test func theAttackOfThePageIsBuilt() throws {
    let page = try String(contentsOf: root.appending(path: "Sources/CONTRIBUTING.md"), encoding: .utf8)
    let file = try String(contentsOf: root.appending(path: "Tests/RobustnessTests/NIFGSM.swift"), encoding: .utf8)
    #expect(page.contains("```swift\n\(file)```\n"))
  }

  /// The table names every variable that sources, tests and the package read, and no other.
  @Test func everyVariableIsInTheTable() throws {
    let sources = try (files(below: "Sources") + files(below: "Tests")).filter { $0.hasSuffix(".swift") }
    var read: Set<String> = []
    for file in sources + ["Package.swift"] {
      let text = try String(contentsOf: root.appending(path: file), encoding: .utf8)
      for line in text.split(separator: "\n") where !line.contains(".define(") {
        read.formUnion(line.matches(of: /"(LTD_[A-Z_]+)"/).map { String($0.1) })
      }
    }
    let page = try String(contentsOf: root.appending(path: "Sources/CONTRIBUTING.md"), encoding: .utf8)
    let rows = page.split(separator: "\n").filter { $0.hasPrefix("| `LTD_") }
    let named = rows.flatMap { $0.matches(of: /`(LTD_[A-Z_]+)`/).map { String($0.1) } }
    #expect(read == Set(named))
    #expect(named.count == Set(named).count)
  }
}
