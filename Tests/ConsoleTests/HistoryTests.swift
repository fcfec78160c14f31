import Console
import Foundation
import Testing

@Suite
struct HistoryTests {
  let path = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)/deep/history").path

  @Test func entriesOfSeveralLinesComeBack() {
    let history = History(path: path)
    let entries = ["a = 1", "fn f(x) {\n  \"\\n\" + x\n}", "τ → 😀", "back\\slash\\"]
    for entry in entries { #expect(history.add(entry) == nil) }
    let again = History(path: path)
    #expect(again.load() == nil)
    #expect(again.entries == entries)
  }

  @Test func sessionsSideBySideKeepEachOthersEntries() {
    let first = History(path: path)
    let second = History(path: path)
    #expect(first.load() == nil && second.load() == nil)
    _ = first.add("one")
    _ = second.add("two")
    _ = first.add("three")
    let later = History(path: path)
    #expect(later.load() == nil)
    #expect(later.entries == ["one", "two", "three"])
  }

  @Test func theSizeIsAnUpperBound() throws {
    let history = History(path: path, size: 5)
    for number in 1...20 { #expect(history.add("entry \(number)") == nil) }
    #expect(history.entries.count == 5)
    let again = History(path: path, size: 5)
    #expect(again.load() == nil)
    #expect(again.entries == (16...20).map { "entry \($0)" })
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 5, "a file of more than twice the size is cut down")
  }

  @Test func repeatedAndHugeStatementsAreNotKept() {
    let history = History(path: path)
    _ = history.add("same")
    _ = history.add("same")
    _ = history.add(String(repeating: "x", count: 1 << 20))
    #expect(history.entries == ["same"])
  }

  @Test func aPlaceThatCannotBeWrittenIsSaid() {
    let history = History(path: "/proc/nowhere/history")
    #expect(history.load() == nil)
    #expect(history.add("one")?.contains("not kept") == true)
    #expect(history.entries == ["one"])
  }
}
