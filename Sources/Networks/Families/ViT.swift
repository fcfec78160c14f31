import Base
import Tensors

/// A vision transformer (Dosovitskiy et al. 2021) with the names and the initialisation of timm's
/// `VisionTransformer`: patches become tokens by a convolution, blocks of attention and two linear layers follow, and
/// the class token is read. torchvision's `vit_b_16` computes the same and names its weights otherwise.
public struct ViT: NetworkFamily {
  public static let name = "vit"
  public static let page = Page(
    "A vision transformer with the names of timm.",
    details: """
      vit() is timm's vit_tiny_patch16_224, vit(dim=384, heads=6) its vit_small_patch16_224, and \
      vit(patch=4, classes=10, size=32, depth=6) one for CIFAR. Names of weights and initialisation are timm's; those of \
      torchvision's vit_b_16 are other names for the same network, which are not read.
      """,
    examples: [
      ("vit().size", "5717416"), ("vit(patch=4, dim=48, depth=2, heads=3, classes=10, size=32).size", "62650"),
    ], seeAlso: ["resnet18", "attention", "layer_norm"],
    search: ["network", "transformer", "attention", "deit", "timm", "imagenet"])
  public static let settings: [Setting<ViT>] = [
    Setting(
      "patch", \.patch, .int(1...1 << 12, hint: "patch=16 is usual for ImageNet, patch=4 for CIFAR"),
      note: "height and width of a patch, in pixels.", isAlwaysShown: true),
    Setting(
      "dim", \.dim, .int(1...1 << 16, hint: "dim=192 with heads=3"), note: "numbers of a token.", isAlwaysShown: true),
    Setting("depth", \.depth, .int(1...1000, hint: "depth=12 is usual"), note: "blocks.", isAlwaysShown: true),
    Setting(
      "heads", \.heads, .int(1...1 << 16, hint: "heads=3 with dim=192"),
      note: "heads of attention, which divide dim.", isAlwaysShown: true),
    Setting(
      "mlp_ratio", \.mlpRatio, .positive(hint: "mlp_ratio=4 is usual"),
      note: "hidden numbers of a block's two linear layers, as a multiple of dim."),
  ]
  public static let usualClasses = 1000
  public static let usualInput = (channels: 3, size: 224)

  /// Height and width of a patch, in pixels.
  public var patch: Int
  /// Numbers of a token.
  public var dim: Int
  /// Blocks.
  public var depth: Int
  /// Heads of attention, which divide `dim`.
  public var heads: Int
  /// Hidden numbers of a block's two linear layers, as a multiple of `dim`.
  public var mlpRatio: Double

  public init() { self.init(patch: 16) }

  /// A transformer of these sizes, by default ViT-Ti/16.
  ///
  /// - Parameters:
  ///   - patch: height and width of a patch, in pixels.
  ///   - dim: numbers of a token.
  ///   - depth: blocks.
  ///   - heads: heads of attention, which divide `dim`.
  ///   - mlpRatio: hidden numbers of a block's two linear layers, as a multiple of `dim`.
  public init(patch: Int = 16, dim: Int = 192, depth: Int = 12, heads: Int = 3, mlpRatio: Double = 4) {
    self.patch = patch
    self.dim = dim
    self.depth = depth
    self.heads = heads
    self.mlpRatio = mlpRatio
  }

  /// Heads do not show in the weights. Those of 64 numbers, which all of timm's have, are taken where the tokens can have
  /// them; otherwise all numbers of heads up to 64 are listed.
  public static func guesses(for weights: WeightShapes) -> [Guess] {
    guard let dim = weights["cls_token", 2], let patch = weights["patch_embed.proj.weight", 2],
      let channels = weights["patch_embed.proj.weight", 1], let tokens = weights["pos_embed", 1],
      let side = Guess.side(of: tokens - 1), let hidden = weights["blocks.0.mlp.fc1.weight", 0],
      let classes = weights["head.weight", 0], side < 1 << 16, patch < 1 << 16, dim <= 1 << 16,
      hidden <= 1 << 26
    else { return [] }
    let depth = weights.run { "blocks.\($0).norm1.weight" }
    let size = side * patch
    let quotient = Double(hidden) / Double(dim)
    let ratio = Int(Double(dim) * quotient) == hidden ? quotient : quotient.nextUp
    let heads = dim % 64 == 0 ? [dim / 64] : (1...64).filter { dim % $0 == 0 }
    return heads.map {
      Guess(
        ViT(patch: patch, dim: dim, depth: depth, heads: $0, mlpRatio: ratio), classes: classes,
        input: [channels, size, size], assumed: ["heads=\($0)"])
    }
  }

  /// Patches as tokens, the blocks, and the logits of the class token. The last layer norm is that of the token alone,
  /// as no other token is read after it.
  public func layers(classes: Int) -> Layer {
    let initialisation = Initialisation.normal002
    let norm = Layer.layerNorm(eps: 1e-6)
    let embedding = Layer.conv2d(Conv2d(dim, kernel: Size(patch), stride: Size(patch)))
    let hidden = Int(Double(dim) * mlpRatio)
    let mlp = Layer.chain([
      Child("fc1", .linear(Linear(hidden, initialisation: initialisation))), Child("", .gelu),
      Child("fc2", .linear(Linear(dim, initialisation: initialisation))),
    ])
    let attention = Layer.attention(Attention(heads: heads, initialisation: initialisation))
    let second = Layer.residual(Residual(body: [Child("norm2", norm), Child("mlp", mlp)]))
    let block = Layer.residual(
      Residual(body: [Child("norm1", norm), Child("attn", attention)], after: [Child("", second)]))
    return .chain([
      Child("patch_embed", .chain([Child("proj", embedding)])), Child("", .classToken),
      Child("blocks", .sequential([Layer](repeating: block, count: depth))), Child("", .firstToken),
      Child("norm", norm), Child("head", .linear(Linear(classes, initialisation: initialisation))),
    ])
  }

  /// Checks what the settings must be together.
  public func validateTogether() throws(CoreError) {
    guard dim % heads == 0 else {
      throw CoreError(
        .value, "heads of vit must divide its dim \(dim), not be \(heads)", hint: "dim=192, heads=3 is usual",
        argument: "heads")
    }
    guard Double(dim) * mlpRatio >= 1, mlpRatio <= 1024 else {
      throw CoreError(
        .value,
        "mlp_ratio of vit must be at most 1024 and make a hidden layer of dim·mlp_ratio numbers, not \(mlpRatio)",
        hint: "mlp_ratio=4 is usual", argument: "mlp_ratio")
    }
  }
}
