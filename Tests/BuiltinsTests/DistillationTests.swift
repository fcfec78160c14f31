import Builtins
import TestSupport
import Testing

/// Each convention of distillation losses in one line, against PyTorch's values and gradients.
@Suite struct DistillationTests {
  static let file = SharedFiles.vectors?.deletingLastPathComponent().appending(path: "cases/kd/expected.json")

  /// By name in the file: the loss of logits z and za of a student, t of a teacher, and labels y.
  static let losses = [
    "soft_ce_T3": "cross_entropy(z, softmax(t, T=3))",
    "kd_T4_hinton": "16 * kl_div(t, z, T=4)",
    "ard_a1_T30": "900 * kl_div(t, za, T=30) / 7",
    "rslad":
      "5 / 6 * mean(p * log(p + 1e-5) - p * log_softmax(za)) + 1 / 6 * mean(p * log(p + 1e-5) - p * log_softmax(z))",
    "trades_b6": "cross_entropy(z, y) + 6 * kl_div(z, za)",
    "ltd_trades_T3_b6": "cross_entropy(z, softmax(t, T=3)) + 6 * kl_div(z, za)",
  ]

  @Test(.enabled(if: file != nil, "set LTD_VECTORS to the folder of reference vectors"))
  func everyConvention() throws {
    let path = try #require(Self.file).path
    let session = Session(table: .standard)
    func answer(_ code: String) -> String { session.transcript(of: code) }
    let setUp = """
      d = parse_json(read_text("\(path)"))
      z, za, t, y = tensor(d.z), tensor(d.za), tensor(d.t), tensor(d.y)
      p = softmax(t);
      """
    #expect(answer(setUp) == "")
    #expect(answer("sort(keys(d.values))") == answer("\(Self.losses.keys.sorted())"))
    for (name, loss) in Self.losses {
      #expect(answer("abs(\(loss) - d.values.\(name).loss) < 1e-4") == "true", "\(name)")
      for input in ["z", "za"] {
        let expected = "d.values.\(name).grad_\(input)"
        #expect(
          answer(
            "g = grad(\(input) => \(loss), \(input)); e = \(expected); max(abs(g - if e == none { zeros([5, 7]) } else { tensor(e) })) < 1e-5"
          ) == "true", "\(name), gradient of \(input)")
      }
    }
    #expect(
      answer(
        "k = kl_div(tensor(d.extreme.p), tensor(d.extreme.q), reduction=\"none\"); allclose(k, tensor(d.extreme.kl), rtol=1e-6)"
      )
        == "true")
  }
}
