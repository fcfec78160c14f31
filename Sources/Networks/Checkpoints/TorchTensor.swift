import Base
import Tensors

/// The type of the elements of a PyTorch storage, whether they are read here or not.
struct TorchType: Sendable {
  /// As PyTorch calls it: "float32", "qint8".
  let name: String
  /// The number of bytes of an element.
  let size: Int
  /// How it is read; nil where it is not.
  let element: Element?

  private init(_ name: String, _ size: Int, _ element: Element? = nil) {
    (self.name, self.size, self.element) = (name, size, element)
  }

  private init(_ element: Element) { self.init(element.name, element.size, element) }

  /// The bytes of a storage whose tensors know the type themselves.
  static let untyped = TorchType("bytes", 1)

  /// By the class of a storage: "torch.FloatStorage", "torch.cuda.HalfStorage".
  init?(storage: String) {
    guard storage.hasPrefix("torch."), let name = storage.split(separator: ".").last else { return nil }
    switch name {
    case "DoubleStorage": self.init(.float64)
    case "FloatStorage": self.init(.float32)
    case "HalfStorage": self.init(.float16)
    case "BFloat16Storage": self.init(.bfloat16)
    case "LongStorage": self.init(.int64)
    case "IntStorage": self.init(.int32)
    case "ShortStorage": self.init(.int16)
    case "CharStorage": self.init(.int8)
    case "ByteStorage": self.init(.uint8)
    case "BoolStorage": self.init(.bool)
    case "UntypedStorage": self = .untyped
    case "ComplexFloatStorage": self.init("complex64", 8)
    case "ComplexDoubleStorage": self.init("complex128", 16)
    case "QInt8Storage": self.init("qint8", 1)
    case "QUInt8Storage": self.init("quint8", 1)
    case "QInt32Storage": self.init("qint32", 4)
    case "QUInt4x2Storage": self.init("quint4x2", 1)
    case "QUInt2x4Storage": self.init("quint2x4", 1)
    default: return nil
    }
  }

  /// By the type that a tensor over untyped bytes states: "torch.uint16".
  init?(type: String) {
    guard type.hasPrefix("torch.") else { return nil }
    let name = String(type.dropFirst(6))
    if let element = Element.allCases.first(where: { $0.name == name }) {
      self.init(element)
    } else if name.hasPrefix("float8") {
      self.init(name, 1)
    } else {
      return nil
    }
  }
}

/// A storage, as a pickle of PyTorch names it: numbers that are kept outside of the pickle.
struct TorchStorage: Sendable {
  /// What names the numbers within the file.
  let key: String
  let type: TorchType
  /// The number of elements that the tensors see.
  let count: Int
  /// Where these begin within what the key names, in elements; that is not 0 in old files only.
  let start: Int

  /// From the tuple that stands for it: ("storage", class, key, device, count[, view]).
  ///
  /// - Returns: nil for what is no storage.
  init?(_ pickle: Pickle, _ node: Int) {
    guard case .persistent(let name) = pickle[node], let parts = pickle.items(name), parts.count >= 5,
      pickle.text(parts[0]) == "storage", case .global(let storage) = pickle[parts[1]],
      let type = TorchType(storage: storage), let count = pickle.int(parts[4]), count >= 0
    else { return nil }
    let key: String
    if let text = pickle.text(parts[2]) {
      key = text
    } else {
      guard let number = pickle.int(parts[2]) else { return nil }
      key = "\(number)"
    }
    self.key = key
    self.type = type
    guard parts.count > 5, let view = pickle.items(parts[5]) else {
      (self.count, start) = (count, 0)
      return
    }
    // The key of the view, where it begins, and how long it is.
    guard view.count == 3, let start = pickle.int(view[1]), let length = pickle.int(view[2]), start >= 0, length >= 0,
      start <= count, length <= count - start
    else { return nil }
    (self.count, self.start) = (length, start)
  }
}

/// A tensor, as a pickle of PyTorch describes it: a view of a storage.
struct TorchTensor: Sendable {
  let storage: TorchStorage
  let element: Element
  /// Where it begins in what the key of the storage names, in elements of its type.
  let offset: Int
  let shape: [Int]
  /// The distance from one element to the next along each axis, in elements.
  let strides: [Int]
  let count: Int

  /// What a node of a pickle is, where it has to do with tensors.
  enum Found {
    case tensor(TorchTensor)
    /// A tensor that is not read, and what it is, as it ends a sentence: "sparse".
    case unreadable(String)
    /// A tensor that cannot be, and why.
    case damaged(String)
  }

  /// Looks whether a node is a tensor or parameter.
  ///
  /// - Returns: nil for anything else.
  static func find(_ pickle: Pickle, _ node: Int) -> Found? {
    var node = node
    // A parameter is a tensor in one or two wraps.
    for _ in 0..<8 {
      guard var (name, arguments, _) = pickle.call(node) else { return nil }
      if name == "torch._tensor._rebuild_from_type_v2" || name == "torch._tensor._rebuild_from_type",
        arguments.count >= 3, case .global(let function) = pickle[arguments[0]],
        let inner = pickle.items(arguments[2])
      {
        (name, arguments) = (function, inner)
      }
      switch name {
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
        "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.autograd.variable.Variable":
        guard let data = arguments.first else { return nil }
        node = data
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3":
        return view(pickle, arguments, isUntyped: name.hasSuffix("v3"))
      case "torch._utils._rebuild_sparse_tensor", "torch._utils._rebuild_sparse_csr_tensor":
        return .unreadable("sparse")
      case "torch._utils._rebuild_qtensor": return .unreadable("quantised")
      case "torch._utils._rebuild_nested_tensor": return .unreadable("a nested tensor")
      case "torch._utils._rebuild_meta_tensor_no_storage": return .unreadable("a meta tensor, which has no numbers")
      case "torch._utils._rebuild_device_tensor_from_numpy", "torch._utils._rebuild_wrapper_subclass",
        "torch._utils._rebuild_xla_tensor":
        return .unreadable("a tensor of another device")
      default: return nil
      }
    }
    return nil
  }

