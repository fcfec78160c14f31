import Console
import Foundation
import TestSupport
import Testing

/// The program as a shell sees it: words, exit statuses, pipes.
@Suite
struct ProgramTests {
  func ltd(_ words: String..., input: String = "", variables: [String: String] = [:]) -> ChildProcess {
    ChildProcess.run(BuiltProgram.path, words, input: input, environment: variables, seconds: 60)
  }

  func script(_ text: String) throws -> String {
    let file = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).ltd")
    try Data(text.utf8).write(to: file)
    return file.path
  }

  @Test func expressionsPrintTheirValue() {
    let child = ltd("-e", "8/2")
    #expect(child.ending == .exited(0))
    #expect(child.output == "4.0\n")
    #expect(child.errorOutput.isEmpty)
  }

  @Test func scriptsPrintOnlyWhatTheyPrint() throws {
    let child = ltd(try script("1 + 1\nprint(\"hello\")\n"))
    #expect(child.ending == .exited(0))
    #expect(child.output == "hello\n")
  }

  @Test func aScriptOnStandardInputHasNoPrompt() {
    let child = ltd(input: "x = 20\nprint(x + 1)\nx\n")
    #expect(child.ending == .exited(0))
    #expect(child.output == "21\n")
    #expect(ltd("-", input: "print(3)").output == "3\n")
  }

  /// Runs a command line of `sh` in which $LTD is the program.
  func shell(_ text: String, seconds: Double = 60) -> ChildProcess {
    ChildProcess.run("/bin/sh", ["-c", text], environment: ["LTD": BuiltProgram.path], seconds: seconds)
  }

  @Test(
    arguments: [
      ("print(1)", 1), ("1", 1), ("print(1); flush(); print(2)", 1), ("try { print(1); flush() } catch e { }", 1),
      ("for i in 1..100000 { print(i) }", 1), ("print(1); exit(3)", 3), ("print(1); exit(0)", 1),
    ])
  func outputThatCannotBeWrittenIsAnError(_ code: String, _ status: Int32) {
    let child = shell("\"$LTD\" -e '\(code)' > /dev/full")
    #expect(child.ending == .exited(status), "\(code)")
    let message = "the output could not be written: no space left on device"
    #expect(child.errorOutput.ranges(of: message).count == 1, "\(code): \(child.errorOutput)")
    let json = shell("\"$LTD\" --json-errors -e '\(code)' > /dev/full").errorOutput
    #expect(json.hasPrefix("{") && json.contains(message), "\(code): \(json)")
  }

  @Test func whatWasPrintedIsWrittenHoweverTheProgramEnds() {
    for end in ["", "error(\"x\")", "exit(2)", "while true {}", "[1][5]"] {
      let child = ltd("--max-steps", "100000", "-e", "print(\"begun\"); \(end)")
      #expect(child.output == "begun\n", "\(end)")
    }
    // Without a newline, in the middle of work that goes on, and in a program that is killed.
    let killed = shell(
      """
      f=$(mktemp); "$LTD" -e 'print("begun", end=""); while true {}' > "$f" & i=0
      while [ ! -s "$f" ] && [ $i -lt 500 ]; do sleep 0.1; i=$((i+1)); done
      kill -9 $!; cat "$f"; rm "$f"
      """)
    #expect(killed.output == "begun")
  }

  @Test func aClosedOutputIsNotTakenByAnotherFile() {
    let child = shell(
      "f=$(mktemp -u); \"$LTD\" -e 'print(1); flush(); write_text(args()[0], \"kept\")' \"$f\" >&-; echo $?; "
        + "\"$LTD\" -e 'write_text(args()[0], \"kept\"); print(1)' \"$f\" >&-; cat \"$f\"; rm \"$f\"")
    #expect(child.output == "1\nkept")
  }

  /// A file of weights of which one is not a number: it is loaded and saved, and both are said.
  @Test func weightsThatAreNotFiniteAreAWarning() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let header =
      #"{"1.weight":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"1.bias":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#
    let length = (0..<8).map { UInt8(truncatingIfNeeded: header.utf8.count >> (8 * $0)) }
    let values: [Float] = [1, .nan, 0, 0]
    let path = folder.appending(path: "w").path
    try Data(
      length + Array(header.utf8)
        + values.flatMap { v in (0..<4).map { UInt8(truncatingIfNeeded: v.bitPattern >> (8 * $0)) } }
    )
    .write(to: URL(filePath: path))
    let code =
      "m = network([flatten(), linear(2)], input=[1, 1, 1]); load_weights(m, \"\(path)\"); save_model(m, \"\(path)2\"); load_model(\"\(path)2\"); print(1)"
    let child = ltd("-e", code)
    #expect(child.ending == .exited(0) && child.output == "1\n")
    let sentence = "tensor '1.weight' holds 1 value of 2 not finite, the first at [1, 0]: nan"
    #expect(child.errorOutput.ranges(of: "warning: '\(path)': \(sentence)").count == 1, "\(child.errorOutput)")
    #expect(child.errorOutput.ranges(of: "warning: '\(path)2': \(sentence)").count == 2)
    let json = ltd("--json-errors", "-e", code)
    #expect(json.errorOutput.split(separator: "\n").count == 3 && json.errorOutput.hasPrefix("{"))
  }

  @Test func wordsAfterTheScriptAreIts() throws {
    let file = try script("print(args())\n")
    #expect(
      ltd(file, "a", "--name", "b", "--threads", "-e").output == "[\"a\", \"--name\", \"b\", \"--threads\", \"-e\"]\n")
    #expect(ltd("--threads", "1", file, "--help").output == "[\"--help\"]\n")
    #expect(ltd("-e", "args()", "x", "-y").output == "[\"x\", \"-y\"]\n")
  }

  @Test func theManualIsWritten() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)/manual")
    defer { try? FileManager.default.removeItem(at: folder.deletingLastPathComponent()) }
    #expect(ltd("doc", folder.path).ending == .exited(0))
    let page = try String(contentsOf: folder.appending(path: "functions/attacks.md"), encoding: .utf8)
    #expect(page.contains("    ltd> pgd(eps=8/255, steps=20)\n    pgd(eps=8/255, steps=20)\n"))
    #expect(FileManager.default.fileExists(atPath: folder.appending(path: "modules/tables.md").path))
    #expect(ltd("doc", "/proc/no/such/folder").ending == .exited(1))
  }

  @Test func theLibraryCanBeReadFromAFolder() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("fn where(rows) { 42 }\n".utf8).write(to: folder.appending(path: "tables.ltd"))
    let variables = ["LTD_STDLIB": folder.path]
    #expect(ltd("-e", "import tables; tables.where([])", variables: variables).output == "42\n")
    #expect(ltd("-e", "import lists; len(lists.chunks([1, 2], 1))", variables: variables).output == "2\n")
  }

  @Test func checkFollowsImports() throws {
    let helper = try script("fn f(x) { undefined_thing + x }\n")
    let child = ltd("check", try script("import \"\(helper)\" as h\nh.f(1)\nother_thing\n"))
    #expect(child.ending == .exited(1))
    #expect(child.errorOutput.contains("undefined_thing") && child.errorOutput.contains("other_thing"))
    #expect(ltd("check", try script("import tables\nerror(\"not run\")\n")).ending == .exited(0))
  }

  @Test func checkHasNothingToSayOfOurOwnScripts() {
    let root = SharedFiles.packageRoot.path
    let child = ltd("check", "\(root)/examples", "\(root)/stdlib")
    #expect(child.ending == .exited(0))
    #expect(child.errorOutput.isEmpty)
    // Some of these have errors, on purpose; none has a name too many.
    let scripts = ltd("check", "--json-errors", "\(root)/Tests/scripts")
    #expect(scripts.errorOutput.contains("\"severity\":\"error\""))
    #expect(!scripts.errorOutput.contains("\"severity\":\"warning\""), "\(scripts.errorOutput)")
  }

  @Test func aMisspeltCommandIsNamed() throws {
    #expect(ltd("chek").errorOutput.contains("did you mean ltd check?"))
    let file = try script("1")
    #expect(ltd(String(file.dropLast(4))).errorOutput.contains("did you mean \(file)?"))
  }

  @Test func exitStatuses() throws {
    #expect(ltd("-e", "1").ending == .exited(0))
    #expect(ltd("-e", "[1][5]").ending == .exited(1))
    #expect(ltd("-e", "no_such_name").ending == .exited(1))
    #expect(ltd("-e", "1 +* 2").ending == .exited(65))
    #expect(ltd("-e", "exit(7)").ending == .exited(7))
    #expect(ltd("--no-such-option").ending == .exited(2))
    #expect(ltd("--threads", "0", "-e", "1").ending == .exited(2))
    #expect(ltd("--help").ending == .exited(0))
    #expect(ltd("--version").output.hasPrefix("ltd "))
    #expect(ltd("check", try script("print(1)")).ending == .exited(0))
    #expect(ltd("check", try script("print(")).ending == .exited(65))
    #expect(ltd("check", try script("prnt(1)")).ending == .exited(1))
  }

  @Test func scriptsAreLaidOut() throws {
    let file = try script("x=1  # one\nprint( x )\n")
    #expect(ltd("fmt", "--check", file).ending == .exited(1))
    #expect(ltd("fmt", "--check", file).output == file + "\n")
    #expect(ltd("fmt", file).ending == .exited(0))
    #expect(try String(contentsOfFile: file, encoding: .utf8) == "x = 1  # one\nprint(x)\n")
    #expect(ltd("fmt", "--check", file).ending == .exited(0))
    #expect(ltd("fmt", "-", input: "x=1").output == "x = 1\n")
    let broken = try script("print(")
    #expect(ltd("fmt", broken).ending == .exited(65))
    #expect(try String(contentsOfFile: broken, encoding: .utf8) == "print(")
  }

  @Test func filesThatCannotBeRead() throws {
    let absent = ltd("/nowhere/at/all.ltd")
    #expect(absent.ending == .exited(1))
    #expect(absent.errorOutput.contains("/nowhere/at/all.ltd"))
    #expect(ltd("/tmp").errorOutput.contains("folder"))
    let file = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).ltd")
    try Data([0x70, 0x0A, 0xFF, 0xFE]).write(to: file)
    let latin = ltd(file.path)
    #expect(latin.ending == .exited(1))
    #expect(latin.errorOutput.contains("line 2 is not UTF-8"))
  }

  @Test func nothingIsColouredInAPipe() {
    let child = ltd("-e", "no_such_name")
    #expect(child.errorOutput.contains("error"))
    #expect(!child.errorOutput.contains("\u{1B}"))
    #expect(ltd("--color=always", "-e", "no_such_name").errorOutput.contains("\u{1B}["))
  }

  @Test func errorsAsJSON() {
    let child = ltd("--json-errors", "-e", "\nno_such_name")
    #expect(child.errorOutput.hasPrefix("{"))
    #expect(child.errorOutput.contains("\"line\":2"))
    let fitted = "a, b = glyphs(n=20); fit(smallcnn(), a, epochs=2); [1][5]"
    #expect(ltd("-e", fitted).errorOutput.hasPrefix("epoch 1/2"))
    #expect(ltd("--json-errors", "-e", fitted).errorOutput.hasPrefix("{"))
  }

  @Test func aReaderThatLeavesEndsTheProgramQuietly() throws {
    let file = try script("for i in 1..100000 { print(i) }\n")
    let child = ChildProcess.run(
      "/bin/sh", ["-c", "\"$1\" \"$2\" | head -n 1", "sh", BuiltProgram.path, file], seconds: 60)
    #expect(child.output == "1\n")
    #expect(child.errorOutput.isEmpty)
  }

  @Test func thePromptWorksInAPipe() {
    let child = ltd(
      "--interactive", "--no-init", input: "x = [1,\n2]\nx\n:vars\n", variables: ["XDG_STATE_HOME": "/nowhere"])
    #expect(child.ending == .exited(0))
    #expect(child.output.hasPrefix("[1, 2]\nx"))
    #expect(!child.output.contains("\u{1B}"))
  }
}
