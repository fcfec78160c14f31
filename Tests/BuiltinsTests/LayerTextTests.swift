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
