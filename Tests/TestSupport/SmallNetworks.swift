/// Small networks of every family: its name, and its settings as JSON. They are what tests of all families are made of; a
/// family that is not here fails `FamilyTests`.
public let smallNetworks: [(family: String, settings: String)] = [
  ("mlp", #"{"hidden": [70, 33]}"#),
  ("smallcnn", #"{"width": [8, 8, 16, 16], "features": 40, "dropout": 0.25}"#),
  ("preactresnet18", #"{"planes": [8, 16, 16, 64]}"#),
  ("preactresnet18", #"{"planes": [2, 4, 4, 8], "variant": "raw"}"#),
  ("preactresnet18", #"{"planes": [2, 4, 4, 8], "variant": "raw_bn"}"#),
  ("wideresnet", #"{"depth": 10, "widen": 1, "dropout": 0.1}"#),
  ("resnet18", #"{"planes": [8, 16, 16, 64]}"#),
  ("resnet50", #"{"width": 4}"#),
  ("mnist_net", "{}"),
  ("cifar_resnet34", #"{"planes": [4, 6, 8, 10]}"#),
  ("cifar_resnet50", #"{"planes": [4, 4, 6, 8]}"#),
  ("swish_wideresnet", #"{"depth": 10, "widen": 1}"#),
  ("swish_wideresnet", #"{"depth": 10, "widen": 1, "activation": "relu"}"#),
  ("swish_preactresnet18", #"{"planes": [4, 6, 8, 10]}"#),
  ("imagenet_resnet18", #"{"width": 4}"#),
  ("imagenet_resnet34", #"{"width": 4}"#),
  ("resnet101", #"{"width": 2}"#),
  ("wide_resnet50_2", #"{"width": 2}"#),
  ("lenet5", #"{"width": 4, "features": 20}"#),
  ("trades_net", #"{"width": 4, "features": 12, "dropout": 0.25}"#),
  ("vgg", #"{"depth": 11, "width": 4}"#),
  ("vgg", #"{"depth": 13, "width": 2, "form": "torchvision"}"#),
  ("mobilenet_v2", #"{"width": 0.1}"#),
  ("mobilenet_v2", #"{"width": 0.1, "form": "torchvision"}"#),
  ("vit", #"{"patch": 4, "dim": 24, "depth": 2, "heads": 3, "mlp_ratio": 2}"#),
]

/// The least height and width of images for families that do not read those of 16 pixels.
public let leastSizes = ["vgg": 32]
