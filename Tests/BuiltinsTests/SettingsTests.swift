import Base
import Builtins
import Datasets
import Networks
import Robustness
import Testing

/// Every configurable value of the lists, at its defaults and with each setting changed: what it prints can be typed and
/// makes the same again, JSON reads back what it has written, and every setting refuses what it cannot be.
@Suite struct SettingsTests {
  /// What is typed to see the value again, and what the prompt answers to it.
  struct Kind: Sendable {
    var types: [any Configurable.Type]
    /// The program in which CALL stands for what the value prints as.
    var program = "a = CALL; print(a); a == CALL"
    var answer: @Sendable (String) -> String = { "\($0)\ntrue" }
  }

  static let kinds: [Kind] = [
    Kind(types: Schedules.all), Kind(types: Augmentations.all), Kind(types: SofteningRules.all),
    Kind(types: networkCalls, program: "print((CALL).architecture)") { $0.replacing(/, seed=[0-9]+/, with: "") },
    // An optimiser has a model, too.
    Kind(
      types: Optimisers.all,
      program: "net = mlp(hidden=[2]); net.name = \"net\"; a = CALL; print(a); str(a) == str(CALL)"),
  ]

  private static let networkCalls: [any Configurable.Type] = Families.all.map { call(of: $0) }

  private static func call<Family: NetworkFamily>(of family: Family.Type) -> any Configurable.Type {
    NetworkCall<Family>.self
  }

  @Test func whatIsPrintedCanBeTyped() throws {
    func check<Made: Configurable>(_ type: Made.Type, _ kind: Kind) throws {
      for value in try values(of: type) {
        var text = value.description
        if value is any OptimiserSettings {
          let shown = text.dropFirst(Made.name.count + 1)
          text = "\(Made.name)(net, lr=0.01" + (shown == ")" ? shown : ", " + shown)
        }
        if isLarge(text) { continue }
        #expect(evaluated(kind.program.replacing("CALL", with: text)) == kind.answer(text), "\(text)")
      }
    }
    for kind in Self.kinds { for type in kind.types { try check(type, kind) } }
  }

  @Test func recordsAreReadBack() throws {
    func check<Made: Configurable>(_ type: Made.Type) throws {
      for value in try values(of: type) {
        #expect(try Made(JSON.parse(value.json.text)).isEqual(to: value), "\(value)")
      }
      #expect(throws: CoreError.self) { try Made(JSON.parse(#"{"kind": "nothing"}"#)) }
    }
    for kind in Self.kinds { for type in kind.types { try check(type) } }
  }

  /// What a layer or the sizes of the images refuse is checked when the network is made.
  private static let unchecked: Set = ["seed", "mean"]

  @Test func everySettingRefusesWhatItCannotBe() {
    func refuses<Made: Configurable>(_ type: Made.Type, _ name: String, _ value: SettingValue) -> Bool {
      do throws(CoreError) {
        _ = try Made([(name, value)])
        return false
      } catch { return error.argument == name && !error.message.isEmpty }
    }
    func check<Made: Configurable>(_ type: Made.Type) {
      for setting in Made.settings {
        #expect(refuses(type, setting.name, .list([.string("no")])), "\(Made.name) takes anything as \(setting.name)")
        guard !setting.type.hasPrefix("bool"), !Self.unchecked.contains(setting.name) else { continue }
        let out: [SettingValue] = [.int(-1), .list([.int(-1)]), .list([.number(-1)]), .string("no")]
        #expect(
          out.allSatisfy { refuses(type, setting.name, $0) } || setting.name == "std",
          "\(Made.name) takes a \(setting.name) that is out of range")
      }
      #expect(throws: CoreError.self) { try Made([("no_such_setting", .int(1))]) }
    }
    for kind in Self.kinds { for type in kind.types { check(type) } }
  }

  /// The value at its defaults, and with each setting at the first value that it takes beside its usual one.
  private func values<Made: Configurable>(of type: Made.Type) throws -> [Made] {
    let candidates: [SettingValue] = [
      .number(0.25), .number(0.75), .int(3), .int(16), .bool(true), .bool(false),
      .list([.int(2), .int(3), .int(4), .int(5)]),
      .list([.int(30), .int(29)]), .list([.number(0.25), .number(0.75)]), .string("raw"), .string("relu"),
      .int(11), .string("torchvision"), .string("corner"), .string("linear"),
      .string("matrices"),
    ]
    var values = [Made()]
    for setting in Made.settings where !["mean", "std"].contains(setting.name) {
      // No network of any family reads images of three pixels.
      let changed = (setting.name == "size" ? [.int(40)] : candidates).lazy
        .compactMap { candidate in
          // How weights decay is said only where they do.
          (try? Made([(setting.name, candidate)]))
            ?? (try? Made([("weight_decay", .number(0.25)), (setting.name, candidate)]))
        }.filter { !$0.isEqual(to: Made()) }
      let value = changed.first { _ in true }
      values.append(try #require(value, "no value is known for \(setting.name) of \(Made.name)"))
    }
    guard Made.settings.contains(where: { $0.name == "mean" }) else { return values }
    let numbers = SettingValue.list([.number(0.5), .number(0.25), .int(1)])
    return values + [try Made([("mean", numbers), ("std", numbers), ("channels", .int(3))])]
  }

  /// Networks that take long to make.
  private func isLarge(_ text: String) -> Bool {
    ["resnet50", "resnet101", "wide_resnet50_2", "imagenet_", "cifar_", "swish_"].contains(where: text.hasPrefix)
      && !["width=3", "planes=[2", "widen=3"].contains(where: text.contains)
  }
}
