import Builtins
import Foundation
import Help
import Testing

@Suite
struct CompletionTests {
  func offered(_ text: String, after setup: String = "") -> [String] {
    let session = Session(table: .core)
    _ = session.run(Source(name: "test", text: setup))
    let commands = [
      CommandPage("vars", "", "", takes: .name), CommandPage("time", "", ""), CommandPage("timeit", "", ""),
      CommandPage("load", "", "", takes: .file), CommandPage("set", "", "", takes: .choice(["digits", "width"])),
      CommandPage("help", "", "", takes: .page),
    ]
    let completion = Completer(session: session, commands: commands).complete(text, cursor: text.utf8.count)
    return completion.candidates.map { $0.text + $0.suffix }
  }

  @Test func namesMembersAndArguments() {
    #expect(offered("prin") == ["print("])
    #expect(offered("wh") == ["while "])
    #expect(offered("temp", after: "temperature = 3") == ["temperature"])
    #expect(offered("r.be", after: "r = {beta: 6, alpha: 1}") == ["beta"])
    #expect(offered("f(1, sc", after: "fn f(x, scale=2) { x * scale }") == ["scale="])
    #expect(offered(":tim") == ["time ", "timeit "])
    #expect(offered(":time temp", after: "temperature = 3") == ["temperature"])
    #expect(offered(":vars temp", after: "temperature = 3") == ["temperature"])
    #expect(offered(":set d") == ["digits "])
    #expect(offered(":help prin") == ["print"])
    #expect(offered("f(1, scale=2, sc", after: "fn f(x, scale=2) { x * scale }") == [])
    #expect(offered("qqqq") == [])
    #expect(offered("# pri") == [])
    #expect(offered("fn f(x) {\n") == ["  "])
    #expect(offered("?prin") == ["print"])
    #expect(offered("?E-sh") == ["E-shape"])
  }

  @Test func modulesAndTheirMembers() {
    func offered(_ text: String, after setup: String = "") -> [String] {
      let session = Session.withLibrary()
      _ = session.run(Source(name: "test", text: setup))
      return Completer(session: session).complete(text, cursor: text.utf8.count).candidates
        .map { $0.text + $0.suffix }
    }
    #expect(offered("import stat") == ["statistics"])
    #expect(offered("tables.piv") == ["pivot("], "also before it is imported")
    #expect(offered("tables.piv", after: "import tables") == ["pivot("])
    #expect(offered("t.piv", after: "import tables as t") == ["pivot("])
    #expect(offered("tables.pivot(rows, acr") == ["across="])
    #expect(offered("rows |> tables.pivot(acr", after: "import tables; rows = []") == ["across="])
    #expect(offered("?tables.piv") == ["pivot"])
    #expect(offered("?tou") == ["tour"])
    #expect(offered("tables._", after: "import tables") == [])
  }

