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
]
