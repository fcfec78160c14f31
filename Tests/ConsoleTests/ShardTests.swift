import Console
import Foundation
import TestSupport
import Testing

/// A folder with the weights of a small network and a script that evaluates it.
private struct Study {
  let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-shards-\(UUID().uuidString)")
  var shards: URL { folder.appending(path: "study.shards") }

  /// The weights, trained once.
  private static let weights: Result<Data, any Error> = Result {
    let path = FileManager.default.temporaryDirectory.appending(path: "ltd-\(UUID().uuidString).safetensors").path
    let code = """
      net = mlp(hidden=[16], seed=1); train, test = glyphs(n=300, test=120, seed=1)
      fit(net, train, epochs=5, batch=32, lr=0.1, quiet=true); save_model(net, "\(path)")
      """
    let child = ChildProcess.run(BuiltProgram.path, ["-e", code], seconds: 60)
    try #require(child.ending == .exited(0), "\(child.errorOutput)")
    return try Data(contentsOf: URL(filePath: path))
  }

  static let head = """
    net = load_model("net.safetensors")
    train, test = glyphs(n=300, test=120, seed=1)

    """
  static let evaluation =
    "evaluate(net, test, attacks=[pgd(steps=3), autoattack(attacks=[apgd(steps=4), square(queries=20)])], "
    + "eps=[0.02, 0.05], batch=40, seed=3, save=\"runs.sqlite\", keep=\"images.npz\", quiet=true)"
  /// All that one can do with an evaluation, and nothing that tells the time.
  static let whole = """
    r = \(evaluation)
    write_text("found.json", to_json([r.table, r.rows, r.by_class, r.worst_cases, r.warnings, r.kept, r.run, r.complete]))
    print(run(1).worst_case == r.worst_case, len(runs()), paired(r, run(1)).p)

    """

  init(_ script: String) throws {
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try Self.weights.get().write(to: folder.appending(path: "net.safetensors"))
    try write(script)
  }

  func write(_ script: String) throws {
    try Data((Self.head + script).utf8).write(to: folder.appending(path: "study.ltd"))
  }

  func remove() { try? FileManager.default.removeItem(at: folder) }

  /// Runs the program in the folder.
  func ltd(_ words: String..., variables: [String: String] = [:]) -> ChildProcess {
    shell("exec \"$LTD\" \"$@\"", words, variables: variables)
  }

  func shell(_ text: String, _ words: [String] = [], variables: [String: String] = [:]) -> ChildProcess {
    ChildProcess.run(
      "/bin/sh", ["-c", "cd \"$FOLDER\" && \(text)", "sh"] + words,
      environment: ["FOLDER": folder.path, "LTD": BuiltProgram.path].merging(variables) { $1 }, seconds: 120)
  }

  func content(_ name: String) throws -> Data { try Data(contentsOf: folder.appending(path: name)) }
  func text(_ name: String) throws -> String { String(decoding: try content(name), as: UTF8.self) }

  /// The rows of a table of the ledger, as sqlite3 has them.
  func rows(_ table: String) throws -> String {
    let code =
      "import sqlite3, sys; [print(r) for r in sorted(sqlite3.connect('runs.sqlite').execute('SELECT * FROM ' + sys.argv[1]))]"
    let child = shell("python3 -c \"$1\" \"$2\"", [code, table])
    try #require(child.ending == .exited(0) && !child.output.isEmpty, "\(child.errorOutput)")
    return child.output
  }

  /// Runs every shard again and again until none gets farther.
  func runAll(_ counts: [Int]) throws {
    for count in counts {
      for shard in 1...count {
        let child = ltd("study.ltd", "--shard", "\(shard)/\(count)")
        try #require(child.ending == .exited(75) || child.ending == .exited(0), "\(child.errorOutput)")
      }
    }
  }
}

