/// The built-ins for lists and for whatever else has elements.
enum CoreLists {
  static let builtins: [Builtin] = making + changing + functional + reductions

  private static func length(of value: UnsafeMutablePointer<Value>) -> Value? {
    switch value.pointee {
    case .list(let list): .int(list.items.count)
    case .string(let text): .int(text.count)
    case .record(let record): .int(record.count)
    case .range(let range): .int(range.count)
    default: nil
    }
  }

  private static let making: [Builtin] = [
    Builtin(
      "len(x: list | record | string | tensor | dataset) -> int",
      "The number of elements of a list, range, record or string, or of a tensor's first axis.",
      details: "- x: whatever has elements.",
      examples: [Example("len([4, 5, 6])", "3"), Example("len(\"τ = 2\")", "5")], seeAlso: ["count"],
      search: ["length", "size", "number of"], family: "lists", checksFirst: false,
      glance: { length(of: $0) },
      body: { call in
        if let length = length(of: call.base) { return length }
        if case .object(let object) = call[0], let length = object.length { return .int(length) }
        throw call.error(.type, "\(call[0].kindText) has no length", at: "x")
      }),
    Builtin(
      "range(start: int, stop: int | none = none, step: int = 1) -> range",
      "Whole numbers from start up to but not including stop; with one argument, from 0.",
      details:
        "`a..b` writes a range that includes its end. Elements are computed as they are asked for.\n\n- start: the first number; with one argument, the number before which it ends.\n- stop: the range ends before it.\n- step: from one number to the next; it may be negative.",
      examples: [Example("list(range(3))", "[0, 1, 2]"), Example("list(range(1, 10, 4))", "[1, 5, 9]")],
      seeAlso: ["list", "enumerate"], search: ["arange", "count", "xrange", "sequence", "indices"], family: "lists"
    ) { call in
      let first = try call.int(0)
      let (start, stop) = try call.optionalInt("stop").map { (first, $0) } ?? (0, first)
      let step = try call.int(2)
      guard step != 0 else { throw call.error(.value, "the step of a range must not be 0", at: "step") }
      let (end, overflow) = stop.subtractingReportingOverflow(step > 0 ? 1 : -1)
      guard !overflow, let range = RangeValue(start: start, end: end, step: step) else {
        throw call.error(.memory, "a range from \(start) to \(stop) has too many elements")
      }
      return .range(range)
    },
    Builtin(
      "list(x: list | record | string | tensor | dataset = []) -> list",
      "The elements of a range, a string, a record (its names) or a tensor as a list.",
      details: "- x: whatever has elements.",
      examples: [Example("list(1..4)", "[1, 2, 3, 4]"), Example("list(\"abc\")", "[\"a\", \"b\", \"c\"]")],
      seeAlso: ["range", "items"], search: ["convert", "collect", "tolist", "array", "tuple"], family: "lists",
      checksFirst: false
    ) { call in
      if case .list = call[0] { return call[0] }
      return Value(try call[0].elements(call.session))
    },
    Builtin(
      "enumerate(xs: list | string | tensor | dataset, start: int = 0) -> list", "Pairs [number, element].",
      details: "- start: the number of the first element.",
      examples: [Example("enumerate([\"a\", \"b\"])", "[[0, \"a\"], [1, \"b\"]]")], seeAlso: ["zip", "range"],
      search: ["index", "number"], family: "lists", checksFirst: false
    ) { call in
      var number = try call.int(1)
      var pairs: [Value] = []
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          pairs.append(Value([.int(number), item]))
          number &+= 1
        }
      }
      return Value(pairs)
    },
    Builtin(
      "zip(*lists: list | string | tensor | dataset) -> list",
      "Lists of the elements with the same index, as many as the shortest list has.",
      details: "- lists: whatever has elements.",
      examples: [Example("zip([1, 2], [\"a\", \"b\"])", "[[1, \"a\"], [2, \"b\"]]")], seeAlso: ["enumerate"],
      search: ["pairs", "transpose", "combine"], family: "lists", checksFirst: false
    ) { call in
      var lists: [[Value]] = []
      for list in try call.list(0) { lists.append(try list.elements(call.session)) }
      let count = lists.map(\.count).min() ?? 0
      var rows: [Value] = []
      rows.reserveCapacity(count)
      for place in 0..<count {
        try call.poll(at: place)
        rows.append(Value(lists.map { $0[place] }))
      }
      return Value(rows)
    },
  ]

  private static let changing: [Builtin] = [
    Builtin(
      "append(xs: list[any], x) -> list", "The list with one more element at its end.",
      details: "Lists are values: write `xs = append(xs, x)`, which grows the list in place.",
      examples: [Example("append([1, 2], 3)", "[1, 2, 3]")], seeAlso: ["extend", "insert"],
      search: ["push", "add", "grow"], family: "lists"
    ) { call in
      try call.checkLength(1)
      return call.updateList { $0.append(call[1]) }
    },
    Builtin(
      "extend(xs: list[any], more) -> list", "The list with all elements of another at its end; the same as xs + more.",
      details: "- more: a list, or whatever else has elements.",
      examples: [Example("extend([1], 2..3)", "[1, 2, 3]")], seeAlso: ["append"],
      search: ["concatenate", "join", "concat"],
      family: "lists"
    ) { call in
      let more = try call[1].elements(call.session)
      try call.checkLength(more.count)
      return call.updateList { $0.append(contentsOf: more) }
    },
    Builtin(
      "insert(xs: list[any], place: int, x) -> list", "The list with a new element before the one at an index.",
      details: "- place: the index, counted from 0, or from the end with -1.",
      examples: [Example("insert([1, 3], 1, 2)", "[1, 2, 3]")], seeAlso: ["append", "remove_at"], search: ["add"],
      family: "lists"
    ) { call in
      try call.checkLength(1)
      let count = try call.list(0).count
      let given = try call.int(1)
      let place = given < 0 ? given &+ count : given
      guard place >= 0, place <= count else {
        throw call.error(.value, "index \(given) is out of range for inserting into a list of \(count)", at: "place")
      }
      return call.updateList { $0.insert(call[2], at: place) }
    },
    Builtin(
      "remove_at(xs: list[any], place: int = -1) -> list",
      "The list without the element at an index, the last by default.",
      details:
        "`x = xs[-1]` reads the element; slices such as xs[1:] drop several.\n\n- place: the index, counted from 0, or from the end with -1.",
      examples: [Example("remove_at([1, 2, 3], 0)", "[2, 3]")], seeAlso: ["insert"], search: ["pop", "delete", "drop"],
      family: "lists"
    ) { call in
      let count = try call.list(0).count
      let given = try call.int(1)
      let place = try call.at("place") { try Operations.resolve(given, count, "list") }
      return call.updateList { $0.remove(at: place) }
    },
    Builtin(
      "reverse(xs: list | string | tensor) -> any",
      "The elements, or the characters of a string, in the opposite order.",
      details: "- xs: a list, range, string or tensor.",
      examples: [Example("reverse([1, 2, 3])", "[3, 2, 1]")], seeAlso: ["sort"],
      search: ["reversed", "flip", "backwards"],
      family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      if case .string(let text) = call[0] {
        return .string(try text.slice(text.count - 1, text.count, -1))
      }
      return Value(Array(try call[0].elements(call.session).reversed()))
    },
    Builtin(
      "sort(xs: list | string | tensor, key: function | string | none = none, reverse: bool = false) -> any",
      "The elements in ascending order; equal ones keep their order.",
      details:
        "NaN comes last, in descending order too.\n\n- key: what to sort by: a function of an element, or the name of a field of records.\n- reverse: true for descending order.",
      examples: [
        Example("sort([3, 1, 2])", "[1, 2, 3]"),
        Example("sort([\"bb\", \"a\"], key=len)", "[\"a\", \"bb\"]"),
      ], seeAlso: ["reverse", "min", "max"], search: ["sorted", "order", "rank", "sort_by", "arrange"], family: "lists",
      isGeneric: true, checksFirst: false
    ) { call in
      let items = try call[0].elements(call.session)
      let key = call[1]
      var keys = items
      switch key {
      case .none: break
      case .string(let name):
        for place in items.indices {
          keys[place] = try call.at("key") {
            try Operations.attribute(items[place], name.text, nil)
          }
        }
      default:
        let key = call.callback(1)
        for place in items.indices { keys[place] = try key(items[place]) }
      }
      return Value(try Sorting.sorted(items, by: keys, descending: try call.bool(2), call))
    },
    Builtin(
      "unique(xs: list | string | tensor) -> list",
      "The elements without repetitions, in the order of their first appearance.",
      examples: [Example("unique([3, 1, 3, 2, 1])", "[3, 1, 2]")], seeAlso: ["sort", "count"],
      search: ["distinct", "set", "duplicates", "dedupe"], family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      var known: Set<HashKey> = []
      var result: [Value] = []
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          if known.insert(HashKey(item)).inserted { result.append(item) }
        }
      }
      return Value(result)
    },
    Builtin(
      "groups(xs: list | string | tensor) -> list",
      "The indices of equal elements: a list of indices for each different element, in the order of first appearance.",
      details: """
        Elements are told apart as by `==` (1 and 1.0 are equal, 1 and true are not), but that nan equals itself. \
        `unique` returns the elements themselves.
        """,
      examples: [Example("groups([\"a\", \"b\", \"a\"])", "[[0, 2], [1]]")],
      seeAlso: ["unique", "tables.group", "lists.group"],
      search: ["factorize", "group by", "duplicates", "inverse", "codes"], family: "lists", checksFirst: false
    ) { call in
      var known: [HashKey: Int] = [:]
      var places: [[Value]] = []
      let items = try call[0].elements(call.session)
      for (place, item) in items.enumerated() {
        try call.session.poll(at: place)
        let key = HashKey(item)
        if let group = known[key] {
          places[group].append(.int(place))
        } else {
          known[key] = places.count
          places.append([.int(place)])
        }
      }
      return Value(places.map { Value($0) })
    },
  ]

  private static let functional: [Builtin] = [
    Builtin(
      "map(xs: list | record | string | tensor | dataset, f: function) -> list | record",
      "What a function makes of each element, or of each field of a record.",
      details:
        "- xs: whatever has elements; of a record, a record with the same names comes out.\n- f: takes an element, or the value of a field.",
      examples: [
        Example("[1, 2, 3].map(x => x * x)", "[1, 4, 9]"), Example("map({a: 1, b: 2}, x => 10 * x)", "{a: 10, b: 20}"),
      ], seeAlso: ["filter", "reduce"],
      search: ["apply", "each", "transform", "comprehension"], family: "lists", checksFirst: false
    ) { call in
      var result: [Value] = []
      let function = call.callback(1)
      if case .record(let record) = call[0] {
        var fields: [(String, Value)] = []
        for (name, value) in record.fields { fields.append((name, try function(value))) }
        return Value(fields: fields)
      }
      for item in try call[0].elements(call.session) { result.append(try function(item)) }
      return Value(result)
    },
    Builtin(
      "filter(xs: list | string | tensor | dataset, f: function) -> list",
      "The elements for which a function returns true.",
      details: "- f: takes an element and returns true to keep it.",
      examples: [Example("filter(1..6, x => x % 2 == 0)", "[2, 4, 6]")], seeAlso: ["map"],
      search: ["select", "where", "keep", "grep"], family: "lists", checksFirst: false
    ) { call in
      var result: [Value] = []
      let function = call.callback(1)
      for item in try call[0].elements(call.session) {
        guard case .bool(let keep) = try function(item) else {
          throw call.error(.type, "the function of filter must return true or false", at: "f")
        }
        if keep { result.append(item) }
      }
      return Value(result)
    },
    Builtin(
      "reduce(xs: list | string | tensor | dataset, f: function, start = none) -> any",
      "Combines the elements from left to right: f(f(start, x0), x1), …; without start, the first element starts.",
      details:
        "- f: takes the result so far and the next element.\n- start: the result before the first element.",
      examples: [Example("reduce([1, 2, 3, 4], (a, b) => a * b)", "24")], seeAlso: ["map", "sum"],
      search: ["fold", "accumulate", "aggregate"], family: "lists", checksFirst: false
    ) { call in
      var items = try call[0].elements(call.session)[...]
      var result = call[2]
      if !call.isGiven("start") {
        guard let first = items.popFirst() else {
          throw call.error(.value, "reduce of an empty list needs a start value", hint: "reduce(xs, f, 0)", at: "xs")
        }
        result = first
      }
      let function = call.callback(1)
      for item in items { result = try function(result, item) }
      return result
    },
    Builtin(
      "count(xs: list | string | tensor, x) -> int",
      "How many elements equal x, or fulfil a condition given as a function.",
      details:
        "In a string: how often another occurs in it.\n\n- x: a value, or a function that returns true or false.",
      examples: [Example("count([1, 2, 1], 1)", "2"), Example("count(1..10, x => x > 7)", "3")],
      seeAlso: ["len", "unique"],
      search: ["number of", "frequency", "occurrences"], family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      if case .string(let text) = call[0] {
        let part = try call.string(1)
        guard !part.isEmpty else { return .int(text.count + 1) }
        return .int(try CoreStrings.count(of: part, in: text.text, call.session))
      }
      var number = 0
      let function = call.callback(1)
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          if case .function = call[1] {
            guard case .bool(let holds) = try function(item) else {
              throw call.error(.type, "the function of count must return true or false", at: "x")
            }
            if holds { number += 1 }
          } else if try Operations.equal(item, call[1], call.session) {
            number += 1
          }
        }
      }
      return .int(number)
    },
    Builtin(
      "index_of(xs: list | string | tensor, x) -> int | none",
      "The index of the first element that equals x; none when there is none.",
      details: "In a string: the index of another string.\n\n- x: the value to look for.",
      examples: [Example("index_of([5, 6, 7], 6)", "1"), Example("index_of(\"robust\", \"bust\")", "2")],
      seeAlso: ["count"], search: ["find", "search", "position", "index"], family: "lists", checksFirst: false
    ) { call in
      if case .string(let text) = call[0] {
        guard let place = try Operations.find(try call.string(1), in: text.text, call.session) else { return .none }
        return .int(String(decoding: text.text.utf8.prefix(place), as: UTF8.self).unicodeScalars.count)
      }
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for place in piece.indices {
          if try Operations.equal(piece[place], call[1], call.session) { return .int(place) }
        }
      }
      return .none
    },
  ]

  private static let axisDetails = """
    - axis: of a tensor: an axis, a list of axes, or none for all elements; -1 is the last.
    - keepdim: of a tensor: keeps the reduced axes with size 1.
    """

  private static let reductions: [Builtin] = [
    Builtin(
      "sum(x: list | tensor, axis: int | list | none = none, keepdim: bool = false) -> any",
      "The sum of a list or a tensor.",
      details: axisDetails + "\n- x: a list, range or tensor; bools count as 0 and 1.",
      examples: [Example("sum([1, 2, 3.5])", "6.5"), Example("sum([x > 2 for x in 1..5])", "3")],
      seeAlso: ["min", "max", "reduce"], search: ["total", "add"], family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      try call.refuseAxis()
      var total: Value = .int(0)
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          if case .int(let number) = item, case .int(let before) = total {
            let (sum, overflow) = before.addingReportingOverflow(number)
            if !overflow {
              total = .int(sum)
              continue
            }
          }
          if case .float(let number) = item, case .float(let before) = total {
            total = .float(before + number)
            continue
          }
          var item = item
          if case .bool(let truth) = item { item = .int(truth ? 1 : 0) }
          switch item {
          case .string, .record, .none, .list:
            throw call.error(
              .type, "sum does not work on \(item.kindText)",
              hint: item.asString == nil ? nil : "join(xs) joins strings",
              at: "x")
          default: break
          }
          total = try call.at("x") { try Operations.binary(.add, total, item, call.session) }
        }
      }
      return total
    },
    extreme("min", "least", "[3, 1, 2]", "1", "max") { $0 < 0 },
    extreme("max", "greatest", "[3, 1, 2]", "3", "min") { $0 > 0 },
    Builtin(
      "any(x: list | tensor, axis: int | list | none = none, keepdim: bool = false) -> any",
      "Whether at least one element is true.",
      details: axisDetails + "\n- x: a list, or a tensor, of bools.", examples: [Example("any([false, true])", "true")],
      seeAlso: ["all"],
      search: ["some", "or", "exists"], family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      try call.refuseAxis()
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          if try Operations.truth(item) { return .bool(true) }
        }
      }
      return .bool(false)
    },
    Builtin(
      "all(x: list | tensor, axis: int | list | none = none, keepdim: bool = false) -> any",
      "Whether every element is true.",
      details: axisDetails + "\n- x: a list, or a tensor, of bools.",
      examples: [Example("all([x > 0 for x in 1..3])", "true")], seeAlso: ["any"],
      search: ["every", "and"], family: "lists", isGeneric: true, checksFirst: false
    ) { call in
      try call.refuseAxis()
      let items = try call[0].elements(call.session)
      var start = 0
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          if try !Operations.truth(item) { return .bool(false) }
        }
      }
      return .bool(true)
    },
  ]

  private static func incomparable(_ value: Value) -> HostObject? {
    if case .object(let object) = value, !object.isNumber { object } else { nil }
  }

  private static func extreme(
    _ name: String, _ word: String, _ input: String, _ result: String, _ other: String,
    _ isBetter: @escaping @Sendable (Int) -> Bool
  ) -> Builtin {
    Builtin(
      "\(name)(x: number | list | string | tensor, *more, axis: int | list | none = none, keepdim: bool = false, key: function | none = none) -> any",
      "The \(word) element of a list or a tensor, or the \(word) of several values.",
      details: axisDetails
        + "\n- key: what to compare by, a function of an element.\n- x: a list or a tensor; or the first of several values.\n- more: the other values.",
      examples: [Example("\(name)(\(input))", result), Example("\(name)(3, 1, 2)", result)],
      seeAlso: [other, "sort"], search: [word, "extreme", name + "imum"], family: "lists", checksFirst: false
    ) { call in
      let more = try call.list(1)
      if more.isEmpty, call[4].isNone, case .object(let object) = call[0], object.plainNumber == nil {
        if let value = try object.apply(name, call) { return value }
      }
      try call.refuseAxis()
      if !more.isEmpty, call[4].isNone, case .int(var best) = call[0] {
        let numbers = more.prefix { item in
          guard case .int(let number) = item else { return false }
          if isBetter(number < best ? -1 : number == best ? 0 : 1) { best = number }
          return true
        }
        if numbers.count == more.count { return .int(best) }
      }
      let items = more.isEmpty ? try call[0].elements(call.session) : [call[0]] + more
      guard var best = items.first else {
        throw call.error(
          .value, "\(name) of an empty list is undefined", hint: "test it first: if len(xs) > 0 { \(name)(xs) }",
          at: "x")
      }
      let isKeyed = !call[4].isNone
      let key = call.callback(4)
      var bestKey = isKeyed ? try key(best) : best
      var start = 1
      while let piece = try call.session.piece(of: items, &start) {
        for item in piece {
          let itemKey = isKeyed ? try key(item) : item
          if let object = incomparable(itemKey) ?? incomparable(bestKey) {
            var hint = "\(name)imum(a, b) compares element by element"
            if more.count == 1, case .int(let axis) = more[0] {
              hint = "\(name)(x, axis=\(axis)) is along an axis; " + hint
            }
            throw call.error(
              .type, "\(name) does not compare \(object.typeName.withArticle) with others", hint: hint)
          }
          // NaN wins, as in NumPy and PyTorch: it must not vanish.
          if case .float(let number) = itemKey.plain, number.isNaN { return item }
          if case .float(let number) = bestKey.plain, number.isNaN { return best }
          if let order = try Operations.order(itemKey, bestKey), isBetter(order) {
            best = item
            bestKey = itemKey
          }
        }
      }
      return best
    }
  }
}

extension Call {
  /// Takes an argument out of its slot, so that a list nobody else holds can be changed in place.
  func take(_ place: Int) -> Value {
    guard place >= 0, place < parameters.items.count else { return .none }
    let value = base[place]
    base[place] = .none
    return value
  }

  /// The first argument, a list or range, changed.
  func updateList(_ change: (inout [Value]) -> Void) -> Value {
    guard let list = base.list else { return .none }
    list.makeUnique()
    change(&list.pointee.items)
    return take(0)
  }

  /// Also makes a list of a range in the first argument.
  func checkLength(_ further: Int) throws(LTDError) {
    if case .range = base[0] { base[0] = Value(try list(0)) }
    guard let list = base.list else { return }
    try Operations.checkElements(list.pointee.items.count, 1, plus: further, session)
  }

  func refuseAxis() throws(LTDError) {
    if isGiven("axis") || isGiven("keepdim") {
      throw error(.type, "only tensors have axes", hint: "tensor(xs) makes a tensor of a list", at: "axis")
    }
  }
}
