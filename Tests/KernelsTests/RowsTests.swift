import Foundation
import KernelTypes
import Kernels
import Testing

@Suite struct RowsTests {
  static let sizes = [(0, 0), (1, 1), (3, 10), (5, 8), (17, 33), (64, 1000), (1, 70_000), (3000, 10)]

  @Test(arguments: sizes, InstructionSet.available)
  func reductions(_ size: (Int, Int), _ set: InstructionSet) throws {
    let (rows, columns) = size
    let x = values(rows * columns)
    var exactRows = [Double](repeating: 0, count: rows)
    var exactColumns = [Double](repeating: 0, count: columns)
    var greatest = [Float](repeating: -.infinity, count: rows)
    var greatestOfColumns = [Float](repeating: -.infinity, count: columns)
    var transposed = x
    for r in 0..<rows {
      for c in 0..<columns {
        let value = x[r * columns + c]
        exactRows[r] += Double(value)
        exactColumns[c] += Double(value)
        greatest[r] = max(greatest[r], value)
        greatestOfColumns[c] = max(greatestOfColumns[c], value)
        transposed[c * rows + r] = value
      }
    }
    let exactTotal = exactRows.reduce(0, +)
    try InstructionSet.with(set) {
      let total = try Rows.sum(x, count: x.count)
      #expect(abs(total - exactTotal) < 1e-7 * Double(x.count + 1))
      var y = [Float](repeating: .nan, count: rows)
      try Rows.reduceRows(.sum, x, rows: rows, columns: columns, &y)
      for r in 0..<rows { #expect(abs(Double(y[r]) - exactRows[r]) < 1e-7 * Double(columns + 1)) }
      try Rows.reduceRows(.maximum, x, rows: rows, columns: columns, &y)
      #expect(y == greatest)
      try Rows.reduceRows(.minimum, x.map { -$0 }, rows: rows, columns: columns, &y)
      #expect(y == greatest.map { -$0 })
      var z = [Float](repeating: .nan, count: columns)
      try Rows.reduceColumns(.sum, x, rows: rows, columns: columns, &z)
      #expect(relativeError(z, exactColumns) < 1e-5)
      try Rows.reduceColumns(.maximum, x, rows: rows, columns: columns, &z)
      #expect(z == greatestOfColumns)
      try Rows.reduceColumns(.minimum, x.map { -$0 }, rows: rows, columns: columns, &z)
      #expect(z == greatestOfColumns.map { -$0 })
      var t = [Float](repeating: .nan, count: x.count)
      Rows.transpose(x, rows: rows, columns: columns, &t)
      #expect(t == transposed)
    }
  }

  @Test(arguments: [Reduction.maximum, .minimum], InstructionSet.available)
  func extremaFindNaN(_ reduction: Reduction, _ set: InstructionSet) throws {
    for place in 0..<150 {
      var x = values(150)
      x[place] = .nan
      var y: [Float] = [0]
      var z = [Float](repeating: 0, count: 15)
      try InstructionSet.with(set) {
        try Rows.reduceRows(reduction, x, rows: 1, columns: 150, &y)
        try Rows.reduceColumns(reduction, x, rows: 10, columns: 15, &z)
      }
      #expect(y[0].isNaN)
      #expect(z.indices.allSatisfy { z[$0].isNaN == ($0 == place % 15) })
    }
  }

  @Test(arguments: InstructionSet.available)
  func longRowsAreReducedInParts(_ set: InstructionSet) throws {
    let columns = 5 * 16_384 + 77
    var x = values(3 * columns)
    x[columns - 1] = 9
    x[2 * columns - 80] = .nan
    x[2 * columns + 40_000] = -9
    var y = [Float](repeating: 0, count: 3)
    try InstructionSet.with(set) {
      try Rows.reduceRows(.maximum, x, rows: 3, columns: columns, &y)
      #expect(y[0] == 9 && y[1].isNaN && y[2] == x[(2 * columns)...].max())
      try Rows.reduceRows(.minimum, x, rows: 3, columns: columns, &y)
      #expect(y[0] == x[..<columns].min() && y[1].isNaN && y[2] == -9)
      x[2 * columns - 80] = 0
      try Rows.reduceRows(.sum, x, rows: 3, columns: columns, &y)
      for r in 0..<3 {
        let exact = x[(r * columns)..<((r + 1) * columns)].reduce(0.0) { $0 + Double($1) }
        #expect(abs(Double(y[r]) - exact) < 1e-7 * Double(columns))
      }
    }
  }

  @Test(arguments: InstructionSet.available)
  func longRowsHaveTheSameBitsHoweverManyThereAre(_ set: InstructionSet) throws {
    let (rows, columns) = (40, 4 * 16_384 + 3)
    let x = values(rows * columns)
    try InstructionSet.with(set) {
      for reduction in [Reduction.sum, .maximum, .minimum] {
        var all = [Float](repeating: 0, count: rows)
        try Rows.reduceRows(reduction, x, rows: rows, columns: columns, &all)
        for r in 0..<rows {
          var alone: [Float] = [0]
          try x.withUnsafeBufferPointer { x in
            guard let start = x.baseAddress else { return }
            try Rows.reduceRows(reduction, start + r * columns, rows: 1, columns: columns, &alone)
          }
          #expect(alone[0] == all[r])
        }
      }
    }
  }

  @Test func columnsOfABatch() throws {
    for (batch, rows, columns) in [(3, 4, 5), (2, 3000, 20), (70, 33, 17), (2, 0, 3)] {
      let x = values(batch * rows * columns)
      var y = [Float](repeating: .nan, count: batch * columns)
      try Rows.reduceColumns(.sum, x, batch: batch, rows: rows, columns: columns, &y)
      let exact = (0..<batch * columns).map { i in
        (0..<rows).reduce(0.0) { $0 + Double(x[(i / columns * rows + $1) * columns + i % columns]) }
      }
      #expect(relativeError(y, exact) < 1e-5)
    }
  }

  @Test(arguments: [0.5, 1, 4] as [Float], InstructionSet.available)
  func softmaxAndGradients(_ temperature: Float, _ set: InstructionSet) {
    for columns in [1, 2, 10, 100] {
      let rows = 7
      let x = values(rows * columns).map { $0 * 5 }
      let dy = values(rows * columns, seed: 2)
      let count = rows * columns
      var p = [Float](repeating: .nan, count: count)
      var logP = p
      var dx = p
      var logDx = p
      InstructionSet.with(set) {
        Rows.softmax(x, rows: rows, columns: columns, temperature: temperature, &p)
        Rows.logSoftmax(x, rows: rows, columns: columns, temperature: temperature, &logP)
        Rows.softmaxGradient(y: p, dy: dy, rows: rows, columns: columns, temperature: temperature, &dx)
        Rows.logSoftmaxGradient(y: logP, dy: dy, rows: rows, columns: columns, temperature: temperature, &logDx)
      }
      var exact: [[Double]] = [[], [], [], []]
      for r in 0..<rows {
        let z = x[r * columns..<(r + 1) * columns].map { Double($0) / Double(temperature) }
        let d = dy[r * columns..<(r + 1) * columns].map(Double.init)
        let top = z.max() ?? 0
        let total = z.reduce(0) { $0 + exp($1 - top) }
        let q = z.map { exp($0 - top) / total }
        let inner = zip(q, d).reduce(0) { $0 + $1.0 * $1.1 }
        let sum = d.reduce(0, +)
        exact[0] += q
        exact[1] += z.map { $0 - top - log(total) }
        exact[2] += zip(q, d).map { $0 * ($1 - inner) / Double(temperature) }
        exact[3] += zip(q, d).map { ($1 - $0 * sum) / Double(temperature) }
      }
      #expect(relativeError(p, exact[0]) < 1e-5)
      #expect(relativeError(logP, exact[1]) < 1e-5)
      #expect(relativeError(dx, exact[2]) < 2e-5)
      #expect(relativeError(logDx, exact[3]) < 2e-5)
    }
  }

  @Test(arguments: [(false, false), (false, true), (true, false), (true, true)])
  func matrixProducts(_ transposed: (Bool, Bool)) {
    // The last three: panels with short rests, and OpenBLAS in several blocks of columns and of rows.
    let sizes = [
      (2, 1, 1, 1), (2, 3, 5, 7), (2, 0, 4, 2), (2, 4, 3, 0), (2, 130, 70, 40), (1, 193, 75, 81), (1, 100, 500, 330),
      (2, 500, 60, 600),
    ]
    for (batch, m, n, k) in sizes {
      let a = values(batch * m * k)
      let b = values(k * n, seed: 2)
      let shape = MatrixShape(
        rows: m, columns: n, inner: k, transposeA: transposed.0, transposeB: transposed.1, batch: batch, stepB: 0)
      var c = [Float](repeating: 1, count: batch * m * n)
      MatrixProduct.multiply(shape, a, b, &c)
      // Of large results some elements, all residues among them.
      let places = stride(from: 0, to: c.count, by: c.count > 10_000 ? 7 : 1)
      let exact = places.map { place in
        let (i, j) = (place / n, place % n)
        return (0..<k).reduce(0.0) { sum, l in
          let left = transposed.0 ? a[i / m * m * k + l * m + i % m] : a[i * k + l]
          return sum + Double(left) * Double(transposed.1 ? b[j * k + l] : b[l * n + j])
        }
      }
      #expect(relativeError(places.map { c[$0] }, exact) < 1e-6)
    }
  }
}
