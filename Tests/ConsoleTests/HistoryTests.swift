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
    #expect(again.texts == entries)
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
    #expect(later.texts == ["one", "two", "three"])
  }

  @Test func theSizeIsAnUpperBound() throws {
    let history = History(path: path, size: 5)
    for number in 1...20 { #expect(history.add("entry \(number)") == nil) }
    #expect(history.entries.count == 5)
    let again = History(path: path, size: 5)
    #expect(again.load() == nil)
    #expect(again.texts == (16...20).map { "entry \($0)" })
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    #expect(lines.count == 5, "a file of more than twice the size is cut down")
  }

  @Test func repeatedStatementsAreKeptOnceAndHugeOnesWhole() {
    let history = History(path: path)
    let huge = String(repeating: "x", count: 1 << 20)
    _ = history.add("same")
    _ = history.add("same")
    _ = history.add(huge)
    #expect(history.texts == ["same", huge])
    let again = History(path: path)
    #expect(again.load() == nil)
    #expect(again.texts == ["same", huge])
  }

  @Test func eachEntryKnowsWhenWhereAndHowItRan() throws {
    let history = History(path: path)
    let text = "a b\\@c\n\\#d"
    _ = history.add(text, time: 1_700_000_000, folder: "/home/some one/x")
    history.finish(.failure, seconds: 1.25)
    _ = history.add("two")
    let again = History(path: path)
    #expect(again.load() == nil)
    let entry = try #require(again.entries.first)
    #expect(entry.text == text && entry.time == 1_700_000_000 && entry.folder == "/home/some one/x")
    #expect(entry.outcome == .failure && entry.seconds == 1.25)
    #expect(again.entries.last?.outcome == nil)
  }

  @Test func filesOfEarlierVersionsAreRead() throws {
    let file = URL(filePath: path)
    try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data("a = 1\nfn f(x) {\\n  \"\\\\n\"\\n}\nx@y # z\n".utf8).write(to: file)
    let history = History(path: path)
    #expect(history.load() == nil)
    #expect(history.texts == ["a = 1", "fn f(x) {\n  \"\\n\"\n}", "x@y # z"])
    _ = history.add("new")
    let again = History(path: path)
    #expect(again.load() == nil)
    #expect(again.texts == history.texts)
  }

  @Test func whatOthersAddIsSeenAtTheNextPrompt() {
    let first = History(path: path, size: 100)
    let second = History(path: path, size: 100)
    #expect(first.load() == nil && second.load() == nil)
    _ = first.add("one")
    first.finish(.success, seconds: 0.5)
    _ = second.add("two")
    second.refresh()
    #expect(second.texts == ["two", "one"])
    #expect(second.entries.last?.outcome == .success)
    first.refresh()
    first.refresh()
    #expect(first.texts == ["one", "two"])
    // Another console cuts the file down.
    let third = History(path: path, size: 1)
    #expect(third.load() == nil && third.texts == ["two"])
    _ = third.add("three")
    first.refresh()
    #expect(first.texts == ["one", "two", "three"])
  }

  @Test func aPlaceThatCannotBeWrittenIsSaid() {
    let history = History(path: "/proc/nowhere/history")
    #expect(history.load() == nil)
    #expect(history.add("one")?.contains("not kept") == true)
    #expect(history.texts == ["one"])
  }
}
