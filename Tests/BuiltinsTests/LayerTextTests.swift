import Builtins
import Networks
import Testing

/// Layers print as they could be typed: what is printed makes a network with the same weights.
@Suite struct LayerTextTests {
  static let models = [
    "mlp(hidden=[8, 6])", "smallcnn(width=4, features=12)", "preactresnet18(planes=[2, 4, 4, 8])",
    "preactresnet18(planes=[2, 4, 4, 8], variant=\"raw\")", "preactresnet18(planes=[2, 4, 4, 8], variant=\"raw_bn\")",
    "wideresnet(depth=10, widen=1)", "resnet18(planes=[2, 4, 4, 8])", "resnet50(width=2, size=64, classes=10)",
  ]

  /// Calls of every constructor, with every setting somewhere.
  static let architectures =
    models + [
      "mlp()", "mlp(hidden=[], classes=3, channels=2, size=5)", "smallcnn(width=16)", "smallcnn(dropout=0.1)",
      "smallcnn(classes=3, channels=3, size=32, mean=[0.5, 0.4, 0.3], std=[0.25, 0.3, 0.2])", "mnist_net()",
      "mnist_net(classes=3, channels=3, size=20)", "preactresnet18(planes=[2, 4, 4, 8], mean=[0, 0, 0], std=[1, 1, 1])",
      "wideresnet(depth=16, widen=1, dropout=0.3)", "resnet18(planes=[2, 4, 4, 8], classes=4, size=16)",
      "network([flatten(), linear(10)], input=[1, 4, 6])",
      "network({a: conv2d(2, kernel=[1, 3], padding=[0, 1, 2, 3]), b: relu(), c: flatten(), d: linear(3)}, input=[2, 8, 8])",
      "network([residual({c: conv2d(1, kernel=1)}, before=batch_norm(eps=0.001), shortcut_reads_before=true), flatten(), linear(2)], input=[1, 4, 4], mean=[0.5], std=[0.1])",
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
