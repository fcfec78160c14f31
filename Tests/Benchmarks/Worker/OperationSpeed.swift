import Foundation
import Operations
import Peaks
import Tensors

/// The speed mode of the table of operations: GFLOP/s and GB/s of results and gradients, against the machine's peaks.
enum OperationSpeed {
  /// Rows of "name TAB case TAB ms TAB GFLOP/s TAB GB/s", and a first one with the peaks.
  static func report(_ print: (String) -> Void) throws {
    let threads = Int32(Compute.threads)
    let flops = [4, 8, 16].map { peak_gflops($0, threads) }.max() ?? 0
    print(
      "peak\tmultiply-add \(fixed(flops)) GFLOP/s, read \(fixed(peak_read(threads))) GB/s, triad \(fixed(peak_triad(threads))) GB/s"
    )
    for operation in Operations.Operation.all {
      for item in operation.speed { try measure(operation, item, peak: flops, print) }
    }
  }

  private static func measure(
    _ operation: Operations.Operation, _ item: Case, peak: Double, _ print: (String) -> Void
  ) throws {
    let inputs = try item.tensors()
    guard let y = try operation.apply(Arguments(inputs, item.attributes))["y"] else { return }
    let work = operation.work?(inputs.mapValues(\.shape), y.shape)
    func row(_ name: String, _ milliseconds: Double, bytes: Double) {
      var line = "\(name)\t\(item)\t\(String(format: "%.4f", milliseconds)) ms\t"
      if let work {
        let rate = work / milliseconds / 1e6
        line += "\(fixed(rate)) GFLOP/s (\(fixed(100 * rate / max(peak, 1e-9)))%)\t"
      }
      print(line + "\(fixed(bytes / milliseconds / 1e6)) GB/s")
    }
    func size(_ tensor: Tensor) -> Double { 4 * Double(tensor.count) }
    let all = inputs.values.reduce(size(y)) { $0 + size($1) }
    row(operation.name, try best { _ = try operation.apply(Arguments(inputs, item.attributes)) }, bytes: all)
    for input in item.inputs where input.isDifferentiable {
      guard let x = inputs[input.name], x.count > 1000 else { continue }
      let leaf = x.tracked()
      var leaves = inputs
      leaves[input.name] = leaf
      // A record can be walked once: it is made outside the clock.
      var times: [Double] = []
      for _ in 0..<5 {
        guard let result = try operation.apply(Arguments(leaves, item.attributes))["y"], result.isTracked else { break }
        let cotangent = try Tensor.ones(result.shape)
        times.append(try time { _ = try gradients(of: result, withRespectTo: [leaf], cotangent: cotangent) })
      }
      guard let milliseconds = times.min() else { continue }
      row("\(operation.name) d\(input.name)", milliseconds, bytes: size(y) + 2 * size(x))
    }
  }

  /// The fastest of some runs, for at least 50 ms.
  private static func best(_ body: () throws -> Void) throws -> Double {
    try body()
    var (best, spent) = (Double.infinity, 0.0)
    for _ in 0..<1000 where spent < 50 {
      let milliseconds = try time(body)
      best = min(best, milliseconds)
      spent += milliseconds
    }
    return best
  }

  private static func time(_ body: () throws -> Void) throws -> Double {
    let clock = ContinuousClock()
    let start = clock.now
    try body()
    return (clock.now - start) / .milliseconds(1)
  }

  private static func fixed(_ value: Double) -> String { String(format: "%.1f", value) }
}
