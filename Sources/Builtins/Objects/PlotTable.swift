import Base
import Devices
import Drawing
import Interpreter
import Tensors

/// The columns of a table that is to be plotted: a list of records, a record of lists, or numbers.
struct PlotTable {
  /// A column: numbers, or names of categories.
  struct Column {
    var name: String
    var numbers: [Double]?
    var texts: [String]

    /// Numbers where all values are numbers, bools or none; none is NaN, which has no place in a picture.
    init(_ name: String, _ values: [Value]) throws {
      self.name = name
      var numbers: [Double] = []
      numbers.reserveCapacity(values.count)
      var hasNumber = false
      for (index, value) in values.enumerated() {
        try StopSignal.poll(at: index)
        switch value.plain {
        case .int(let number):
          numbers.append(Double(number))
          hasNumber = true
        case .float(let number):
          numbers.append(number)
          hasNumber = true
        case .none: numbers.append(.nan)
        case .object(let object) where object.isNumber:
          numbers.append(try object.number()?.asDouble ?? .nan)
          hasNumber = true
        default: break
        }
        if numbers.count <= index { break }
      }
      self.numbers = numbers.count == values.count && (hasNumber || values.isEmpty) ? numbers : nil
      texts = self.numbers == nil ? values.map { PlotTable.text($0) } : []
    }

    init(_ name: String, _ numbers: [Double]) { (self.name, self.numbers, texts) = (name, numbers, []) }

    func text(_ row: Int) -> String {
      if let numbers { return numbers[row].shortest }
      return texts[row]
    }

    var count: Int { numbers?.count ?? texts.count }
  }

  let columns: [Column]
  var count: Int { columns.first?.count ?? 0 }

  /// A table of records; a field that a record lacks is none.
  init(records: [RecordValue]) throws {
    var names: [String] = []
    var known: Set<String> = []
    for (index, record) in records.enumerated() {
      try StopSignal.poll(at: index)
      for name in record.keys where known.insert(name).inserted { names.append(name) }
    }
    columns = try names.map { name in try Column(name, records.map { $0[name] ?? .none }) }
  }

  init(_ columns: [Column]) { self.columns = columns }

  subscript(name: String) -> Column? { columns.first { $0.name == name } }

  static func text(_ value: Value) -> String { value.asString ?? value.shortText(PrintOptions()) }

  /// Numbers in a list, range or tensor of one axis; nil for anything else.
  static func numbers(_ value: Value) throws -> [Double]? {
    switch value {
    case .list(let list):
      guard let column = try? Column("", list.items), let numbers = column.numbers, !numbers.isEmpty else { return nil }
      return numbers
    case .range: return try Tensor.operand(value)?.floats().map(Double.init)
    case .object(let object):
      guard let tensor = (object as? TensorObject)?.tensor, tensor.shape.count == 1 else { return nil }
      return numbers(of: tensor)
    default: return nil
    }
  }

  /// The elements of a tensor as they were typed.
  static func numbers(of tensor: Tensor) -> [Double] {
    switch tensor.dtype {
    case .int64: tensor.ints().map(Double.init)
    case .bool: tensor.bools().map { $0 ? 1 : 0 }
    case .float32: tensor.floats().map(\.asTyped)
    }
  }
}
