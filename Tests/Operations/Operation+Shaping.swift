import Tensors

extension Operation {
  private static let block = [Input("x", [2, 3, 4, 2])]

  static let shaping: [Operation] = [
    Operation(
      "transpose", [Case(block), Case(block, ["axes": [0, -2]]), Case([Input("x", [5, 33])])],
      apply: { arguments in
        let axes = arguments.attributes.ints("axes") ?? [-2, -1]
        return try arguments["x"].transpose(axes[0], axes[1])
      },
      exact: { arguments in
        let x = try arguments["x"]
        let axes = (arguments.attributes.ints("axes") ?? [-2, -1]).map(x.axis)
        var order = Array(x.shape.indices)
        order.swapAt(axes[0], axes[1])
        return x.permuted(order)
      }
    ).measured([Case([Input("x", [4096, 4096])])]),
    Operation(
      "permute", [Case(block, ["order": [2, 0, -1, 1]]), Case(block, ["order": [0, 2, 3, 1]])],
      apply: { try $0["x"].permute($0.attributes.ints("order") ?? []) },
      exact: { try $0["x"].permuted($0.attributes.ints("order") ?? []) }
    ).measured([Case([Input("x", [64, 64, 32, 32])], ["order": [0, 2, 3, 1]])]),
    Operation(
      "reshape",
      [
        Case(block, ["shape": [6, -1]]), Case(block, ["shape": [48]]), Case([Input("x", [0, 3])], ["shape": [3, 0]]),
      ],
      apply: { try $0["x"].reshape($0.attributes.ints("shape") ?? []) },
      exact: { try $0["x"].reshaped(completing: $0.attributes.ints("shape") ?? []) }),
    Operation(
      "flatten", [Case(block, ["start": 0]), Case(block, ["start": 1])],
      apply: { try $0["x"].flatten(from: $0.attributes.int("start") ?? 0) },
      exact: { arguments in
        let (x, start) = (try arguments["x"], arguments.attributes.int("start") ?? 0)
        return x.reshaped(completing: x.shape[..<start] + [-1])
      }),
    Operation(
      "broadcast", [Case(block, ["shape": [3, 2, 3, 4, 2]]), Case([Input("x", [3, 1])], ["shape": [2, 3, 5]])],
      apply: { try $0["x"].broadcast(to: $0.attributes.ints("shape") ?? []) },
      exact: { try $0["x"].broadcast(to: $0.attributes.ints("shape") ?? []) }),
    Operation(
      "slice",
      [
        Case(block, ["start": [0, -1, 3], "stop": .list([2, .min, 0]), "step": [1, -2, -1]]),
        Case(block, ["start": [0, 1, 2], "stop": [2, 3, 3], "step": [1, 1, 1]]),
        Case(block, ["start": [1], "stop": [-1]]), Case(block, ["start": [-1, 0], "stop": [5, 9], "step": [1, 2]]),
      ],
      apply: {
        try $0["x"].slice(
          starts: $0.attributes.ints("start") ?? [], stops: $0.attributes.ints("stop") ?? [],
          steps: $0.attributes.ints("step"))
      },
      exact: { arguments in
        let (x, attributes) = (try arguments["x"], arguments.attributes)
        let (starts, stops) = (attributes.ints("start") ?? [], attributes.ints("stop") ?? [])
        let steps = attributes.ints("step") ?? starts.map { _ in 1 }
        let places = x.shape.enumerated().map { axis, size in
          axis < starts.count ? sliced(size, starts[axis], stops[axis], steps[axis]) : Array(0..<size)
        }
        return Exact(places.map(\.count)) { place in x[place.enumerated().map { places[$0][$1] }] }
      }),
    assignment(
      "assign_slice",
      [
        ([2, 3, 4, 2], [1, 2, 1], ["start": [0, -1, 1], "stop": [2, 9, 4], "step": [1, 1, 2]]),
        ([5, 3], [3], ["start": [3], "stop": .list([.min]), "step": [-2]]), ([4], [], ["start": [1], "stop": [3]]),
        ([3, 2], [2, 2], ["start": [1], "stop": [3]]),
      ]
    ) { x, v, attributes in
      try x.assign(
        starts: attributes.ints("start") ?? [], stops: attributes.ints("stop") ?? [], steps: attributes.ints("step"), v)
    } places: { x, attributes in
      let (starts, stops) = (attributes.ints("start") ?? [], attributes.ints("stop") ?? [])
      let steps = attributes.ints("step") ?? starts.map { _ in 1 }
      return x.shape.enumerated().map { axis, size in
        axis < starts.count ? sliced(size, starts[axis], stops[axis], steps[axis]) : Array(0..<size)
      }
    },
    assignment(
      "assign_indices",
      [
        ([2, 3, 4, 2], [3, 4, 1], ["axis": 1, "places": [2, 0, -1]]),
        ([5, 3], [4, 1], ["axis": 0, "places": [1, 3, 1, 1]]),
        ([4], [], ["axis": -1, "places": [0, 0]]),
      ]
    ) { x, v, attributes in
      try x.assign(axis: attributes.int("axis") ?? 0, indices: attributes.ints("places") ?? [], v)
    } places: { x, attributes in
      x.shape.enumerated().map { axis, size in
        axis == x.axis(attributes.int("axis") ?? 0)
          ? (attributes.ints("places") ?? []).map { $0 < 0 ? $0 + size : $0 } : Array(0..<size)
      }
    },
    Operation(
      "assign_mask",
      [
        Case(block + [Input("v", [4, 2]), Input("mask", [2, 3], .mask)]),
        Case([Input("x", [9]), Input("v", []), Input("mask", [9], .mask)]),
      ],
      apply: {
        var x = try $0["x"]
        try x.assign(mask: $0["mask"], $0["v"])
        return x
      },
      exact: { arguments in
        let (x, mask) = (try arguments["x"], try arguments["mask"])
        let v = try arguments["v"].broadcast(to: x.shape)
        return Exact(x.shape) { place in (mask[Array(place[..<mask.rank])] != 0 ? v : x)[place] }
      }),
    Operation(
      "concat",
      [
        Case([Input("a", [2, 3]), Input("b", [2, 1]), Input("c", [2, 4])], ["axis": 1]),
        Case([Input("a", [2, 3, 4, 2]), Input("b", [2, 1, 4, 2])], ["axis": -3]),
        Case([Input("a", [2, 3]), Input("b", [0, 3]), Input("c", [1, 3])], ["axis": 0]),
      ],
      apply: { try concat($0.list, axis: $0.attributes.int("axis") ?? 0) },
      exact: { arguments in
        let parts = arguments.list
        let axis = parts[0].axis(arguments.attributes.int("axis") ?? 0)
        var shape = parts[0].shape
        shape[axis] = parts.reduce(0) { $0 + $1.shape[axis] }
        return Exact(shape) { place in
          var place = place
          var part = 0
          while place[axis] >= parts[part].shape[axis] {
            place[axis] -= parts[part].shape[axis]
            part += 1
          }
          return parts[part][place]
        }
      }),
    Operation(
      "stack", [-1, 0, 1].map { Case([Input("a", [2, 3]), Input("b", [2, 3])], ["axis": .number($0)]) },
      apply: { try stack($0.list, axis: $0.attributes.int("axis") ?? 0) },
      exact: { arguments in
        let parts = arguments.list
        let given = arguments.attributes.int("axis") ?? 0
        let axis = given < 0 ? given + parts[0].rank + 1 : given
        var shape = parts[0].shape
        shape.insert(parts.count, at: axis)
        return Exact(shape) { place in
          var place = place
          let part = place.remove(at: axis)
          return parts[part][place]
        }
      }),
    Operation(
      "gather",
      [
        Case([Input("x", [5, 4]), Input("i", [5], .labels(below: 4))], ["axis": 1]),
        Case([Input("x", [2, 3, 4, 2]), Input("i", [2, 4, 2], .labels(below: 3))], ["axis": 1]),
        Case([Input("x", [3, 5]), Input("i", [5], .labels(below: 3))], ["axis": -2]),
      ],
      apply: { try $0["x"].gather(axis: $0.attributes.int("axis") ?? 1, $0.labels("i")) },
      exact: { arguments in
        let (x, i) = (try arguments["x"], try arguments["i"])
        let axis = x.axis(arguments.attributes.int("axis") ?? 1)
        return Exact(i.shape) { place in
          var source = place
          source.insert(Int(i[place]), at: axis)
          return x[source]
        }
      }),
    Operation(
      "index_select",
      [Case(block, ["axis": 1, "places": [2, 0, -1]]), Case(block, ["axis": -4, "places": [1, 1, 0]])],
      apply: { try $0["x"].indexSelect(axis: $0.attributes.int("axis") ?? 0, $0.attributes.ints("places") ?? []) },
      exact: { arguments in
        let x = try arguments["x"]
        let axis = x.axis(arguments.attributes.int("axis") ?? 0)
        let places = (arguments.attributes.ints("places") ?? []).map { $0 < 0 ? $0 + x.shape[axis] : $0 }
        var shape = x.shape
        shape[axis] = places.count
        return Exact(shape) { place in
          var place = place
          place[axis] = places[place[axis]]
          return x[place]
        }
      }),
    Operation(
      "masked_select",
      [Case(block + [Input("mask", [2, 3], .mask)]), Case([Input("x", [9]), Input("mask", [9], .mask)])],
      apply: { try $0["x"].maskedSelect($0["mask"]) },
      exact: { arguments in
        let (x, mask) = (try arguments["x"], try arguments["mask"])
        let size = x.count / mask.count
        let chosen = mask.values.indices.filter { mask.values[$0] != 0 }
        return Exact(
          [chosen.count] + x.shape[mask.rank...], chosen.flatMap { x.values[$0 * size..<($0 + 1) * size] })
      }),
    Operation(
      "pad",
      [
        Case(block, ["padding": [1, 2, 0, 3]]), Case(block, ["padding": 1, "value": -2]),
        Case(block, ["padding": 0]),
      ],
      apply: {
        let p = $0.attributes.padding
        return try $0["x"].pad(
          top: p.top, bottom: p.bottom, left: p.left, right: p.right, value: $0.attributes.float("value", 0))
      },
      exact: { arguments in
        let (x, p) = (try arguments["x"], arguments.attributes.padding)
        let value = arguments.attributes.double("value", 0)
        let (h, w) = (x.shape[x.rank - 2], x.shape[x.rank - 1])
        return Exact(x.shape.dropLast(2) + [h + p.top + p.bottom, w + p.left + p.right]) { place in
          var place = place
          place[x.rank - 2] -= p.top
          place[x.rank - 1] -= p.left
          let inside = (0..<h).contains(place[x.rank - 2]) && (0..<w).contains(place[x.rank - 1])
          return inside ? x[place] : value
        }
      }),
  ]