  @Test func filesWithinStrings() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder.appending(path: "data"), withIntermediateDirectories: true)
    try Data().write(to: folder.appending(path: "model.safetensors"))
    #expect(offered("load(\"\(folder.path)/mo") == ["model.safetensors\""])
    #expect(offered("load('\(folder.path)/") == ["data/", "model.safetensors'"])
    #expect(offered(":load \(folder.path)/d") == ["data/"])
    #expect(offered("load(\"/no/such/folder/") == [])
  }

  /// With tensors, models and data, as at the prompt.
  private func offeredWithAll(_ text: String, after setup: String = "") -> [String] {
    let session = Session.withLibrary()
    _ = session.run(Source(name: "test", text: setup))
    return Completer(session: session).complete(text, cursor: text.utf8.count).candidates.map { $0.text + $0.suffix }
  }

  @Test func candidatesSayWhatTheyAre() throws {
    let session = Session.withLibrary()
    _ = session.run(Source(name: "test", text: "net = mlp(hidden=[4])"))
    func first(_ text: String) throws -> Completion.Candidate {
      try #require(Completer(session: session).complete(text, cursor: text.utf8.count).candidates.first)
    }
    #expect(try first("perturb").type == "-> tensor")
    #expect(try first("perturb").summary.hasSuffix("."))
    #expect(try first("ne") == .init("net", type: "model", summary: "model mlp"))
    #expect(try first("net.cla").type == "int")
    #expect(try first("pgd(st").type == "int = 10")
    #expect(try !first("pgd(st").summary.isEmpty)
  }

  @Test func spellingIsForgiven() {
    #expect(offeredWithAll("PGD") == ["pgd(", "pgd_at("])
    #expect(offeredWithAll("smallCNN") == ["smallcnn("])
    #expect(offeredWithAll("crossent") == ["cross_entropy("])
    #expect(offeredWithAll("pgd") == ["pgd(", "pgd_at("])
    #expect(offeredWithAll("cent") == ["cross_entropy("])
    #expect(offeredWithAll("qqq") == [])
  }

  @Test func argumentsThatAreNotGivenYet() {
    #expect(!offeredWithAll("perturb(net, x, pgd(), ", after: "net = mlp(); x = ones([1, 1, 28, 28])").contains("x="))
    let left = offeredWithAll("fit(net, tr, ", after: "net = mlp()")
    #expect(!left.contains("model=") && !left.contains("data=") && left.contains("epochs="))
    #expect(offeredWithAll("net.fit(dat", after: "net = mlp()").first == "data=")
    #expect(!offeredWithAll("net.fit(", after: "net = mlp()").contains("model="))
  }

  @Test func fieldsOfWhatIsKnown() {
    let rows = "rows = [{eps: 0.1, acc: 0.5}]"
    #expect(offeredWithAll("rows[0].", after: rows).starts(with: ["eps", "acc"]))
    #expect(offeredWithAll("rows[-1].a", after: rows).contains("acc"))
    #expect(offeredWithAll("net.parameters.", after: "net = mlp(hidden=[4])").contains("[\"1.weight\"]"))
    #expect(offeredWithAll("net.parameters[\"1", after: "net = mlp(hidden=[4])") == ["1.weight\"]", "1.bias\"]"])
    #expect(offeredWithAll("test.images.sh", after: "train, test = glyphs(n=20)").contains("shape"))
    #expect(offeredWithAll("known_files().fil").contains("filter("))
    #expect(!offeredWithAll("nothing_known.").contains("mnist("))
  }

  /// What belongs to a model, and no whole library.
  @Test func afterAModelStandsWhatTakesAModel() {
    let offered = offeredWithAll("net.", after: "net = mlp(hidden=[4])")
    #expect(offered.count <= 25, "\(offered)")
    for name in ["layers", "fit(", "evaluate(", "save_model("] { #expect(offered.contains(name), "\(name)") }
    for name in ["sin(", "any(", "print(", "pgd("] { #expect(!offered.contains(name), "\(name)") }
    #expect(offeredWithAll("net.save_m", after: "net = mlp(hidden=[4])") == ["save_model("])
    #expect(offeredWithAll("net.pri", after: "net = mlp(hidden=[4])") == ["print("])
    #expect(offeredWithAll("net.lt", after: "net = mlp(hidden=[4])") == ["ltd("])
  }

  /// The first parameter says what it takes, but for those that take anything.
  @Test func everyFirstParameterHasAType() {
    let session = Session.withLibrary()
    for name in session.table.functions.keys.sorted() {
      guard let first = session.outline(of: name)?.parameters.first, first.kind == .normal else { continue }
      #expect(first.type != nil, "\(name)")
    }
  }

  @Test func valuesOfArguments() {
    let setup = "net = mlp(hidden=[4]); train, test = glyphs(n=8)"
    func fits(_ text: String, _ names: [String]) {
      let offered = offeredWithAll(text, after: setup)
      for name in names { #expect(offered.contains(name), "\(text): \(offered)") }
    }
    fits("fit(net, train, method=", ["standard(", "pgd_at(", "trades(", "ltd("])
    fits("fit(net, train, attack=", ["pgd(", "none"])
    fits("fit(net, train, schedule=", ["\"cosine\"", "cosine_schedule("])
    fits("fit(net, train, augment=", ["\"none\"", "crop_flip("])
    fits("fit(net, train, quiet=", ["true", "false"])
    fits("fit(", ["net", "model=", "mlp("])
    fits("fit(net, ", ["train", "test", "data="])
    fits("pgd(norm=", ["\"linf\"", "\"l2\""])
    #expect(offeredWithAll("pgd(objective=\"c").contains("ce\""))
    #expect(offeredWithAll("pgd(objective=\"").contains("kl\""))
    #expect(offeredWithAll("fit(net, train, optimiser=\"ad", after: setup) == ["adam\"", "adamw\""])
  }

  @Test func filesOfAKind() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: folder) }
    try FileManager.default.createDirectory(at: folder.appending(path: "data"), withIntermediateDirectories: true)
    for name in ["net.safetensors", "net.pth", "mine.ltd", "notes.txt"] {
      try Data().write(to: folder.appending(path: name))
    }
    #expect(offeredWithAll("load_model(\"\(folder.path)/") == ["data/", "net.pth\"", "net.safetensors\""])
    #expect(offeredWithAll("import \"\(folder.path)/") == ["data/", "mine.ltd\""])
    #expect(offeredWithAll("mnist(\"\(folder.path)/") == ["data/"])
    #expect(offeredWithAll("read_text(\"\(folder.path)/").count == 5)
  }

  @Test func theSharedBeginningIsInserted() {
    let completion = Completion(replaced: 1, candidates: [.init("alpha"), .init("alpine")])
    #expect(completion.commonPrefix == "alp")
    #expect(Completion.none.commonPrefix == "")
  }
}
