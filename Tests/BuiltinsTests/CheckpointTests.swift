import Base
import Builtins
import Foundation
import HostSupport
import TestSupport
import Testing

/// Checkpoints from elsewhere, as a person loads them.
@Suite struct CheckpointTests {
  /// What a program prints, what it is told beside that, and the error that ended it.
  private func run(_ program: String) throws -> (printed: String, notes: String, error: String?) {
    let host = TestHost()
    let session = Session(table: .standard, host: host)
    let outcome = session.run(Source(name: "test.ltd", text: program))
    let notes = (host.notes + host.warnings).joined(separator: "\n")
    if case .failure(let errors) = outcome { return (host.printed, notes, render(errors)) }
    return (host.printed, notes, nil)
  }

  // MARK: Files with one fault or oddity each

  static let folder = SharedFiles.vectors?.deletingLastPathComponent().appending(path: "cases/pt")

  static func rows() throws -> [(name: String, value: JSON)] {
    guard let folder, FileManager.default.fileExists(atPath: folder.path) else { return [] }
    let json = try JSON.parse([UInt8](Data(contentsOf: folder.appending(path: "expected.json"))))
    return (json.objectValue ?? []).filter { !$0.key.hasPrefix("_") }.map { ($0.key, $0.value) }
  }

  static var names: [String] { ((try? rows()) ?? []).map(\.name) }

  /// The input that the file of expectations describes, `x[i] = (i mod 17) / 16`; of `logits6` it is `(i mod 7) / 6`.
  private static func input(_ shape: [Int], over period: Int = 17) -> String {
    "x = reshape((arange(\(shape.reduce(1, *))) % \(period)) / \(period - 1), \(shape))"
  }

  private static let network = "network([flatten(), linear(16), relu(), linear(10)], input=[1, 28, 28])"

  @Test(arguments: names)
  func everyRowIsServed(_ name: String) throws {
    let row = try #require(try Self.rows().first { $0.name == name }).value
    let path = try #require(Self.folder).appending(path: name).path
    let keys = Set((row.objectValue ?? []).map(\.key))
    #expect(
      keys.isSubset(of: ["logits", "says", "error", "net", "logits6"]), "\(name) has more than is known: \(keys)")
    if row["logits"] != nil {
      let expected = try Self.numbers(row["logits"])
      for program in ["load_model(\"\(path)\")", "load_weights(\(Self.network), \"\(path)\")"] {
        let result = try run(
          "\(Self.input([2, 1, 28, 28])); net = \(program); print(to_json(flatten(net(x), start=0)))")
        try Self.compare(result, expected, "\(name): \(program)")
        // What is said names every prefix and key that the row names.
        for word in Self.words(row["says"]?.stringValue ?? "") {
          #expect(result.notes.contains(word), "\(name) does not say \(word): \(result.notes)")
        }
      }
    } else if row["logits6"] != nil {
      let expected = try Self.numbers(row["logits6"])
      let net = try #require(row["net"]?.stringValue)
      for program in ["load_weights(\(net), \"\(path)\")", "load_model(\"\(path)\", architecture=\(net))"] {
        let result = try run(
          "\(Self.input([2, 1, 6, 6], over: 7)); net = \(program); print(to_json(flatten(net(x), start=0)))")
        try Self.compare(result, expected, "\(name): \(program)")
      }
    } else {
      try checkRefusal(of: path, try #require(row["error"]?.stringValue, "\(name) expects nothing"))
    }
    #expect(!FileManager.default.fileExists(atPath: "evil_ran"))
    #expect(!FileManager.default.fileExists(atPath: path + "/../evil_ran"))
  }

  /// What an expected error says, in the words of the file of expectations, and in those of ltd.
  private static let words: [(expected: String, said: String)] = [
    ("truncated", "is cut short"), ("names the storage", "the storage"), ("1.weight is int8", "'1.weight' is int8"),
    ("3.weight is [100, 16] instead of [10, 16]", "'3.weight' is [100, 16] instead of [10, 16]"),
    ("a list, not a state dict", "a list"), ("a web page", "a web page"), ("extra is sparse", "'extra' is sparse"),
    ("refused", "this reads"),
  ]

