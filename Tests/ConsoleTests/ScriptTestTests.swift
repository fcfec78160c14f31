import Console
import Foundation
import TestSupport
import Testing

/// The runner of scripts with expectations.
@Suite
struct ScriptTestTests {
  @Test func expectationsAreReadFromComments() {
    let test = ScriptTest(
      path: "a.ltd",
      text: """
        # args: one "two words" --three
        # stdin: a line
        # timeout: 2.5
        print(1)  # expect: 1
        print("# expect: no")  # expect:  # expect: no
        print(table)
        # expect:    a  b
        # expect:
        x = '''
        # expect: within a string
        '''
        oops  # expect error: no variable
        # expect error: on the line above
        # expect exit: 3
        """)
    #expect(test.arguments == ["one", "two words", "--three"])
    #expect(test.input == "a line\n")
    #expect(test.seconds == 2.5)
    #expect(test.output.map(\.text) == ["1", " # expect: no", "   a  b", ""])
    #expect(test.output.map(\.line) == [4, 5, 7, 8])
    #expect(test.errors.map(\.line) == [12, 12])
    #expect(test.exit == 3)
    #expect(test.skipped == nil)
    #expect(ScriptTest(path: "b.ltd", text: "# skip: not yet").skipped == "not yet")
    #expect(ScriptTest(path: "b.ltd", text: "# expect errors: x").problems.count == 1)
  }

  func result(_ text: String, seconds: Double = 60) throws -> ScriptTest.Result {
    let file = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).ltd")
    try Data(text.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    return ScriptTest.run(file.path, program: BuiltProgram.path, seconds: seconds)
  }

  @Test(arguments: [
    "print(1)  # expect: 1\nprint(2)  # expect: 2\n",
    "print(1)\n",
    "# skip: not yet\nprint(",
    "print(1)  # expect: 1\n[1][5]  # expect error: index\n",
    "print(1\n# expect error:\n",
    "exit(4)\n# expect exit: 4\n",
    "no_such_name  # expect error: no_such_name\nanother_name  # expect error: another_name\n",
  ])
  func good(_ text: String) throws {
    let result = try result(text)
    if case .failed(let failures) = result { Issue.record("\(failures)") }
  }

  @Test(arguments: [
    "print(1)  # expect: 2\n",
    "print(1)  # expect: 1\nprint(2)\n",
    "print(1)  # expect: 1\n# expect: 2\n",
    "[1][5]\n",
    "print(1)  # expect error: nothing of the kind\n",
    "x = 1\n[1][5]\ny = 1  # expect error: index\n",
    "exit(4)\n",
    "print(1)  # expect: 1\n# expect exit: 1\n",
    "print(1)  # expected: 1\n",
    "print(\n",
  ])
  func bad(_ text: String) throws {
    guard case .failed = try result(text) else {
      Issue.record("should fail")
      return
    }
  }

  @Test func aScriptThatDoesNotEndFails() throws {
    #expect(try result("while true { }\n", seconds: 0.5) == .failed(["took longer than 0.5 s"]))
  }

  @Test func theReportCounts() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder.appending(path: "sub"), withIntermediateDirectories: true)
    try Data("print(1)  # expect: 1\n".utf8).write(to: folder.appending(path: "good.ltd"))
    try Data("print(1)  # expect: 2\n".utf8).write(to: folder.appending(path: "sub/bad.ltd"))
    try Data("# skip: later\n".utf8).write(to: folder.appending(path: "sub/skipped.ltd"))
    try Data("print(".utf8).write(to: folder.appending(path: "_helper.ltd"))
    let child = ChildProcess.run(BuiltProgram.path, ["test", folder.path], seconds: 60)
    #expect(child.ending == .exited(1))
    #expect(child.output.contains("sub/bad.ltd"))
    #expect(child.output.contains("- 2") && child.output.contains("+ 1"))
    #expect(child.output.hasSuffix("1 passed, 1 failed, 1 skipped\n"))
  }

  @Test func examplesInCommentsAreRun() throws {
    let text = """
      scale = 10

      ## Ten times x.
      ##
      ## >>> tenfold(2)
      ## 20
      ## >>> "a text"
      ## "a text"
      ## >>> fn more(x) {
      ## ...   tenfold(x) + 1
      ## ... }
      ## >>> more(1)
      ## 11
      fn tenfold(x) { scale * x }

      """
    #expect(try result(text) == .passed)
    let wrong = try result(text.replacingOccurrences(of: "## 20", with: "## 21"))
    #expect(wrong == .failed(["example of tenfold: tenfold(2)\n  - 21\n  + 20"]))
    let broken = try result(text.replacingOccurrences(of: "## 11", with: "## error: there is no function moore"))
    #expect(broken == .failed(["example of tenfold: more(1)\n  - error: there is no function moore\n  + 11"]))
  }

  @Test func filesForImportHaveTheirExamplesRunOnly() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let text = "## Doubles.\n## >>> twice(4)\n## 8\nfn twice(x) { 2 * x }\n"
    try Data(text.utf8).write(to: folder.appending(path: "_helper.ltd"))
    try Data("error(\"not to be run\")\n".utf8).write(to: folder.appending(path: "_other.ltd"))
    let child = ChildProcess.run(BuiltProgram.path, ["test", folder.path], seconds: 60)
    #expect(child.output == "1 passed, 0 failed, 0 skipped\n")
    #expect(child.ending == .exited(0))
  }
}
