import TestSupport

/// One input: the same for the same seed and number, as long as the corpus stays the same.
struct FuzzCase {
  enum Kind: Int, CaseIterable {
    /// Anything at all: for lexer, parser and diagnostics.
    case bytes
    /// By the grammar: must parse.
    case grammatical
    /// Names and calls are right: must parse, run to its end or to an ordinary error, and do the same when laid out.
    case meaningful
    /// Calls of built-ins, of which most have arguments of the right types: as above.
    case builtins
    /// Real programs with a few tokens or bytes changed.
    case corpus
  }
  let kind: Kind
  let bytes: [UInt8]
  /// Chosen by chance, for what is done to some cases only.
  let draw: UInt64

  init(seed: UInt64, number: UInt64) {
    var mixer = SeededGenerator(seed: seed &* 0x2545_F491_4F6C_DD1D &+ number)
    let own = mixer.next()
    draw = mixer.next()
    var generator = ProgramGenerator(seed: own)
    switch number % 16 {
    case 0:
      kind = .bytes
      bytes = generator.randomBytes()
    case 1:
      kind = .bytes
      bytes = generator.mutate(generator.program(size: Self.size(own)))
    case 2, 3:
      kind = .grammatical
      let program = generator.program(size: Self.size(own))
      // Its names have values in most cases.
      bytes = Array(((draw >> 4) % 8 == 0 ? program : Self.names(in: program, &mixer) + program).utf8)
    case 4:
      kind = .bytes
      var writer = MeaningfulPrograms(seed: own)
      bytes = generator.mutate(writer.program())
    case 5, 6, 7:
      kind = .meaningful
      var writer = MeaningfulPrograms(seed: own)
      bytes = Array(writer.program().utf8)
    case 8, 9, 10:
      kind = .builtins
      var writer = BuiltinPrograms(seed: own)
      bytes = Array(writer.program().utf8)
    case 11:
      kind = .corpus
      var writer = CorpusPrograms(seed: own)
      bytes = generator.mutate(String(decoding: writer.program(mutations: false), as: UTF8.self))
    default:
      kind = .corpus
      var writer = CorpusPrograms(seed: own)
      bytes = writer.program()
    }
  }

  private static func names(in program: String, _ random: inout SeededGenerator) -> String {
    let values = [
      "1", "2.5", "[1, 2, 3]", "{a: 1, k: 2}", "x => x", "\"abc\"", "none", "1..3", "tensor([1.0, 2])", "[[1, 2]]",
    ]
    return ProgramGenerator.names.filter { program.contains($0) }
      .map { "\($0) = \(values[Int.random(in: 0..<values.count, using: &random)])\n" }.joined()
  }

  /// Small programs with a long tail.
  private static func size(_ draw: UInt64) -> Int { draw % 32 == 0 ? 160 : 3 + Int((draw >> 8) % 20) }

  var text: String { String(decoding: bytes, as: UTF8.self) }
}