  private func checkRefusal(of path: String, _ expected: String) throws {
    let result = try run("net = load_weights(mlp(hidden=[16]), \"\(path)\"); print(net.classes)")
    let wanted = Self.words.filter { expected.contains($0.expected) }
    // "or …" is what may be done instead of an error: the words are then in what is said beside.
    let isAllowed = expected.hasPrefix("or ") && result.error == nil
    #expect(result.error != nil || isAllowed, "\(path) is loaded")
    #expect(!wanted.isEmpty || expected.contains("byte-swapped"), "nothing is known of: \(expected)")
    for word in wanted {
      #expect((result.error ?? result.notes).contains(word.said), "\(word.said): \(result.error ?? result.notes)")
    }
    if expected.contains("finds 100 classes") {
      #expect(try run("print(load_model(\"\(path)\").classes)").printed == "100\n")
    }
    if expected.contains("byte-swapped"), result.error == nil { try checkByteOrder(of: path) }
  }

  /// The bytes of a file that says to be big-endian are turned round: its weights are those of 01_zip.pt, turned.
  private func checkByteOrder(of path: String) throws {
    let plain = try #require(Self.folder).appending(path: "01_zip.pt").path
    let same = try run(
      "print(same_weights(load_weights(mlp(hidden=[16]), \"\(path)\"), load_weights(mlp(hidden=[16]), \"\(plain)\")))")
    #expect(same.printed == "false\n", "read as little-endian")
  }

  private static func numbers(_ rows: JSON?) throws -> [Double] {
    try #require(rows?.arrayValue).flatMap { try #require($0.numbers) }
  }

  private static func compare(
    _ result: (printed: String, notes: String, error: String?), _ expected: [Double], _ what: String
  ) throws {
    #expect(result.error == nil, "\(what)\n\(result.error ?? "")")
    guard result.error == nil else { return }
    let actual = try #require(try JSON.parse(result.printed).numbers, "\(what): \(result.printed)")
    try #require(actual.count == expected.count, "\(what)")
    let scale = expected.reduce(1) { max($0, abs($1)) }
    for (a, b) in zip(actual, expected) { #expect(abs(a - b) <= 1e-4 * scale, "\(what)") }
  }

  /// The keys and prefixes in a sentence: words with a point or an underscore in them.
  private static func words(_ sentence: String) -> [String] {
    sentence.split { " ;,".contains($0) }.map(String.init).filter { $0.dropLast().contains("_") || $0.hasSuffix(".") }
  }

  // MARK: Public files with published numbers

  /// Correct of the 10,000 test images, as the README of the folder has them.
  static let counts = [
    ("checkpoints/trades_mnist_smallcnn.pt", "mnist", "mnist", 9948),
    ("../vectors/models/fgsm.pth", "mnist", "mnist", 9850),
    ("checkpoints/kolter_wong_fashion_mnist.pth", "fashion_mnist", "fashion-mnist", 7827),
    ("checkpoints/advertorch_mnist_lenet5_advtrained.pt", "mnist", "mnist", 9864),
    ("checkpoints/cifar_cnn_a_adv.model", "cifar10", "cifar-10-batches-bin", 6565),
    ("checkpoints/kolter_wong_cifar_small_8px.pth", "cifar10", "cifar-10-batches-bin", 2760),
  ]

  @Test(.enabled(if: SharedFiles.data != nil && SharedFiles.vectors != nil), arguments: counts)
  func naturalAccuracyIsThePublishedOne(_ file: String, _ reader: String, _ data: String, _ count: Int) throws {
    let folder = try #require(SharedFiles.data)
    let path =
      file.hasPrefix("..")
      ? try #require(SharedFiles.vectors).appending(path: String(file.dropFirst("../vectors/".count)))
      : folder.appending(path: file)
    let result = try run(
      """
      net = load_model("\(path.path)")
      test = \(reader)("\(folder.appending(path: data).path)", train=0)[1]
      print(int(round(accuracy(net, test) * len(test))))
      """)
    #expect(result.error == nil, "\(result.error ?? "")")
    #expect(result.printed == "\(count)\n", "\(file)")
    #expect(result.notes.contains("published on"))
  }
}
