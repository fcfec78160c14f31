import Syntax
import TestSupport
import Testing

/// Every message of lexer and parser as the user sees it.
@Suite struct SnapshotTests {
  static let snapshots = Snapshots(folder: SharedFiles.packageRoot.appending(path: "Tests/SyntaxTests/Snapshots"))

  @Test(arguments: snapshots.files)
  func messages(file: String) throws {
    let differences = try Self.snapshots.differences(in: file) { program in
      render(parse(Source(name: "test.ltd", text: program)).diagnostics)
    }
    #expect(differences == [])
  }

  @Test func everyMessageHasOne() throws {
    let unseen = try Self.snapshots.unseenMessages(
      of: SharedFiles.packageRoot.appending(path: "Sources/Syntax"), calls: ["report(", "fail("])
    #expect(unseen == [])
  }
}
