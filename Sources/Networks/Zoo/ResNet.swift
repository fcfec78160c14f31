import Base
import Tensors

extension Zoo {
  /// ResNet-18 for CIFAR (kuangliu's `pytorch-cifar`): 3x3 stem, `shortcut.0/1`, `linear`.
  static func resNet18(planes: [Int], classes: Int) throws(CoreError) -> Layer {
    try require(planes: planes)
    var children = [
      Child("conv1", conv3x3(planes[0])), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
    ]
    var inputs = planes[0]
    for (group, channels) in planes.enumerated() {
      let stride = group == 0 ? 1 : 2
      let blocks = [
        basicBlock(inputs: inputs, channels: channels, stride: stride),
        basicBlock(inputs: channels, channels: channels, stride: 1),
      ]
      children.append(Child("layer\(group + 1)", .sequential(blocks)))
      inputs = channels
    }
    return .chain(children + [Child("", .globalAveragePool), Child("linear", .linear(Linear(classes)))])
  }

  private static func basicBlock(inputs: Int, channels: Int, stride: Int) -> Layer {
    let changes = stride != 1 || inputs != channels
    let shortcut: Layer = .sequential([conv1x1(channels, stride: stride), .batchNorm(BatchNorm())])
    return .residual(
      Residual(
        body: [
          Child("conv1", conv3x3(channels, stride: stride)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
          Child("conv2", conv3x3(channels)), Child("bn2", .batchNorm(BatchNorm())),
        ],
        shortcut: changes ? [Child("shortcut", shortcut)] : [], after: [Child("", .relu)]))
  }

  /// ResNet-50 for ImageNet as in torchvision (v1.5: the stride is on the 3x3 convolution); `width` is 64 there.
  static func resNet50(width: Int, classes: Int) throws(CoreError) -> Layer {
    guard width > 0, width <= 1 << 12 else {
      throw CoreError(
        .value, "width of a ResNet-50 is from 1 to \(1 << 12), not \(width)", hint: "width=64 is torchvision's",
        argument: "width")
    }
    let stem = Conv2d(
      width, kernel: Size(7), stride: Size(2), padding: Padding(3), bias: false, initialisation: .kaimingFanOut)
    var children = [
      Child("conv1", .conv2d(stem)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
      Child("", .maxPool(Pooling(Size(3), stride: Size(2), padding: Padding(1)))),
    ]
    var inputs = width
    for (group, count) in [3, 4, 6, 3].enumerated() {
      let inner = width << group
      var blocks: [Layer] = []
      for i in 0..<count {
        blocks.append(bottleneck(inputs: inputs, inner: inner, stride: group > 0 && i == 0 ? 2 : 1))
        inputs = 4 * inner
      }
      children.append(Child("layer\(group + 1)", .sequential(blocks)))
    }
    return .chain(children + [Child("", .globalAveragePool), Child("fc", .linear(Linear(classes)))])
  }

  private static func bottleneck(inputs: Int, inner: Int, stride: Int) -> Layer {
    let changes = stride != 1 || inputs != 4 * inner
    let he = Initialisation.kaimingFanOut
    let shortcut: Layer = .sequential([
      conv1x1(4 * inner, stride: stride, initialisation: he), .batchNorm(BatchNorm()),
    ])
    return .residual(
      Residual(
        body: [
          Child("conv1", conv1x1(inner, initialisation: he)), Child("bn1", .batchNorm(BatchNorm())), Child("", .relu),
          Child("conv2", conv3x3(inner, stride: stride, initialisation: he)), Child("bn2", .batchNorm(BatchNorm())),
          Child("", .relu),
          Child("conv3", conv1x1(4 * inner, initialisation: he)), Child("bn3", .batchNorm(BatchNorm())),
        ],
        shortcut: changes ? [Child("downsample", shortcut)] : [], after: [Child("", .relu)]))
  }
}
