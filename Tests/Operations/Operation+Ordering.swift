import Foundation
import Tensors

/// Operations that look at the order of elements or put them elsewhere.
extension Operation {
  private static let shapes: [[Int]] = [[5], [3, 4], [2, 3, 4], [7, 33]]

  /// One case for each shape and axis.
  private static func alongAxes(_ content: Input.Content, settings: [Attributes] = [[:]]) -> [Case] {
    shapes.flatMap { shape in
      ([-1] + shape.indices).flatMap { axis in
        settings.map { Case([Input("x", shape, content)], $0.adding(["axis": .number(Double(axis))])) }
      }
    }
  }

  private static func order(_ line: [Double], descending: Bool) -> [Int] {
    line.indices.sorted { a, b in
      line[a] == line[b] ? a < b : descending ? line[a] > line[b] : line[a] < line[b]
    }
  }

  /// An operation that takes elements from elsewhere: `source` gives the place that each element of the result comes from, nil
  /// for one of no element.
  private static func moving(
    _ name: String, _ cases: [Case], apply: @escaping @Sendable (Tensor, Attributes) throws -> Tensor,
    shape: @escaping @Sendable ([Int], Attributes) -> [Int],
    source: @escaping @Sendable (_ place: [Int], _ shape: [Int], Attributes) -> [Int]?
  ) -> Operation {
    Operation(
      name, cases, apply: { try apply($0["x"], $0.attributes) },
      exact: { arguments in
        let (x, attributes) = (try arguments["x"], arguments.attributes)
        return Exact(shape(x.shape, attributes)) { place in
          source(place, x.shape, attributes).map { x[$0] } ?? attributes.double("value", 0)
        }
      })
  }

