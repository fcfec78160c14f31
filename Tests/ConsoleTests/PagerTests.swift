import Foundation
import Testing

/// Pages of help that are taller than the screen.
@Suite(.serialized)
struct PagerTests {
  let home: URL

  init() throws {
    home = FileManager.default.temporaryDirectory.appending(path: "ltd-pager-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: home, withIntermediateDirectories: true)
  }

  func start(rows: Int = 12, pager: String?) throws -> PseudoTerminal {
    let terminal = try PseudoTerminal(
      home: home, columns: 80, rows: rows, variables: pager.map { ["PAGER": $0] } ?? [:],
      without: pager == nil ? ["PAGER"] : [])
    try #require(terminal.wait(for: "ltd> ") != nil)
    return terminal
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/less"), "less is not installed"))
  func lessShowsThePageAndCanBeLeftEarly() throws {
    let terminal = try start(pager: nil)
    terminal.type("?pgd\n")
    // What there is to press in the last row, and the begin of the page above.
    #expect(terminal.see("Space goes on, q returns to ltd") && terminal.shown.contains("Projected gradient descent"))
    terminal.type("G")
    #expect(terminal.see("(this is the end)"))
    terminal.type("q")
    #expect(terminal.wait(for: "ltd> ") != nil)
    #expect(terminal.enter("40 + 2", expecting: "\n42\nltd> ") != nil)
    #expect(terminal.enter(":try 1", expecting: "pgd(") != nil, "the examples of a page are known that was left early")
    terminal.type("\u{3}")
    let left = try FileManager.default.contentsOfDirectory(atPath: "/tmp").filter { $0.hasPrefix("ltd-page-") }
    #expect(left.isEmpty)
  }

  @Test func aPagerMayHaveArguments() throws {
    let terminal = try start(pager: "head -n 2")
    let page = try #require(terminal.enter("?pgd", expecting: "ltd> "))
    #expect(page.contains("pgd(") && !page.contains("see also") && !page.contains("arguments"), "\(page)")
  }

  @Test func whereThereIsNoPagerThePageIsWritten() throws {
    let terminal = try start(pager: "/no/such/pager")
    let page = try #require(terminal.enter("?pgd", expecting: ":try! runs it"))
    #expect(page.contains("/no/such/pager"), "it is said that the pager is not there: \(page)")
    #expect(page.contains("pgd(") && page.contains(":try 2"), "\(page)")
  }

  @Test func aPageThatFitsNeedsNoPager() throws {
    let terminal = try start(rows: 90, pager: "/no/such/pager")
    let page = try #require(terminal.enter("?pgd", expecting: ":try! runs it"))
    #expect(!page.contains("/no/such") && page.contains("pgd("))
  }
}
