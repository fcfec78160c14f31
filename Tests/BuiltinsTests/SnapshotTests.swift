import Builtins
import TestSupport
import Testing

/// Every message of built-ins and of the core as the user sees it.
@Suite struct SnapshotTests {
  static let snapshots = Snapshots(folder: SharedFiles.packageRoot.appending(path: "Tests/BuiltinsTests/Snapshots"))

  @Test(arguments: snapshots.files)
  func messages(file: String) throws {
    let differences = try Self.snapshots.differences(in: file) { program in
      if file == "core.txt" { return CoreMessages.message(of: program) }
      let session = Session(table: .standard)
      session.limits.allowsFiles = !program.contains("# no files")
      let source = Source(name: "test.ltd", text: program)
      guard case .failure(let errors) = session.run(source) else { return "" }
      return render(errors)
    }
    #expect(differences == [])
  }

  @Test func everyMessageHasOne() throws {
    let sources = SharedFiles.packageRoot.appending(path: "Sources")
    let unseen = try Self.snapshots.unseenMessages(
      of: sources.appending(path: "Builtins"), sources.appending(path: "Robustness"),
      sources.appending(path: "Base"), sources.appending(path: "Datasets"), sources.appending(path: "Networks"),
      sources.appending(path: "Tensors"), sources.appending(path: "Devices"), sources.appending(path: "Drawing"),
      sources.appending(path: "Runs"),
      calls: [".limit("], partCalls: ["path,", "throw error(", "throw parser.error(", "throw damaged("])
    #expect(unseen == [])
  }
}