/// Scripts that several processes share.
@Suite
struct ShardTests {
  /// Any number of shards, even changed half-way, gives what one process gives: output, tables, images, rows.
  @Test(arguments: [[1], [3], [2, 5], [7, 1]])
  func anyNumberOfShardsFindsTheSameBits(_ counts: [Int]) throws {
    let (alone, shared) = (try Study(Study.whole), try Study(Study.whole))
    defer {
      alone.remove()
      shared.remove()
    }
    let expected = alone.ltd("study.ltd")
    try #require(expected.ending == .exited(0), "\(expected.errorOutput)")
    // Half of the first number of shards, then all of the last.
    for shard in stride(from: 1, through: counts[0], by: 2) {
      _ = shared.ltd("study.ltd", "--shard", "\(shard)/\(counts[0])")
    }
    try shared.runAll(counts)
    let merged = shared.ltd("merge", "study.shards")
    #expect(merged.ending == .exited(0), "\(merged.errorOutput)")
    #expect(merged.output == expected.output)
    for name in ["found.json", "images.npz"] { #expect(try shared.content(name) == alone.content(name), "\(name)") }
    for table in ["examples", "verdicts", "images", "worst_case"] {
      #expect(try shared.rows(table) == alone.rows(table), "\(table)")
    }
    // Who did what is on record.
    let shares = try shared.rows("shares").split(separator: "\n")
    #expect(
      shares.count == 3
        && shares.allSatisfy { $0.contains("/\(counts[0])'") || $0.contains("/\(counts[counts.count - 1])'") })
    // Merged again, nothing is computed and nothing changes.
    #expect(shared.ltd("merge", "study.shards").output == expected.output)
    #expect(try shared.rows("examples") == alone.rows("examples"))
  }

