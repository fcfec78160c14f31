import Base
import Datasets
import Networks
import Robustness
import Tensors
import Testing

/// Soft labels and their means at several temperatures, against what they are by definition.
@Suite struct TemperatureTests {
  private let data: Dataset
  private let model: Model

  init() throws {
    data = try glyphs(n: 40, seed: 3).train
    let layers = Layer.sequential([.flatten, .linear(Linear(10))])
    model = try Model(Architecture(layers, classes: 10, input: data.imageShape), seed: 1)
  }

  @Test func profilesAreMeansOfSoftLabels() throws {
    let profiles = try temperatureProfiles(of: model, on: data, temperatures: [1, 5])
    #expect(profiles.map(\.temperature) == [1, 5])
    for profile in profiles {
      let labels = try softLabels(of: model, on: .data(data), temperature: .fixed(profile.temperature))
      let soft = labels.floats().map { Double($0) }
      var (top, label, gap) = (0.0, 0.0, 0.0)
      let posterior = try #require(try data.posterior).floats().map(Double.init)
      for i in 0..<data.count {
        let row = soft[10 * i..<10 * i + 10]
        top += row.max() ?? 0
        label += soft[10 * i + data.labels[i]]
        gap += zip(row, posterior[10 * i..<10 * i + 10]).reduce(0) { $0 + abs($1.0 - $1.1) } / 2
      }
      #expect(abs(profile.confidence - top / 40) < 1e-5)
      #expect(abs(profile.trueClass - label / 40) < 1e-5)
      #expect(abs((profile.posteriorGap ?? 0) - gap / 40) < 1e-5)
      let logits = try model(data.images)
      let loss = try crossEntropy(logits, labels: data.labels, temperature: Float(profile.temperature)).item()
      #expect(abs(profile.crossEntropy - Double(loss)) < 1e-5)
    }
  }

  /// A great temperature makes all classes equally likely, and changes no prediction.
  @Test func greatTemperatures() throws {
    let profile = try temperatureProfiles(of: model, on: data, temperatures: [1e6])[0]
    #expect(abs(profile.entropy - 2.302585) < 1e-4)
    #expect(abs(profile.confidence - 0.1) < 1e-4)
    let soft = try softLabels(of: model, on: .images(data.images), temperature: 40)
    #expect(try soft.argmax(axis: 1).ints() == predictions(of: model, on: .data(data)).ints())
  }

  @Test func whatHasNoSoftLabels() throws {
    #expect(throws: CoreError.self) { try temperatureProfiles(of: model, on: data, temperatures: [0]) }
    #expect(throws: CoreError.self) { try temperatureProfiles(of: model, on: data.take(0), temperatures: [1]) }
    let broken = try Tensor.full([1] + data.imageShape, .nan)
    #expect(throws: CoreError.self) { try predictions(of: model, on: .images(broken)) }
  }
}
