import Base

/// The list of the network families.
public enum Families {
  /// Every family, in the order of the manual.
  public static let all: [any NetworkFamily.Type] = [
    MLP.self, SmallCNN.self, PreActResNet18.self, WideResNet.self, ResNet18.self, CIFARResNet34.self,
    CIFARResNet50.self, SwishPreActResNet18.self, SwishWideResNet.self, ImageNetResNet18.self, ImageNetResNet34.self,
    ResNet50.self, ResNet101.self, WideResNet50.self, MNISTNet.self, LeNet5.self, TRADESNet.self,
    VGG.self, MobileNetV2.self, ViT.self,
  ]

  /// The family of this name.
  ///
  /// - Throws: `value` where there is none.
  static func named(_ name: String) throws(CoreError) -> any NetworkFamily.Type {
    guard let family = all.first(where: { $0.name == name }) else {
      throw CoreError(.value, "there is no family of networks '\(name)'")
    }
    return family
  }
}
