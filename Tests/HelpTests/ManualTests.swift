import Builtins
import Foundation
import Help
import HostSupport
import Stdlib
import TestSupport
import Testing

/// The manual in `docs/`, and the library's part of it.
@Suite
struct ManualTests {
  let session: Session

  init() {
    session = .withLibrary()
  }

  @Test func aFileThatWasImportedSaysHow() throws {
    let host = TestHost(files: ["lib7/mine.ltd": "# Mine.\nfn f() { 1 }"])
    let session = Session(table: .core, host: host)
    _ = session.run(Source(name: "<prompt>", text: "import \"lib7/mine.ltd\"\nimport \"lib7/mine.ltd\" as m"))
    let page = try #require(session.moduleDocumentation(of: "mine"))
    #expect(page.importStatement == "import \"lib7/mine.ltd\"")
    let renamed = try #require(session.moduleDocumentation(of: "m"))
    #expect(renamed.importStatement == "import \"lib7/mine.ltd\" as m")
    #expect(renamed.functions.map(\.qualifiedName) == ["m.f"])
  }

  @Test func theCommittedManualIsCurrent() throws {
    let root = SharedFiles.packageRoot.appending(path: "docs")
    let files = Manual(session: session).files
    for file in files {
      let text = try? String(contentsOf: root.appending(path: file.path), encoding: .utf8)
      #expect(text == file.text, "docs/\(file.path) is not what `ltd doc` writes")
    }
    let names = try #require(FileManager.default.enumerator(atPath: root.path)).compactMap { $0 as? String }
    let stale = Set(names.filter { $0.hasSuffix(".md") && !$0.hasPrefix("study") }).subtracting(files.map(\.path))
    #expect(stale.isEmpty, "`ltd doc` does not write these")
  }

  /// The write-up of the study shows every table and every picture that the study has left in its folder.
  @Test func theStudyShowsWhatItHasFound() throws {
    let root = SharedFiles.packageRoot.appending(path: "docs")
    let page = try String(contentsOf: root.appending(path: "study.md"), encoding: .utf8)
    let names = try FileManager.default.contentsOfDirectory(atPath: root.appending(path: "study").path)
    #expect(names.contains { $0.hasSuffix(".md") } && names.contains { $0.hasSuffix(".svg") })
    for name in names where name.hasSuffix(".md") {
      let table = try String(contentsOf: root.appending(path: "study/\(name)"), encoding: .utf8)
      #expect(page.contains(table), "the table of docs/study/\(name) is not in docs/study.md")
    }
    for name in names where name.hasSuffix(".svg") {
      #expect(page.contains("(study/\(name))"), "docs/study/\(name) is not in docs/study.md")
    }
  }

  @Test(arguments: [(Stdlib.tour, 30), (Stdlib.temperature, 6)])
  func theGuidesAnswerAsTheySay(text: String, atLeast: Int) {
    let guide = Conversation(markdown: text)
    #expect(guide.turns.count > atLeast)
    #expect(guide.differences(in: session) == [])
  }

  @Test func everyKindOfErrorHasAPage() {
    #expect(Guide.errors.sections.map(\.title) == Diagnostic.Kind.allCases.map(\.code).sorted())
  }

  @Test(arguments: Diagnostic.Kind.allCases.filter { $0 != .internal })
  func thePagesOfErrorsShowThem(_ kind: Diagnostic.Kind) throws {
    let page = try #require(Guide.errors[kind.code])
    let blocks = page.text.split(separator: "\n\n").filter { $0.drop { $0 == "\n" }.hasPrefix("    ") }
    let texts = blocks.map { block in block.split(separator: "\n").map { $0.dropFirst(4) + "\n" }.joined() }
    try #require(texts.count == 2, "a program, and what it is told")
    let source = Source(name: "program.ltd", text: texts[0])
    let session = session
    if kind == .limit { session.limits.steps = 100_000 }
    if kind == .interrupted { session.stop.raise(.interrupted) }
    var found: [Diagnostic] = []
    if kind == .warning {
      found = session.check(source)
    } else if case .failure(let errors) = session.run(source) {
      found = errors
    }
    #expect(found.map(\.kind) == [kind])
    #expect(render(found, width: 120) == texts[1])
  }

  @Test(arguments: Stdlib.names)
  func theLibraryIsDocumented(_ name: String) throws {
    let module = try #require(session.moduleDocumentation(of: name))
    #expect(module.summary.hasSuffix("."), "\(name): the comment at its top begins with a sentence")
    #expect(!module.functions.isEmpty)
    for page in module.functions {
      #expect(page.summary.hasSuffix("."), "\(page.qualifiedName): the summary is a sentence")
      #expect(!page.examples.isEmpty, "\(page.qualifiedName) has no example")
      #expect(!page.search.isEmpty, "\(page.qualifiedName) has no search words")
      #expect(!page.seeAlso.isEmpty, "\(page.qualifiedName) points to nothing related")
      for argument in page.arguments {
        #expect(!argument.summary.isEmpty, "\(page.qualifiedName) says nothing of \(argument.name)")
      }
      for other in page.seeAlso { #expect(session.documentation(of: other) != nil, "\(page.qualifiedName): \(other)") }
    }
  }

  @Test func builtInsPointToPagesThatExist() throws {
    for name in session.table.functions.keys.sorted() {
      let page = try #require(session.documentation(of: name))
      for other in page.seeAlso { #expect(session.documentation(of: other) != nil, "\(name): \(other)") }
    }
  }

  @Test func everyModuleIsEmbeddedAndListed() throws {
    let folder = SharedFiles.packageRoot.appending(path: "stdlib").path
    let files = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".ltd") }
    #expect(files.map { String($0.dropLast(4)) }.sorted() == Stdlib.names.sorted())
    for name in Stdlib.names {
      let text = try String(contentsOfFile: "\(folder)/\(name).ltd", encoding: .utf8)
      #expect(Stdlib.source(name) == text, "\(name) is another file's text")
    }
  }
}
