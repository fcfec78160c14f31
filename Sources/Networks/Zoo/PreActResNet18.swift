import Base
import Tensors

/// The pre-activation ResNet-18 of CIFAR (He et al. 2016), in the three forms that share their key names.
public struct PreActResNet18: Sendable, Equatable {
  public enum Variant: String, Sendable, Equatable, CaseIterable {
    /// Shortcuts read the raw block input; no batch norm before pooling (RobustBench's `PreActBlock`).
    case raw
    /// Shortcuts read the raw block input; relu(bn(x)) before pooling (Wong et al. 2020).
    case rawNormalised = "raw_bn"
    /// Shortcuts read relu(bn1(x)); relu(bn(x)) before pooling (Rice et al. 2020, AWP; RobustBench's `PreActBlockV2`).
    case activated = "activated"
  }

  public var planes: [Int]
  public var variant: Variant

  public init(planes: [Int] = [64, 128, 256, 512], variant: Variant = .activated) {
    self.planes = planes
    self.variant = variant
  }

  func layers(classes: Int) throws(CoreError) -> Layer {
    try Zoo.require(planes: planes)
    var children = [Child("conv1", Zoo.conv3x3(planes[0]))]
    var inputs = planes[0]
    for (group, channels) in planes.enumerated() {
      let stride = group == 0 ? 1 : 2
      let blocks = [
        block(inputs: inputs, channels: channels, stride: stride),
        block(inputs: channels, channels: channels, stride: 1),
      ]
      children.append(Child("layer\(group + 1)", .sequential(blocks)))
      inputs = channels
    }
    if variant != .raw { children += [Child("bn", .batchNorm(BatchNorm())), Child("", .relu)] }
    children += [Child("", .globalAveragePool), Child("linear", .linear(Linear(classes)))]
    return .chain(children)
  }

  private func block(inputs: Int, channels: Int, stride: Int) -> Layer {
    let changes = stride != 1 || inputs != channels
    return .residual(
      Residual(
        before: [Child("bn1", .batchNorm(BatchNorm())), Child("", .relu)],
        body: [
          Child("conv1", Zoo.conv3x3(channels, stride: stride)), Child("bn2", .batchNorm(BatchNorm())),
          Child("", .relu), Child("conv2", Zoo.conv3x3(channels)),
        ],
        shortcut: changes ? [Child("shortcut", .sequential([Zoo.conv1x1(channels, stride: stride)]))] : [],
        shortcutReadsBefore: changes && variant == .activated))
  }
}

extension Zoo {
  static func conv3x3(_ channels: Int, stride: Int = 1, initialisation: Initialisation = .standard) -> Layer {
    .conv2d(
      Conv2d(
        channels, kernel: Size(3), stride: Size(stride), padding: Padding(1), bias: false,
        initialisation: initialisation))
  }

  static func conv1x1(_ channels: Int, stride: Int = 1, initialisation: Initialisation = .standard) -> Layer {
    .conv2d(
      Conv2d(channels, kernel: Size(1), stride: Size(stride), bias: false, initialisation: initialisation))
  }

  static func require(planes: [Int]) throws(CoreError) {
    guard planes.count == 4, planes.allSatisfy({ $0 > 0 }) else {
      throw CoreError(
        .value, "planes of a ResNet-18 are four positive numbers, not \(planes)", hint: "planes=[64, 128, 256, 512]",
        argument: "planes")
    }
  }
}
