/// The built-ins for records.
enum CoreRecords {
  static let builtins: [Builtin] = [
    Builtin(
      "keys(r: record) -> list[string]", "The names of a record's fields.",
      examples: [Example("keys({a: 1, b: 2})", "[\"a\", \"b\"]")],
      seeAlso: ["values", "items"], search: ["names", "fields"], family: "records"
    ) { call in Value(try call.record(0).keys) },
    Builtin(
      "values(r: record) -> list", "The values of a record's fields.",
      examples: [Example("values({a: 1, b: 2})", "[1, 2]")],
      seeAlso: ["keys", "items"], search: ["fields"], family: "records"
    ) { call in Value(try call.record(0).values) },
    Builtin(
      "items(r: record) -> list", "Pairs [name, value] of a record's fields.",
      examples: [Example("items({a: 1, b: 2})", "[[\"a\", 1], [\"b\", 2]]")], seeAlso: ["keys", "record"],
      search: ["pairs", "entries"], family: "records"
    ) { call in
      var pairs: [Value] = []
      for (name, value) in try call.record(0).fields {
        try call.poll(at: pairs.count)
        pairs.append(Value([Value(name), value]))
      }
      return Value(pairs)
    },
    Builtin(
      "record(pairs: list) -> record", "A record of a list of pairs [name, value].",
      details: "- pairs: [name, value] each; a later one of the same name wins.",
      examples: [Example("record([[\"a\", 1], [\"b\", 2]])", "{a: 1, b: 2}")], seeAlso: ["items", "zip"],
      search: ["dict", "map", "from pairs", "object"], family: "records"
    ) { call in
      var record = RecordValue.make([])
      for (place, item) in try call.list(0).enumerated() {
        try call.poll(at: place)
        guard case .list(let pair) = item, pair.items.count == 2, case .string(let name) = pair.items[0] else {
          throw call.error(.type, "record takes pairs [name, value], not \(item.described)", at: "pairs")
        }
        RecordValue.set(name.text, pair.items[1], in: &record)
      }
      return .record(record)
    },
    Builtin(
      "get(r: record, name: string, default = none) -> any", "A field of a record, or the default where there is none.",
      details: "- default: returned when there is no such field.",
      examples: [Example("get({a: 1}, \"b\", 0)", "0")], seeAlso: ["keys"], search: ["lookup", "default", "has"],
      family: "records"
    ) { call in
      guard let record = call.base.record, let name = (call.base + 1).string,
        let place = record.pointee.layout.place(of: name.pointee.text)
      else { return call[2] }
      return record.pointee[place]
    },
    Builtin(
      "without(r: record, *names: string) -> record", "The record without some of its fields.",
      details: "- names: the fields to leave out.",
      examples: [Example("without({a: 1, b: 2}, \"a\")", "{b: 2}")], seeAlso: ["get", "keys"],
      search: ["delete", "remove", "drop", "pop", "del"], family: "records"
    ) { call in
      let names = try call.list(1).compactMap(\.asString)
      if let record = call.base.record { RecordValue.remove(names, from: &record.pointee) }
      return call.take(0)
    },
  ]
}