  /// A number of a part is never taken for one of the whole, whatever a script does to get at it.
  @Test(arguments: [
    "print(\"got\", r.worst_case)", "print(\"got\", try { r.natural } catch { 1 })", "print(\"got\", r.attacks)",
    "print(\"got\", r.rows)", "print(\"got\", r.table)", "print(\"got\", sum(r.robust))",
    "print(\"got\", paired(r, r))",
    "print(\"got\", report(r))", "plot(r); print(\"got\")", "print(\"got\", r.run)", "print(\"got\", runs())",
    "print(\"got\", curve(r))", "if r.worst_case < 2 { print(\"got\") }", "r.warnings; print(\"got\")",
    "update_text(\"log.txt\", text => \"one more\"); print(\"got\")",
  ])
  func aPartIsNoWhole(_ code: String) throws {
    let study = try Study("r = \(Study.evaluation)\nprint(r.n)\nprint(r)\n\(code)\n")
    defer { study.remove() }
    let child = study.ltd("study.ltd", "--shard", "1/2")
    #expect(child.ending == .exited(75), "\(child.output)\(child.errorOutput)")
    #expect(child.output.hasPrefix("120\n<part of an evaluation of mlp on 120 examples: "), "\(child.output)")
    #expect(!child.output.contains("got"))
    #expect(
      child.errorOutput.contains("the share of this shard is done; the script ends at study.ltd:6"),
      "\(child.errorOutput)")
    #expect(!FileManager.default.fileExists(atPath: study.folder.appending(path: "log.txt").path))
  }

  /// What a shard knows of its part are rows with their positions.
  @Test func aPartHasItsRows() throws {
    let study = try Study(
      "r = \(Study.evaluation)\nprint(if r.part == none { none } else { [row.position for row in r.part] })\n")
    defer { study.remove() }
    var positions: [Int] = []
    for shard in 1...2 {
      let child = study.ltd("study.ltd", "--shard", "\(shard)/3")
      #expect(child.ending == .exited(0), "\(child.errorOutput)")
      let found = try #require(try JSONSerialization.jsonObject(with: Data(child.output.utf8)) as? [Int])
      #expect(found.starts(with: positions) || found.count > positions.count)
      positions = found
    }
    #expect(positions.count < 120 && Set(positions).count == positions.count)
    #expect(study.ltd("study.ltd", "--shard", "3/3").output == "none\n")
  }

  /// Also a loop that reads a number of each evaluation, which takes a round for each.
  @Test func sweepsCertificatesAndDiagnosesAreShared() throws {
    let script = """
      import grids
      rows = grids.sweep(T=[1, 2, 4], quiet=true, save="sweep.json", T => {
        acc: evaluate(net.at(T=T), test, attacks=fgsm(), eps=0.03, quiet=true).worst_case, found: ones([2]) * T
      })
      print(rows)
      print(grids.sweep(T=[0, 1], quiet=true, T => 1 // T))
      c = certify(net, test, eps=0.002, quiet=true)
      print(c.certified, sum(c.bounds))
      d = diagnose(net, test, eps=0.02, checks=["steps", "non_finite"], quiet=true)
      print(d.rows)
      print(smooth(net, test, sigma=0.1, n0=10, n=40, quiet=true))
      for T in [1, 3] { print(evaluate(net.at(T=T), test, attacks=pgd(steps=2), eps=0.05, quiet=true).worst_case) }

      """
    let (alone, shared) = (try Study(script), try Study(script))
    defer {
      alone.remove()
      shared.remove()
    }
    let expected = alone.ltd("study.ltd")
    try #require(expected.ending == .exited(0), "\(expected.errorOutput)")
    let found = shared.ltd("study.ltd", "--jobs", "3")
    #expect(found.ending == .exited(0), "\(found.errorOutput)")
    #expect(found.output == expected.output)
    #expect(try shared.content("sweep.json") == alone.content("sweep.json"))
    let status = shared.ltd("status", "study.shards")
    #expect(status.output.contains("3 of 3 cells of the sweep over 3 settings\n"), "\(status.output)")
    #expect(status.output.contains("1 of 1 cells of the diagnosis of mlp on glyphs test\n"))
  }

  @Test func whatIsMissingIsListed() throws {
    let study = try Study(Study.whole)
    defer { study.remove() }
    #expect(study.ltd("study.ltd", "--shard=1/3").ending == .exited(75))
    let merged = study.ltd("merge", "study.shards")
    #expect(merged.ending == .exited(75) && merged.output.isEmpty)
    #expect(
      merged.errorOutput.contains("2 of 3 cells of the evaluation of mlp on glyphs test under 6 attacks are missing: "))
    #expect(study.ltd("status", "study.shards").output.contains("1 of 3 cells of the evaluation of mlp on glyphs test"))
    #expect(!FileManager.default.fileExists(atPath: study.folder.appending(path: "runs.sqlite").path))
  }

  /// Shards of another script, other words, another instruction set, other weights; what nobody of them wrote.
  @Test func whatDoesNotBelongTogetherIsRefused() throws {
    let study = try Study("import \"part.ltd\" as part\nr = \(Study.evaluation)\n")
    defer { study.remove() }
    func part(_ text: String) throws { try Data(text.utf8).write(to: study.folder.appending(path: "part.ltd")) }
    try part("x = 1\n")
    #expect(study.ltd("study.ltd", "--shard", "1/3").ending == .exited(0))
    func refused(_ child: ChildProcess, _ words: String) {
      #expect(child.ending == .exited(1) && child.errorOutput.contains(words), "\(child.errorOutput)")
    }
    refused(study.ltd("study.ltd", "--shard", "2/3", "word"), "its words")
    refused(study.ltd("study.ltd", "--shard", "2/3", variables: ["LTD_SIMD": "base"]), "the instruction set")
    try part("x = 2\n")
    refused(study.ltd("study.ltd", "--shard", "2/3"), "'part.ltd' is not what the other shards")
    try part("x = 1\n")
    let weights = try study.content("net.safetensors")
    #expect(
      study.ltd("-e", "save_model(mlp(hidden=[16], seed=2), \"net.safetensors\")").ending == .exited(0))
    refused(study.ltd("study.ltd", "--shard", "2/3"), "another one has found something else: the weights of the model")
    try weights.write(to: study.folder.appending(path: "net.safetensors"))
    try study.runAll([3])
    // One cell under the name of another, a damaged one, and a file of nobody.
    let cells = study.shards.appending(path: "cells")
    let names = try FileManager.default.contentsOfDirectory(atPath: cells.path).sorted()
    try #require(names.count == 3)
    let (first, second) = (cells.appending(path: names[0]), cells.appending(path: names[1]))
    let kept = try Data(contentsOf: second)
    try Data(contentsOf: first).write(to: second)
    refused(study.ltd("merge", "study.shards"), "is no chunk of the evaluation of mlp")
    try kept.prefix(kept.count / 2).write(to: second)
    refused(study.ltd("merge", "study.shards"), names[1])
    try kept.write(to: second)
    let foreign = cells.appending(path: "evaluate-0123456789abcdef-00000.sqlite")
    try kept.write(to: foreign)
    refused(
      study.ltd("merge", "study.shards"), "files that no shard of this run has written: evaluate-0123456789abcdef")
    try FileManager.default.removeItem(at: foreign)
    #expect(study.ltd("merge", "study.shards").ending == .exited(0))
    // Another script, and what of the first it may take over.
    try study.write("r = \(Study.evaluation)\nprint(r.n, r.complete)\n")
    refused(study.ltd("merge", "study.shards"), "the script ('study.ltd' there)")
    let changed = study.ltd("merge", "--changed-script", "study.shards")
    #expect(changed.ending == .exited(0) && changed.output == "120 true\n", "\(changed.errorOutput)")
  }

  /// A disk that is full ends the shard, and leaves no cell with holes; with room it continues.
  @Test func aFullDiskLeavesNoHoles() throws {
    let study = try Study("r = \(Study.evaluation)\nprint(r.complete)\n")
    defer { study.remove() }
    let child = study.shell("ulimit -f 100; exec \"$LTD\" study.ltd --shard 1/1")
    #expect(child.ending == .exited(1) && child.output.isEmpty, "\(child.errorOutput)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: study.shards.appending(path: "cells").path) == [])
    #expect(study.ltd("study.ltd", "--shard", "1/1").ending == .exited(0))
    #expect(study.ltd("merge", "study.shards").output == "true\n")
  }

  /// A script that does not parse costs nobody his folder.
  @Test func aFolderWithoutCellsTakesAnotherScript() throws {
    let study = try Study("print(\n")
    defer { study.remove() }
    #expect(study.ltd("study.ltd", "--shard", "1/2").ending == .exited(65))
    try study.write("print(1)\n")
    let child = study.ltd("study.ltd", "--shard", "1/2")
    #expect(child.ending == .exited(0) && child.output == "1\n", "\(child.errorOutput)")
  }

  @Test(arguments: [
    (["--shard", "0/3", "study.ltd"], "--shard must be K/N"), (["--shard", "4/3", "study.ltd"], "--shard must be K/N"),
    (["study.ltd", "--shard", "x"], "--shard must be K/N"), (["study.ltd", "--shard"], "Missing value for '--shard'"),
    (["study.ltd", "--shard", "1/99999999999999999999"], "--shard must be K/N"),
    (["study.ltd", "--jobs", "0"], "--jobs must be from 1 to 256"), (["study.ltd", "--jobs", "x"], "must be a number"),
    (["study.ltd", "--jobs", "2", "--shard", "1/2"], "exclude each other"),
    (["--jobs", "2", "-e", "1"], "--jobs needs the file of a script"),
    (["--jobs", "2", "-"], "--jobs needs the file of a script"), (["--dir", "x", "study.ltd"], "--dir is for"),
    (["--changed-script", "study.ltd"], "--changed-script is for"),
    (["--no-files", "--jobs", "2", "study.ltd"], "leave --no-files out"),
    (["-i", "--jobs", "2", "study.ltd"], "leave -i out"),
    (["submit", "study.ltd", "--cells", "0"], "--cells must be from 1"),
    (["submit", "study.ltd", "--cells", "2", "--sbatch", "x"], "--sbatch takes options such as"),
  ])
  func nonsenseIsRefused(_ words: [String], _ message: String) throws {
    let study = try Study("print(1)\n")
    defer { study.remove() }
    let child = study.shell("exec \"$LTD\" \"$@\"", words)
    #expect(child.ending == .exited(2) && child.errorOutput.contains(message), "\(child.errorOutput)")
    #expect(!FileManager.default.fileExists(atPath: study.shards.path))
  }

  @Test func whatIsNoFolderOfShardsIsRefused() throws {
    let study = try Study("print(1)\n")
    defer { study.remove() }
    for command in ["status", "merge"] {
      let child = study.ltd(command, "nowhere")
      #expect(
        child.ending == .exited(1) && child.errorOutput.contains("'nowhere' is no folder of shards")
          || child.errorOutput.contains("nowhere' is no folder of shards"), "\(child.errorOutput)")
    }
    // A part of the disk that nobody may write.
    #expect(study.ltd("study.ltd", "--shard", "1/2", "--dir", "/proc/shards").ending == .exited(1))
  }

  /// What would be written by each shard alike is refused before it trains.
  @Test func aTrainingIntoALedgerBelongsElsewhere() throws {
    let study = try Study("fit(mlp(hidden=[4]), train, epochs=1, save=\"runs.sqlite\", quiet=true)\n")
    defer { study.remove() }
    let child = study.ltd("study.ltd", "--shard", "1/2")
    #expect(child.ending == .exited(1) && child.errorOutput.contains("each of the 2 shards would train here"))
    let cells = try Study(
      "import grids\ngrids.sweep(T=[1, 2], quiet=true, T => evaluate(net, test, save=true, quiet=true).n)\n")
    defer { cells.remove() }
    _ = cells.ltd("study.ltd", "--shard", "1/1")
    let found = cells.ltd("merge", "study.shards")
    #expect(found.errorOutput.contains("within a cell of a shard, save and keep would write"), "\(found.errorOutput)")
  }
}
