import Base
import Tensors

/// WideResNet-depth-widen (Zagoruyko & Komodakis 2016) with the key names of TRADES and RobustBench.
public struct WideResNet: Sendable, Equatable {
  public var depth: Int
  public var widen: Int
  /// Share of dropout between the two convolutions of a block; 0 in all published robust models.
  public var dropout: Double

  public init(depth: Int = 34, widen: Int = 10, dropout: Double = 0) {
    self.depth = depth
    self.widen = widen
    self.dropout = dropout
  }

  func layers(classes: Int) throws(CoreError) -> Layer {
    guard depth >= 10, depth <= 1000, depth % 6 == 4 else {
      throw CoreError(
        .value, "depth of a WideResNet is 6n + 4, not \(depth)", hint: "10, 16, 22, 28, 34, 40 and so on, to 1000",
        argument: "depth")
    }
    guard widen >= 1, widen <= 1000 else {
      throw CoreError(
        .value, "widen of a WideResNet is from 1 to 1000, not \(widen)", hint: "widen=10 is usual", argument: "widen")
    }
    var children = [Child("conv1", Zoo.conv3x3(16, initialisation: .kaimingFanOut))]
    var inputs = 16
    for group in 0..<3 {
      let channels = widen * (16 << group)
      var blocks: [Layer] = []
      for i in 0..<(depth - 4) / 6 {
        let stride = group > 0 && i == 0 ? 2 : 1
        blocks.append(block(inputs: i == 0 ? inputs : channels, channels: channels, stride: stride))
      }
      children.append(Child("block\(group + 1)", .chain([Child("layer", .sequential(blocks))])))
      inputs = channels
    }
    return .chain(
      children + [
        Child("bn1", .batchNorm(BatchNorm())), Child("", .relu), Child("", .globalAveragePool),
        Child("fc", .linear(Linear(classes, initialisation: .standardZeroBias))),
      ])
  }

  private func block(inputs: Int, channels: Int, stride: Int) -> Layer {
    let changes = inputs != channels
    var body = [
      Child("conv1", Zoo.conv3x3(channels, stride: stride, initialisation: .kaimingFanOut)),
      Child("bn2", .batchNorm(BatchNorm())), Child("", .relu),
    ]
    if dropout > 0 { body.append(Child("", .dropout(dropout))) }
    body.append(Child("conv2", Zoo.conv3x3(channels, initialisation: .kaimingFanOut)))
    return .residual(
      Residual(
        before: [Child("bn1", .batchNorm(BatchNorm())), Child("", .relu)], body: body,
        shortcut: changes
          ? [Child("convShortcut", Zoo.conv1x1(channels, stride: stride, initialisation: .kaimingFanOut))] : [],
        shortcutReadsBefore: changes))
  }
}