  static let ordering: [Operation] = [
    Operation(
      "argsort", alongAxes(.distinct, settings: [[:], ["descending": true]]),
      apply: {
        try $0["x"].argsort(axis: $0.attributes.int("axis") ?? -1, descending: $0.attributes.flag("descending", false))
      },
      exact: { arguments in
        let descending = arguments.attributes.flag("descending", false)
        return try arguments["x"].lines(along: arguments.attributes.int("axis") ?? -1) { line in
          order(line, descending: descending).map(Double.init)
        }
      }
    ).measured([Case([Input("x", [1024, 1000], .distinct)])]),
    Operation(
      "topk", alongAxes(.distinct),
      results: { arguments in
        let (values, places) = try arguments["x"].topk(2, axis: arguments.attributes.int("axis") ?? -1)
        return ["y": values, "places": places]
      },
      exactResults: { arguments in
        let x = try arguments["x"]
        let axis = x.axis(arguments.attributes.int("axis") ?? -1)
        func first(_ pick: @escaping ([Double], Int) -> Double) -> Exact {
          let sorted = x.lines(along: axis) { line in order(line, descending: true).map { pick(line, $0) } }
          var shape = x.shape
          shape[axis] = 2
          return Exact(shape) { sorted[$0] }
        }
        return ["y": first { $0[$1] }, "places": first { Double($1) }]
      }
    ).measured([Case([Input("x", [1024, 1000], .distinct)])]),
    Operation(
      "cumsum", alongAxes(.normal), apply: { try $0["x"].cumsum(axis: $0.attributes.int("axis") ?? -1) },
      exact: { arguments in
        try arguments["x"].lines(along: arguments.attributes.int("axis") ?? -1) { line in
          line.indices.map { line[...$0].reduce(0, +) }
        }
      }
    ).measured([Case([Input("x", [1024, 1000])])]),
    Operation(
      "prod",
      [[5], [3, 4], [2, 3, 4]].flatMap { shape in
        ([nil] + shape.indices.map { [$0] }).flatMap { (axes: [Int]?) in
          [false, true].map { keepdim in
            Case(
              [Input("x", shape, .positive)],
              Attributes(["keepdim": .flag(keepdim)]).adding(axes.map { ["axes": .list($0)] } ?? [:]))
          }
        }
      }, tolerance: 5e-6,
      apply: { try $0["x"].prod(axes: $0.attributes.ints("axes"), keepdim: $0.attributes.flag("keepdim", false)) },
      exact: { arguments in
        try arguments["x"].reduced(
          arguments.attributes.ints("axes"), keepdim: arguments.attributes.flag("keepdim", false)
        ) { $0.reduce(1, *) }
      }),
    moving(
      "flip", alongAxes(.normal), apply: { try $0.flip(axes: $1.ints("axis")) }, shape: { shape, _ in shape },
      source: { place, shape, attributes in
        let axis = (attributes.int("axis") ?? 0) < 0 ? shape.count - 1 : attributes.int("axis") ?? 0
        var place = place
        place[axis] = shape[axis] - 1 - place[axis]
        return place
      }),
    moving(
      "roll", alongAxes(.normal, settings: [["shift": 1], ["shift": -2], ["shift": 11]]),
      apply: { try $0.roll($1.ints("shift") ?? [], axes: $1.ints("axis")) }, shape: { shape, _ in shape },
      source: { place, shape, attributes in
        let axis = (attributes.int("axis") ?? 0) < 0 ? shape.count - 1 : attributes.int("axis") ?? 0
        var place = place
        place[axis] = ((place[axis] - (attributes.int("shift") ?? 0)) % shape[axis] + shape[axis]) % shape[axis]
        return place
      }),
    moving(
      "pad", shapes.map { Case([Input("x", $0)]) } + shapes.map { Case([Input("x", $0)], ["value": 0.5]) },
      apply: { x, attributes in
        try x.pad(x.shape.indices.map { ($0, 2) }, value: attributes.double("value", 0))
      }, shape: { shape, _ in shape.indices.map { shape[$0] + $0 + 2 } },
      source: { place, shape, _ in
        let source = place.indices.map { place[$0] - $0 }
        return source.indices.allSatisfy { (0..<shape[$0]).contains(source[$0]) } ? source : nil
      }),
    moving(
      "tile",
      shapes.flatMap { shape in [[2], [3, 1], [2, 1, 2]].map { Case([Input("x", shape)], ["repeats": .list($0)]) } },
      apply: { try $0.tile($1.ints("repeats") ?? []) },
      shape: { shape, attributes in
        let repeats = attributes.ints("repeats") ?? []
        let rank = max(shape.count, repeats.count)
        return (0..<rank).map { axis in
          let (s, r) = (axis - rank + shape.count, axis - rank + repeats.count)
          return (s < 0 ? 1 : shape[s]) * (r < 0 ? 1 : repeats[r])
        }
      },
      source: { place, shape, _ in
        zip(place.suffix(shape.count), shape).map { $0 % $1 }
      }),
    Operation(
      "diag",
      [[4], [3, 4], [5, 3]].flatMap { shape in
        [0, 1, -2].map { Case([Input("x", shape)], ["offset": .number(Double($0))]) }
      },
      apply: { try $0["x"].diag($0.attributes.int("offset") ?? 0) },
      exact: { arguments in
        let x = try arguments["x"]
        let offset = arguments.attributes.int("offset") ?? 0
        if x.rank == 1 {
          let size = x.count + abs(offset)
          return Exact([size, size]) { place in
            place[1] - place[0] == offset ? x.values[min(place[0], place[1])] : 0
          }
        }
        var values: [Double] = []
        for i in 0..<x.shape[0] where (0..<x.shape[1]).contains(i + offset) { values.append(x[i, i + offset]) }
        return Exact([values.count], values)
      }),
    Operation(
      "entropy", [[5], [3, 4], [7, 10]].map { Case([Input("x", $0, .positive)]) }, tolerance: 5e-6,
      apply: { try entropy($0["x"]) },
      exact: { try $0["x"].reduced([-1], keepdim: false) { $0.reduce(0) { $1 == 0 ? $0 : $0 - $1 * log($1) } } }),
    Operation(
      "einsum",
      [
        ("ij,jk->ik", [[3, 4], [4, 5]]), ("ij,kj->ik", [[3, 4], [5, 4]]), ("bij,bjk->bik", [[2, 3, 4], [2, 4, 5]]),
        ("ii->i", [[4, 4]]), ("ii", [[4, 4]]), ("ij->j", [[3, 4]]), ("i,j->ij", [[3], [4]]),
        ("ij,jk,kl->il", [[2, 3], [3, 4], [4, 2]]), ("ba,b", [[3, 4], [3]]), ("iij,jk->ki", [[3, 3, 2], [2, 4]]),
      ].map { (formula: String, shapes: [[Int]]) in
        Case(shapes.enumerated().map { Input("x\($0)", $1) }, ["formula": .text(formula)])
      }, tolerance: 5e-6,
      apply: { try einsum($0.attributes.text("formula") ?? "", $0.list) },
      exact: { exactEinsum($0.attributes.text("formula") ?? "", $0.list) }),
  ]

  /// The sum over all values of all letters, as it is written.
  private static func exactEinsum(_ formula: String, _ operands: [Exact]) -> Exact {
    let sides = formula.split(separator: ">").map { $0.filter { $0 != "-" } }
    let inputs = sides[0].split(separator: ",").map(Array.init)
    let all = inputs.flatMap { $0 }
    let output = sides.count > 1 ? Array(sides[1]) : Set(all).filter { l in all.count { $0 == l } == 1 }.sorted()
    let letters = output + Set(all).subtracting(output).sorted()
    let sizes = letters.map { letter in
      zip(inputs, operands).compactMap { names, x in names.firstIndex(of: letter).map { x.shape[$0] } }[0]
    }
    var result = Exact(output.indices.map { sizes[$0] }) { _ in 0 }
    for term in Exact(sizes, { _ in 0 }).places {
      let value = Dictionary(uniqueKeysWithValues: zip(letters, term))
      let product = zip(inputs, operands).reduce(1.0) { $0 * $1.1[$1.0.map { value[$0] ?? 0 }] }
      result[Array(term.prefix(output.count))] += product
    }
    return result
  }
}
