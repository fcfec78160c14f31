import Base
import Devices
import Interpreter
import Tensors

/// The numbers of a list, or of lists within lists of equal lengths, flattened in row-major order: what `tensor([[1, 2]])`
/// and every parameter of type `tensor` reads from a list.
///
/// Lists are opened level by level, without recursion, and each level must have lists of one length, which becomes the size
/// of an axis. The first element decides what all must be: whole numbers make int64, bools a mask, and a number with a
/// point turns what was read before it into float32. Tensors in a list are stacked. Numbers through which a gradient is
/// followed are noted with their positions, and the tensor gets a record that leads back to each of them.
struct NestedNumbers {
  private(set) var shape: [Int] = []
  private var floats: [Float] = []
  private var ints: [Int] = []
  private var bools: [Bool] = []
  private var parts: [Tensor] = []
  /// Numbers through which a gradient is followed, with their positions among `floats`.
  private var followed: [(place: Int, number: Tensor)] = []
  private var kind: Kind?

  private enum Kind { case float, int, bool, tensor }

  /// - Throws: a `type` error for anything but numbers, bools and tensors, a `shape` error for rows of different lengths.
  init(_ value: Value) throws {
    var level: [Value] = [value]
    while let first = level.first {
      guard let count = first.elementCount else { break }
      shape.append(count)
      guard shape.count <= 16 else { throw LTDError(.shape, "lists nested more than 16 deep are not a tensor") }
      var next: [Value] = []
      for item in level {
        try Self.poll(at: next.count)
        if case .range(let range) = item, range.count > Compute.memoryLimit / 32 {
          throw LTDError(.memory, "a range of \(range.count) numbers is too long for a tensor")
        }
        guard let elements = try item.elements, elements.count == count else {
          throw LTDError(
            .shape, "rows of different lengths do not make a tensor",
            hint:
              "one row has \(count) elements, another \(item.elementCount.map(String.init) ?? "none: it is \(item.typeName.withArticle)")"
          )
        }
        next += elements
      }
      level = next
    }
    for (place, item) in level.enumerated() {
      try Self.poll(at: place)
      try append(item)
    }
  }

  fileprivate static func poll(at place: Int) throws {
    if place & 4095 == 4095 { try StopSignal.poll() }
  }

  private mutating func append(_ item: Value) throws {
    switch item.plain {
    case .bool(let flag) where kind == nil || kind == .bool:
      kind = .bool
      bools.append(flag)
    case .int(let number) where kind == nil || kind == .int:
      kind = .int
      ints.append(number)
    case .int(let number) where kind == .float: floats.append(Float(number))
    case .float(let number) where kind == nil || kind == .float || kind == .int:
      if kind == .int { floats = ints.map { Float($0) } }
      kind = .float
      if item.isFollowed, let number = try Tensor.operand(item) { followed.append((floats.count, number)) }
      floats.append(Float(number))
    case .object(let object) where kind == nil || kind == .tensor:
      guard let tensor = (object as? TensorObject)?.tensor else { fallthrough }
      kind = .tensor
      parts.append(tensor)
    default:
      throw LTDError(
        .type, "a tensor is made of numbers, not of \(item.described)",
        hint: "use numbers only, or bools only")
    }
  }

  /// A list of whole numbers makes int64, one of bools a mask, other numbers float32; a list of tensors is stacked.
  var tensor: Tensor {
    get throws {
      switch kind {
      case .float, nil: try Tensor(floats, shape: shape).filled(from: followed)
      case .int: try Tensor(ints: ints, shape: shape)
      case .bool: try Tensor(bools: bools, shape: shape)
      case .tensor: try stack(parts, axis: 0).reshape(shape + (parts.first?.shape ?? []))
      }
    }
  }
}

extension Value {
  fileprivate var elementCount: Int? {
    switch self {
    case .list(let list): list.items.count
    case .range(let range): range.count
    default: nil
    }
  }

  fileprivate var elements: [Value]? {
    get throws {
      switch self {
      case .list(let list): return list.items
      case .range(let range):
        var items: [Value] = []
        items.reserveCapacity(range.count)
        for place in 0..<range.count {
          try NestedNumbers.poll(at: place)
          items.append(.int(range[place]))
        }
        return items
      default: return nil
      }
    }
  }
}
