import Base
import Console
import TestSupport
import Testing

/// Every script below Tests/scripts, held against its `# expect:` lines by the same code as `ltd test`.
@Suite
struct ScriptTests {
  static let scripts: [String] = {
    let root = SharedFiles.packageRoot.path + "/"
    let found = (try? Folder.scripts(root + "Tests/scripts")) ?? []
    return found.map { String($0.dropFirst(root.count)) }
  }()

  @Test func thereAreScripts() { #expect(Self.scripts.count > 50) }

  @Test(arguments: scripts)
  func script(_ path: String) {
    let file = SharedFiles.packageRoot.path + "/" + path
    switch ScriptTest.run(file, program: BuiltProgram.path, seconds: 120) {
    case .passed, .skipped: break
    case .failed(let failures): Issue.record("\(path)\n\(failures.joined(separator: "\n"))")
    }
  }
}
