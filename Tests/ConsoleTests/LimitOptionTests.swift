import Console
import Foundation
import TestSupport
import Testing

/// Runs of scripts that nobody has read.
@Suite
struct LimitOptionTests {
  private func ltd(_ words: String..., variables: [String: String] = [:]) -> ChildProcess {
    ChildProcess.run(BuiltProgram.path, words, environment: variables, seconds: 60)
  }

  @Test(arguments: [
    ("--max-memory=300", "x = []; while true { x = append(x, ones([500, 500])) }"),
    ("--max-memory=300", "zeros([10**9])"),
    ("--max-memory=300", "while true { try { ones([10**9]) } catch e { } }"),
    ("--max-memory=300", "x = []; while true { x = append(x, x) }"),
    ("--max-seconds=0.3", "x = rand([1000, 1000]); while true { x @ x }"),
    ("--max-seconds=0.3", "a, b = glyphs(n=500); fit(smallcnn(), a, epochs=1000)"),
    ("--max-seconds=0.3", "sleep(1000)"),
    ("--max-seconds=0.1", "while true { (\"a\" * 10**6 + \"b\") in \"a\" * 2*10**6 }"),
    ("--max-seconds=0.1", "while true { \"a\" * 10**9 }"),
    ("--max-seconds=0.1", "list(zeros([10**7]) + 0.1)"), ("--max-seconds=0.1", "list(\"ab\" * 4*10**7)"),
    ("--max-seconds=0.1", "upper(\"é\" * 10**8)"), ("--max-seconds=0.1", "replace(\"ab\" * 10**8, \"a\", \"c\")"),
    ("--max-seconds=0.1", "to_json([1..10**6] * 19)"),
    ("--max-seconds=0.1", "[[1]] * 10**8"), ("--max-seconds=0.1", "x = [1, 2] * 4*10**7; while true { 3 in x }"),
    ("--max-seconds=0.1", "x = [1.5, 2] * 10**7; y = [1.5, 2] * 10**7; while true { x == y }"),
    ("--max-seconds=0.1", "enumerate(1..10**8)"),
    ("--max-memory=100", "to_json([1..10**6] * 100)"), ("--max-memory=100", "split(\"a,\" * 2*10**7, \",\")"),
    ("--max-memory=100", "split(\"a b\" * 10**7)"), ("--max-memory=100", "split(\"é b\" * 10**7)"),
    ("--max-memory=100", "lines(\"a\\n\" * 10**7)"), ("--max-memory=100", "parse_csv(\"a,\" * 10**7)"),
    ("--max-memory=100", "parse_csv(\"a\\n\" * 10**7)"), ("--max-memory=100", "list(\"ab\" * 10**7)"),
    ("--max-memory=100", "str(zeros([10**7]))"),
    ("--max-steps=1000", "fn f(n) { if n == 0 { 0 } else { f(n - 1) } }; f(2000)"),
    ("--no-files", "try { read_text(\"/etc/passwd\") } catch e { 1 }"), ("--no-files", "import \"/etc/passwd\" as x"),
  ])
  func limits(_ option: String, _ code: String) throws {
    let child = ltd(option, "--json-errors", "-e", code)
    #expect(child.ending == .exited(1))
    let found = try JSONSerialization.jsonObject(with: Data(child.errorOutput.utf8)) as? [String: Any]
    let error = try #require(found, "\(child.errorOutput)")
    #expect(error["kind"] as? String == "limit" && error["code"] as? String == "E-limit")
    #expect(error["line"] as? Int == 1)
  }

  @Test func scriptsKnowTheLimitsToo() throws {
    let file = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).ltd")
    defer { try? FileManager.default.removeItem(at: file) }
    try Data("import tables\nprint(1)\nwhile true { }\n".utf8).write(to: file)
    let child = ltd("--no-files", "--max-steps", "100", file.path)
    #expect(child.output == "1\n")
    #expect(child.errorOutput.contains("stopped after 100 steps") && child.errorOutput.contains(":3:1"))
  }

  @Test(arguments: [
    ["--max-memory", "0"], ["--max-seconds", "0"], ["--max-seconds", "-1"], ["--max-steps", "0"],
    ["--max-memory", "x"],
  ])
  func nonsenseIsRefused(_ words: [String]) {
    #expect(ChildProcess.run(BuiltProgram.path, words + ["-e", "1"], seconds: 60).ending == .exited(2))
  }

  @Test(arguments: [("LTD_THREADS", "abc"), ("LTD_THREADS", "0"), ("LTD_MEMORY_LIMIT", "much"), ("LTD_SIMD", "mmx")])
  func settingsOfTheEnvironmentAreChecked(_ name: String, _ value: String) {
    let child = ltd("-e", "1", variables: [name: value])
    #expect(child.ending == .exited(2))
    #expect(child.errorOutput.contains(name) && child.errorOutput.contains("'\(value)'"))
    #expect(ltd("-e", "1", variables: [name: ""]).output == "1\n")
  }
}