  private static func view(_ pickle: Pickle, _ arguments: [Int], isUntyped: Bool) -> Found {
    guard arguments.count >= 4, let storage = TorchStorage(pickle, arguments[0]) else {
      return .damaged("it names no storage that is known")
    }
    var type = storage.type
    var metadata = arguments.count > 6 ? arguments[6] : nil
    if isUntyped {
      guard arguments.count > 6, case .global(let name) = pickle[arguments[6]] else {
        return .damaged("it has no type")
      }
      guard let stated = TorchType(type: name) else { return .unreadable("of the type \(name)") }
      type = stated
      metadata = arguments.count > 7 ? arguments[7] : nil
    }
    guard let element = type.element else { return .unreadable("of the type \(type.name)") }
    // A view that is to be read with the other sign.
    if let pairs = metadata.flatMap({ pickle.pairs($0) }),
      pairs.contains(where: { if case .bool(true) = pickle[$0.value] { true } else { false } })
    {
      return .unreadable("a view to be conjugated or negated")
    }
    guard let offset = pickle.int(arguments[1]), let shape = pickle.ints(arguments[2]),
      let strides = pickle.ints(arguments[3]), offset >= 0, shape.count == strides.count, shape.count <= 16
    else { return .damaged("its shape, strides or offset are no numbers that belong together") }
    guard shape.allSatisfy({ $0 >= 0 }), strides.allSatisfy({ $0 >= 0 }) else {
      return .damaged("it has the shape \(shape) and the strides \(strides)")
    }
    // How many elements it has, and the last one that it sees.
    var (count, last, isImpossible) = (1, offset, false)
    for (size, stride) in zip(shape, strides) where size > 0 {
      let (product, isMany) = count.multipliedReportingOverflow(by: size)
      let (way, isFar) = stride.multipliedReportingOverflow(by: size - 1)
      let (sum, isBeyond) = last.addingReportingOverflow(isFar ? 0 : way)
      (count, last) = (isMany ? 1 : product, isBeyond ? 0 : sum)
      isImpossible = isImpossible || isMany || isFar || isBeyond
    }
    if shape.contains(0) { count = 0 }
    let room = isUntyped ? storage.count / element.size : storage.count
    guard !isImpossible, count == 0 || last < room else {
      return .damaged(
        "the shape \(shape) from element \(offset) on does not fit into its storage '\(storage.key)' of \(room) elements"
      )
    }
    // The same few elements again and again are allowed, within reason.
    guard count <= 1 << 22 || count / 1024 <= room else {
      return .damaged("\(count) elements are made of the \(room) of its storage '\(storage.key)'")
    }
    let tensor = TorchTensor(
      storage: storage, element: element, offset: offset + storage.start, shape: shape, strides: strides, count: count)
    return .tensor(tensor)
  }

  /// Whether its elements lie one after the other in row-major order.
  var isContiguous: Bool {
    var expected = 1
    for (size, stride) in zip(shape, strides).reversed() where size != 1 {
      if stride != expected { return count == 0 }
      expected *= size
    }
    return true
  }

  /// Its numbers, from the bytes of its whole storage.
  func read(_ bytes: [UInt8], isBigEndian: Bool) throws(CoreError) -> Tensor {
    try bytes.withUnsafeBufferPointer { (buffer) throws(CoreError) in
      let bytes = UnsafeRawBufferPointer(buffer)
      let size = element.size
      guard count > 0 else { return try element.tensor(UnsafeRawBufferPointer(rebasing: bytes[..<0]), shape: shape) }
      if isContiguous {
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset * size..<(offset + count) * size])
        return try element.tensor(part, shape: shape, isBigEndian: isBigEndian)
      }
      let dense = UnsafeMutableRawBufferPointer.allocate(byteCount: count * size, alignment: 64)
      defer { dense.deallocate() }
      switch size {
      case 1: try gather(bytes, UInt8.self, dense)
      case 2: try gather(bytes, UInt16.self, dense)
      case 4: try gather(bytes, UInt32.self, dense)
      default: try gather(bytes, UInt64.self, dense)
      }
      return try element.tensor(UnsafeRawBufferPointer(dense), shape: shape, isBigEndian: isBigEndian)
    }
  }

  /// Puts the elements of a view one after the other.
  private func gather<Bits: FixedWidthInteger>(
    _ bytes: UnsafeRawBufferPointer, _ type: Bits.Type, _ target: UnsafeMutableRawBufferPointer
  ) throws(CoreError) {
    let size = MemoryLayout<Bits>.size
    let (row, step) = (shape.last ?? 1, strides.last ?? 1)
    var index = [Int](repeating: 0, count: max(shape.count - 1, 0))
    var (start, done) = (offset, 0)
    while done < count {
      try StopSignal.poll(at: done)
      for i in 0..<row {
        let bits = bytes.loadUnaligned(fromByteOffset: (start &+ i &* step) &* size, as: Bits.self)
        target.storeBytes(of: bits, toByteOffset: (done &+ i) &* size, as: Bits.self)
      }
      done += row
      // The next row: the last axis but one first.
      for axis in index.indices.reversed() {
        index[axis] += 1
        start += strides[axis]
        if index[axis] < shape[axis] { break }
        start -= strides[axis] * shape[axis]
        index[axis] = 0
      }
    }
  }
}