  /// x with a part of it set to v; `places` are those that are set, axis by axis.
  private static func assignment(
    _ name: String, _ cases: [(x: [Int], v: [Int], Attributes)],
    apply: @escaping @Sendable (inout Tensor, Tensor, Attributes) throws -> Void,
    places: @escaping @Sendable (Exact, Attributes) -> [[Int]]
  ) -> Operation {
    Operation(
      name, cases.map { Case([Input("x", $0.x), Input("v", $0.v)], $0.2) },
      apply: {
        var x = try $0["x"]
        try apply(&x, $0["v"], $0.attributes)
        return x
      },
      exact: { arguments in
        var x = try arguments["x"]
        let places = places(x, arguments.attributes)
        let part = Exact(places.map(\.count)) { place in Double(x.index(place.enumerated().map { places[$0][$1] })) }
        let v = try arguments["v"].broadcast(to: part.shape)
        for (place, value) in zip(part.values, v.values) { x.values[Int(place)] = value }
        return x
      })
  }

  /// The places start, start + step, … before stop; as in Python, negative numbers count from the end and all are
  /// limited to the axis.
  private static func sliced(_ size: Int, _ start: Int, _ stop: Int, _ step: Int) -> [Int] {
    let (low, high) = step > 0 ? (0, size) : (-1, size - 1)
    func limited(_ place: Int) -> Int {
      let place = place < 0 && place > .min + size ? place + size : place
      return min(max(place, low), high)
    }
    return Array(stride(from: limited(start), to: limited(stop), by: step))
  }
}
