import HostSupport
import Interpreter
import TestSupport
import Testing

/// Every message of resolver and evaluator as the user sees it: what `ltd check` says of the program and, where that is
/// no error, what stops its run.
@Suite struct SnapshotTests {
  static let snapshots = Snapshots(folder: SharedFiles.packageRoot.appending(path: "Tests/InterpreterTests/Snapshots"))

  static let files = [
    "good.ltd": "fn mean_of(xs) { xs }\nfn _hidden() { 1 }\nfn use() { _hidden() }",
    "self.ltd": "import \"self.ltd\" as _me",
  ]

  @Test(arguments: snapshots.files)
  func messages(file: String) throws {
    let differences = try Self.snapshots.differences(in: file) { program in
      let host = TestHost(files: Self.files, modules: ["tables": "fn select(rows) { rows }"])
      let session = Session(table: .core, host: host)
      session.limits.elements = 1_000_000
      session.limits.stringBytes = 1_000_000
      session.limits.callDepth = 1_000
      session.limits.steps = 1_000_000
      session.limits.allowsFiles = !program.contains("# no files")
      if program.contains("# memory") { session.limits.memoryBytes = 1 << 20 }
      let source = Source(name: "test.ltd", text: program)
      var found = session.check(source)
      if !found.contains(where: { $0.kind != .warning }), case .failure(let errors) = session.run(source) {
        found += errors
      }
      return render(found)
    }
    #expect(differences == [])
  }

  @Test func everyMessageHasOne() throws {
    let unseen = try Self.snapshots.unseenMessages(
      of: SharedFiles.packageRoot.appending(path: "Sources/Interpreter"), calls: ["reached("])
    #expect(unseen == [])
  }
}
