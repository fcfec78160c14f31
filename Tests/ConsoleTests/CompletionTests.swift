import Console
import Interpreter
import Testing

@Suite
struct CompletionTests {
  @Test(arguments: [
    ("", CompletionContext.lineStart),
    ("pri", .name(prefix: "pri", call: nil)),
    ("x = al", .name(prefix: "al", call: nil)),
    ("pgd(", .name(prefix: "", call: "pgd")),
    ("pgd(model, st", .name(prefix: "st", call: "pgd")),
    ("pgd(eps=val", .name(prefix: "val", call: nil)),
    ("f(g(1), st", .name(prefix: "st", call: "f")),
    ("f([1, st", .name(prefix: "st", call: nil)),
    ("x.flat", .member(prefix: "flat", receiver: "x")),
    ("a.b.c", .member(prefix: "c", receiver: "a.b")),
    ("f(1).sh", .member(prefix: "sh", receiver: "")),
    ("1.", .nothing),
    ("0..n", .nothing),
    ("# a comm", .nothing),
    ("load(\"data/x", .string(prefix: "data/x", quote: "\"")),
    ("load('a b", .string(prefix: "a b", quote: "'")),
    ("\"acc {na", .name(prefix: "na", call: nil)),
    ("\"done\" + na", .name(prefix: "na", call: nil)),
    ("fn f(x) {\n", .lineStart),
    (":ti", .command(prefix: "ti")),
    (":load da", .commandArgument(command: "load", prefix: "da")),
    ("?pg", .help(prefix: "pg")),
    ("??pg", .help(prefix: "pg")),
  ])
  func contexts(_ text: String, _ context: CompletionContext) {
    #expect(CompletionContext(text) == context)
  }

  func offered(_ text: String, after setup: String = "") -> [String] {
    let session = Session(table: .core)
    _ = session.run(Source(name: "test", text: setup))
    let completion = Completer(session: session, commands: ["vars", "time", "timeit"])
      .complete(text, cursor: text.utf8.count)
    return completion.candidates.map { $0.text + $0.suffix }
  }

  @Test func namesMembersAndArguments() {
    #expect(offered("prin") == ["print("])
    #expect(offered("wh") == ["while "])
    #expect(offered("temp", after: "temperature = 3") == ["temperature"])
    #expect(offered("r.be", after: "r = {beta: 6, alpha: 1}") == ["beta"])
    #expect(offered("f(1, sc", after: "fn f(x, scale=2) { x * scale }") == ["scale="])
    #expect(offered(":tim") == ["time ", "timeit "])
    #expect(offered("qqqq") == [])
  }

  @Test func theSharedBeginningIsInserted() {
    let completion = Completion(replaced: 1, candidates: [.init("alpha"), .init("alpine")])
    #expect(completion.commonPrefix == "alp")
    #expect(Completion.none.commonPrefix == "")
  }
}
