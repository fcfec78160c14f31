import Base
import Builtins
import Networks
import TestSupport
import Testing

/// Layers print as they could be typed: what is printed makes a network with the same weights.
@Suite struct LayerTextTests {
  static let models = smallNetworks.map { family, settings in
    let members = (try? JSON.parse(settings).objectValue) ?? []
    let arguments = members.map { "\($0.key)=\((try? $0.value.text) ?? "")" }
    return "\(family)(\((arguments + ["channels=3", "size=32", "classes=4"]).joined(separator: ", ")))"
  }

  /// Calls of every constructor, with every setting somewhere.
  static let architectures =
    models + models.map { $0.dropLast() + ", mean=[0.5, 0.4, 0.3], std=[0.25, 1, 0.2])" } + [
      "mlp()", "mlp(hidden=[], classes=3, channels=2, size=5)", "mlp(size=[4, 6])", "smallcnn(width=16)", "mnist_net()",
      "smallcnn(width=[1, 2, 3, 4], size=[28, 30])", "network([flatten(), linear(10)], input=[1, 4, 6])",
      "network({a: conv2d(2, kernel=[1, 3], padding=[0, 1, 2, 3]), b: relu(), c: flatten(), d: linear(3)}, input=[2, 8, 8])",
      "network([residual({c: conv2d(1, kernel=1)}, before=batch_norm(eps=0.001), shortcut_reads_before=true), flatten(), linear(2)], input=[1, 4, 4], mean=[0.5], std=[0.1])",
      "network([conv2d(2, kernel=3, stride=2, padding=\"same\"), flatten(), linear(3)], input=[1, 7, 8])",
      "network([gaussian_noise(0.25), flatten(), gaussian_noise(), linear(2)], input=[1, 4, 4])",
      "network([flatten()] + [[linear(9), relu()][i % 2] for i in range(40)] + [linear(2)], input=[1, 4, 4])",
    ]

  /// What `architecture` says makes the same network, to the last weight.
  @Test(arguments: architectures)
  func architectureTypedAgain(_ model: String) {
    let text = evaluated("print((\(model)).architecture)")
    #expect(text.last == ")", "\(text)")
    func seeded(_ call: String) -> String { call.dropLast() + (call.hasSuffix("()") ? "seed=3)" : ", seed=3)") }
    #expect(evaluated("same_weights(\(seeded(model)), \(seeded(text)))") == "true", "\(text)")
  }

  @Test func everyConstructorIsTypedAgain() {
    for (name, entry) in BuiltinTable.standard.functions where entry.signature.text.hasSuffix("-> model") {
      guard entry.signature.parameterNames.contains("seed") else { continue }
      #expect(Self.architectures.contains { $0.hasPrefix(name + "(") }, "\(name)")
    }
  }

  @Test(arguments: models)
  func typedAgain(_ model: String) {
    let text = evaluated("\(model).layers")
    #expect(!text.hasPrefix("error"), "\(text)")
    #expect(
      evaluated("m = \(model); keys(network(\(text), input=m.input, seed=3).parameters) == keys(m.parameters)")
        == "true")
    let logits = "m(full([2] + m.input, 0.5))"
    #expect(
      evaluated(
        """
        path = "/tmp/ltd-layer-text-\(model.hashValue).safetensors"
        m = \(model); save_model(m, path); own = load_weights(network(\(text), input=m.input, seed=3), path)
        a = \(logits); m = own; b = \(logits); all(a == b)
        """) == "true")
  }
}
