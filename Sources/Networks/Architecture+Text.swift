import Base
import Tensors

// How an architecture is printed, and how it is written into a weight file and read back.

extension Architecture: CustomStringConvertible {
  /// The name of the built-in that makes it: "smallcnn", "wideresnet", …; "network" for layers of one's own.
  public var name: String {
    if case .family(let family) = design { type(of: family).name } else { Self.customName }
  }

  private static let customName = "network"

  /// The call that makes it; layers of one's own are left out where they are many.
  public var description: String {
    guard case .custom = design, call.count > 240 else { return call }
    return "network(…, input=\(input))"
  }

  /// What to type for the same network: `smallcnn(classes=10, channels=1, size=28)`.
  public var call: String {
    switch design {
    case .family(let family): return call(of: family)
    case .custom(let layer):
      let inside = normalisation.map { ", mean=\($0.mean.setting.text), std=\($0.std.setting.text)" } ?? ""
      return "\(name)(\(layer), input=\(input)\(inside))"
    }
  }

  private func call(of family: some NetworkFamily) -> String { NetworkCall(family, self).description }
}

extension Architecture {
  /// The settings in which two networks of the same family differ, a phrase for each; empty where the families differ.
  func settingsThatDiffer(from file: Architecture) -> [String] {
    func compare<Family: NetworkFamily>(_ own: Family, _ other: any NetworkFamily) -> [String] {
      guard let other = other as? Family else { return [] }
      return NetworkCall(own, self).differences(from: NetworkCall(other, file)).map {
        "\($0.name) is \($0.other.text) in the file and \($0.own.text) in the model"
      }
    }
    guard case .family(let own) = design, case .family(let other) = file.design else { return [] }
    return compare(own, other)
  }
}

// MARK: - In weight files

extension Architecture {
  /// `{"family": {"kind": "smallcnn", "width": 32, …}, "classes": 10, "input": [1, 28, 28], "mean": …, "std": …}`, the
  /// last two where there is a normalisation; for layers of one's own `{"family": "network", "layers": …, …}`.
  package var json: JSON {
    var members: [JSON.Member] =
      switch design {
      case .family(let family): [.init("family", family.json)]
      case .custom(let layer): [.init("family", .string(Self.customName)), .init("layers", layer.json)]
      }
    members += [.init("classes", .int(classes)), .init("input", .array(input.map { .int($0) }))]
    if let normalisation {
      members += [.init("mean", normalisation.mean.setting.json), .init("std", normalisation.std.setting.json)]
    }
    return .object(members)
  }

  /// The architecture that `json` has written, now or at any time before.
  ///
  /// - Throws: `value` where something is missing, not known or not possible.
  package init(_ json: JSON) throws(CoreError) {
    let json = try Self.inPresentForm(json)
    guard let family = json["family"], let classes = json["classes"]?.intValue, let input = json["input"]?.ints
    else { throw CoreError(.value, "it lacks the family, the classes or the input shape") }
    let design: Design
    if family.stringValue == Self.customName {
      guard let layers = json["layers"] else { throw CoreError(.value, "it lacks its layers") }
      design = .custom(try Layer(layers))
    } else {
      design = .family(try Families.named(family["kind"]?.stringValue ?? "").init(family))
    }
    var normalisation: Normalisation?
    if let mean = json["mean"]?.numbers, let std = json["std"]?.numbers {
      normalisation = Normalisation(mean: mean, std: std)
    }
    self.init(design, classes: classes, input: input, normalisation: normalisation)
    if let key = json.key(missingIn: self.json) {
      throw CoreError(.value, "it has the setting '\(key)', which is not known or is not complete")
    }
  }

  /// Before families had lists of settings, the name of the family was a string, and its sizes stood beside the
  /// classes.
  private static func inPresentForm(_ json: JSON) throws(CoreError) -> JSON {
    guard let name = json["family"]?.stringValue, name != customName, let members = json.objectValue else {
      return json
    }
    let names = try Families.named(name).earlierNames
    let shared = members.filter { ["classes", "input", "mean", "std"].contains($0.key) }
    let sizes = members.filter { member in member.key != "family" && !shared.contains { $0.key == member.key } }
      .map { JSON.Member(names[$0.key] ?? $0.key, $0.value) }
    return .object([.init("family", .object([.init("kind", .string(name))] + sizes))] + shared)
  }
}
