extension Pickle {
  /// The stack machine of pickles: it carries out the instructions, and where Python would import or call it makes a
  /// node that says so.
  struct Machine {
    var input: Input
    private var stack: [Int] = []
    /// How high the stack was at each mark.
    private var marks: [Int] = []
    private var memo: [Int: Int] = [:]

    init(_ bytes: [UInt8], at start: Int) { input = Input(bytes, at: start) }

    mutating func run(_ pickle: inout Pickle) throws(Failure) {
      var steps = 0
      while true {
        steps += 1
        do throws(CoreError) { try StopSignal.poll(at: steps) } catch { throw .stopped(error) }
        let position = input.position
        let code = try input.byte()
        if code == UInt8(ascii: ".") {
          guard let last = stack.last else { throw .damaged("it ends with nothing", at: position) }
          pickle.finish(last)
          return
        }
        try carryOut(code, position, &pickle)
      }
    }

    // MARK: Stack

    private mutating func pop(_ position: Int) throws(Failure) -> Int {
      // What lies below a mark belongs to something else.
      guard stack.count > (marks.last ?? 0), let node = stack.popLast() else {
        throw .damaged("it takes more from its stack than it put there", at: position)
      }
      return node
    }

    private func top(_ position: Int) throws(Failure) -> Int {
      guard stack.count > (marks.last ?? 0), let node = stack.last else {
        throw .damaged("it looks at an empty stack", at: position)
      }
      return node
    }

    /// Everything above the last mark.
    private mutating func popMark(_ position: Int) throws(Failure) -> [Int] {
      guard let height = marks.popLast(), height <= stack.count else {
        throw .damaged("there is no mark", at: position)
      }
      // A copy: a slice would hold the whole stack, and the next change copy that.
      let items = Array(stack[height...])
      stack.removeLast(stack.count - height)
      return items
    }

    private mutating func pushTuple(_ count: Int, _ position: Int, _ pickle: inout Pickle) throws(Failure) {
      var items: [Int] = []
      for _ in 0..<count { items.append(try pop(position)) }
      stack.append(try pickle.add(items.reversed(), as: Value.tuple, at: position))
    }

    private func remembered(_ index: Int, _ position: Int) throws(Failure) -> Int {
      guard let node = memo[index] else { throw .damaged("nothing was remembered as \(index)", at: position) }
      return node
    }

    private mutating func pushCall(_ position: Int, _ pickle: inout Pickle) throws(Failure) {
      let arguments = try pop(position)
      let callable = try pop(position)
      stack.append(try pickle.add(Object(callable: callable, arguments: arguments), at: position))
    }

    // MARK: Instructions

    private mutating func carryOut(_ code: UInt8, _ position: Int, _ pickle: inout Pickle) throws(Failure) {
      switch code {
      case 0x80:
        let version = try input.byte()
        guard version <= 5 else { throw .damaged("protocol \(version)", at: position) }
      case 0x95: _ = try input.number(8)
      case UInt8(ascii: "("): marks.append(stack.count)
      case UInt8(ascii: "0"):
        // Python takes a mark where there is nothing above it.
        if let height = marks.last, height == stack.count { marks.removeLast() } else { _ = try pop(position) }
      case UInt8(ascii: "1"): _ = try popMark(position)
      case UInt8(ascii: "2"): stack.append(try top(position))
      case UInt8(ascii: "q"): memo[Int(try input.byte())] = try top(position)
      case UInt8(ascii: "r"): memo[try input.number(4)] = try top(position)
      case UInt8(ascii: "p"): memo[try input.decimal(position)] = try top(position)
      case 0x94: memo[memo.count] = try top(position)
      case UInt8(ascii: "h"): stack.append(try remembered(Int(try input.byte()), position))
      case UInt8(ascii: "j"): stack.append(try remembered(try input.number(4), position))
      case UInt8(ascii: "g"): stack.append(try remembered(try input.decimal(position), position))
      default:
        if try pushConstant(code, position, &pickle) { return }
        if try pushText(code, position, &pickle) { return }
        if try collect(code, position, &pickle) { return }
        if try pushReference(code, position, &pickle) { return }
        throw .damaged("there is no instruction \(code)", at: position)
      }
    }

    /// Numbers and the constants.
    private mutating func pushConstant(
      _ code: UInt8, _ position: Int, _ pickle: inout Pickle
    ) throws(Failure) -> Bool {
      switch code {
      case UInt8(ascii: "N"): stack.append(Pickle.constant(nil))
      case 0x88: stack.append(Pickle.constant(true))
      case 0x89: stack.append(Pickle.constant(false))
      case UInt8(ascii: "K"): stack.append(try pickle.add(Int(try input.byte()), at: position))
      case UInt8(ascii: "M"): stack.append(try pickle.add(try input.number(2), at: position))
      case UInt8(ascii: "J"):
        let value = Int(Int32(truncatingIfNeeded: try input.number(4)))
        stack.append(try pickle.add(value, at: position))
      case 0x8A: try pushLong(Int(try input.byte()), position, &pickle)
      case 0x8B: try pushLong(try input.length(4, position), position, &pickle)
      case UInt8(ascii: "G"):
        let bits = try input.take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        stack.append(try pickle.add(.float(Double(bitPattern: bits)), at: position))
      case UInt8(ascii: "F"):
        guard let value = Double(try input.line()) else { throw .damaged("no number", at: position) }
        stack.append(try pickle.add(.float(value), at: position))
      case UInt8(ascii: "I"), UInt8(ascii: "L"):
        var line = try input.line()
        if code == UInt8(ascii: "I"), line == "00" || line == "01" {
          stack.append(Pickle.constant(line == "01"))
        } else {
          if line.hasSuffix("L") { line.removeLast() }
          if let value = Int(line) {
            stack.append(try pickle.add(value, at: position))
          } else {
            guard !line.isEmpty, line.utf8.allSatisfy({ $0 &- 48 < 10 || $0 == 45 }) else {
              throw .damaged("no whole number", at: position)
            }
            stack.append(try pickle.add(.largeInt(line), at: position))
          }
        }
      default: return false
      }
      return true
    }

    private mutating func pushLong(_ count: Int, _ position: Int, _ pickle: inout Pickle) throws(Failure) {
      let bytes = try input.take(count)
      // What repeats the sign says nothing.
      let fill: UInt8 = bytes.last.map { $0 & 0x80 != 0 } == true ? 0xFF : 0
      let digits = bytes.dropLast(bytes.count > 8 ? bytes.reversed().prefix { $0 == fill }.count : 0)
      let fits = digits.count < 8 || digits.count == 8 && (bytes.count == 8 || (digits.last ?? 0) & 0x80 == fill & 0x80)
      if fits {
        let start: UInt64 = fill == 0 ? 0 : .max
        let bits = digits.reversed().reduce(start) { $0 << 8 | UInt64($1) }
        stack.append(try pickle.add(Int(truncatingIfNeeded: bits), at: position))
        return
      }
      var magnitude = Array(digits)
      if fill != 0 {
        var carry = true
        for i in magnitude.indices {
          let (sum, overflow) = (~magnitude[i]).addingReportingOverflow(carry ? 1 : 0)
          (magnitude[i], carry) = (sum, overflow)
        }
        if carry { magnitude.append(1) }
      }
      var text = fill == 0 ? "0x" : "-0x"
      var isFirst = true
      for byte in magnitude.reversed() where !isFirst || byte != 0 {
        let hexadecimal = String(byte, radix: 16)
        text += isFirst || byte > 15 ? hexadecimal : "0" + hexadecimal
        isFirst = false
      }
      stack.append(try pickle.add(.largeInt(text), at: position))
    }

    /// Strings and bytes.
    private mutating func pushText(_ code: UInt8, _ position: Int, _ pickle: inout Pickle) throws(Failure) -> Bool {
      let isText: Bool
      let content: ArraySlice<UInt8>
      switch code {
      case UInt8(ascii: "X"): (isText, content) = (true, try input.take(input.length(4, position)))
      case 0x8C: (isText, content) = (true, try input.take(Int(input.byte())))
      case 0x8D: (isText, content) = (true, try input.take(input.length(8, position)))
      case UInt8(ascii: "T"), UInt8(ascii: "B"): (isText, content) = (false, try input.take(input.length(4, position)))
      case UInt8(ascii: "U"), UInt8(ascii: "C"): (isText, content) = (false, try input.take(Int(input.byte())))
      case 0x8E, 0x96: (isText, content) = (false, try input.take(input.length(8, position)))
      case UInt8(ascii: "S"): (isText, content) = (false, try Input.unquoted(input.lineBytes(), position)[...])
      case UInt8(ascii: "V"):
        stack.append(try pickle.add(.string(try Input.unescaped(input.lineBytes(), position)), at: position))
        return true
      default: return false
      }
      // A string with half of a surrogate pair in it is none; it stays bytes.
      if isText, let text = String(validating: content, as: UTF8.self) {
        stack.append(try pickle.add(.string(text), at: position))
      } else {
        stack.append(try pickle.add(content, at: position))
      }
      return true
    }

    /// Lists, tuples, sets and dictionaries.
    private mutating func collect(_ code: UInt8, _ position: Int, _ pickle: inout Pickle) throws(Failure) -> Bool {
      switch code {
      case UInt8(ascii: "]"): stack.append(try pickle.add([], as: Value.list, at: position))
      case UInt8(ascii: "}"): stack.append(try pickle.addDictionary(at: position))
      case UInt8(ascii: ")"): stack.append(Pickle.emptyTuple)
      case 0x8F: stack.append(try pickle.add([], as: Value.set, at: position))
      case 0x85: try pushTuple(1, position, &pickle)
      case 0x86: try pushTuple(2, position, &pickle)
      case 0x87: try pushTuple(3, position, &pickle)
      case UInt8(ascii: "t"): stack.append(try pickle.add(popMark(position), as: Value.tuple, at: position))
      case UInt8(ascii: "l"): stack.append(try pickle.add(popMark(position), as: Value.list, at: position))
      case 0x91: stack.append(try pickle.add(popMark(position), as: Value.set, at: position))
      case UInt8(ascii: "d"):
        let items = try popMark(position)
        let node = try pickle.addDictionary(at: position)
        try pickle.put(items, into: node, at: position)
        stack.append(node)
      case UInt8(ascii: "a"):
        let item = try pop(position)
        try pickle.append(CollectionOfOne(item), to: try top(position), at: position)
      case UInt8(ascii: "e"), 0x90:
        let items = try popMark(position)
        try pickle.append(items, to: try top(position), at: position)
      case UInt8(ascii: "s"):
        let value = try pop(position)
        let key = try pop(position)
        try pickle.put([key, value], into: try top(position), at: position)
      case UInt8(ascii: "u"):
        let items = try popMark(position)
        try pickle.put(items, into: try top(position), at: position)
      default: return false
      }
      return true
    }

    /// What Python would import, call or fetch from elsewhere.
    private mutating func pushReference(
      _ code: UInt8, _ position: Int, _ pickle: inout Pickle
    ) throws(Failure) -> Bool {
      switch code {
      case UInt8(ascii: "c"):
        let module = try input.line()
        stack.append(try pickle.add(.global("\(module).\(try input.line())"), at: position))
      case 0x93:
        let (name, module) = (try pop(position), try pop(position))
        guard let name = pickle.text(name), let module = pickle.text(module) else {
          throw .damaged("a class without a name", at: position)
        }
        stack.append(try pickle.add(.global("\(module).\(name)"), at: position))
      case 0x82, 0x83, 0x84:
        let number = try input.number(code == 0x82 ? 1 : code == 0x83 ? 2 : 4)
        stack.append(try pickle.add(.global("copyreg.extension\(number)"), at: position))
      case UInt8(ascii: "R"), 0x81: try pushCall(position, &pickle)
      case 0x92:
        // The named arguments are not looked at.
        _ = try pop(position)
        try pushCall(position, &pickle)
      case UInt8(ascii: "i"), UInt8(ascii: "o"):
        var items = try popMark(position)
        let callable: Int
        if code == UInt8(ascii: "i") {
          let module = try input.line()
          callable = try pickle.add(.global("\(module).\(try input.line())"), at: position)
        } else {
          guard !items.isEmpty else { throw .damaged("a call of nothing", at: position) }
          callable = items.removeFirst()
        }
        let arguments = try pickle.add(items, as: Value.tuple, at: position)
        stack.append(try pickle.add(Object(callable: callable, arguments: arguments), at: position))
      case UInt8(ascii: "b"):
        let state = try pop(position)
        try pickle.setState(state, of: try top(position), at: position)
      case UInt8(ascii: "Q"): stack.append(try pickle.add(.persistent(try pop(position)), at: position))
      case UInt8(ascii: "P"):
        let name = try pickle.add(.string(try input.line()), at: position)
        stack.append(try pickle.add(.persistent(name), at: position))
      case 0x97: throw .damaged("its data are in a buffer elsewhere", at: position)
      case 0x98: break
      default: return false
      }
      return true
    }
  }

  /// The bytes of a pickle, taken one part after the other.
  struct Input {
    private let bytes: [UInt8]
    private(set) var position: Int

    init(_ bytes: [UInt8], at start: Int) { (self.bytes, position) = (bytes, start) }

    mutating func byte() throws(Failure) -> UInt8 {
      guard position < bytes.count else { throw .endsEarly }
      defer { position += 1 }
      return bytes[position]
    }

    mutating func take(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
      guard count <= bytes.count - position else { throw .endsEarly }
      defer { position += count }
      return bytes[position..<position + count]
    }

    /// A little-endian number without a sign.
    mutating func number(_ size: Int) throws(Failure) -> Int {
      Int(truncatingIfNeeded: try take(size).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
    }

    /// A number of bytes that follow.
    mutating func length(_ size: Int, _ position: Int) throws(Failure) -> Int {
      let count = try number(size)
      guard count >= 0 else { throw .damaged("a length of \(UInt64(bitPattern: Int64(count)))", at: position) }
      return count
    }

    mutating func lineBytes() throws(Failure) -> ArraySlice<UInt8> {
      guard let end = bytes[position...].firstIndex(of: 10) else { throw .endsEarly }
      defer { position = end + 1 }
      return bytes[position..<end]
    }

    mutating func line() throws(Failure) -> String { String(decoding: try lineBytes(), as: UTF8.self) }

    mutating func decimal(_ position: Int) throws(Failure) -> Int {
      guard let value = Int(try line()), value >= 0 else { throw .damaged("no number", at: position) }
      return value
    }

    /// What a string in quotes stands for, as Python 2 writes it.
    static func unquoted(_ line: ArraySlice<UInt8>, _ position: Int) throws(Failure) -> [UInt8] {
      guard line.count >= 2, let quote = line.first, quote == 0x27 || quote == 0x22, line.last == quote else {
        throw .damaged("a string without quotes", at: position)
      }
      var rest = line.dropFirst().dropLast()
      var content: [UInt8] = []
      while let byte = rest.popFirst() {
        guard byte == 0x5C, let escape = rest.popFirst() else {
          content.append(byte)
          continue
        }
        switch escape {
        case UInt8(ascii: "n"): content.append(10)
        case UInt8(ascii: "t"): content.append(9)
        case UInt8(ascii: "r"): content.append(13)
        case UInt8(ascii: "a"): content.append(7)
        case UInt8(ascii: "b"): content.append(8)
        case UInt8(ascii: "f"): content.append(12)
        case UInt8(ascii: "v"): content.append(11)
        case UInt8(ascii: "x"):
          guard let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
            throw .damaged("a string with a wrong \\x", at: position)
          }
          content.append(value)
          rest = rest.dropFirst(2)
        case 0x30...0x37:
          let digits = [escape] + rest.prefix(2).prefix { (0x30...0x37).contains($0) }
          content.append(UInt8(truncatingIfNeeded: digits.reduce(0) { $0 << 3 | Int($1 & 7) }))
          rest = rest.dropFirst(digits.count - 1)
        case 0x5C, 0x27, 0x22: content.append(escape)
        default: content += [byte, escape]
        }
      }
      return content
    }

    /// What a line of Latin-1 with \u and \U stands for.
    static func unescaped(_ line: ArraySlice<UInt8>, _ position: Int) throws(Failure) -> String {
      var rest = line
      var units: [UInt16] = []
      while let byte = rest.popFirst() {
        let count = byte == 0x5C ? rest.first == UInt8(ascii: "u") ? 4 : rest.first == UInt8(ascii: "U") ? 8 : 0 : 0
        guard count > 0 else {
          units.append(UInt16(byte))
          continue
        }
        let digits = rest.dropFirst().prefix(count)
        guard digits.count == count, let value = UInt32(String(decoding: digits, as: UTF8.self), radix: 16),
          value <= 0x10FFFF
        else { throw .damaged("a string with a wrong \\u", at: position) }
        if value > 0xFFFF {
          units += [UInt16(0xD800 + (value - 0x10000) >> 10), UInt16(0xDC00 + (value - 0x10000) & 0x3FF)]
        } else {
          units.append(UInt16(value))
        }
        rest = rest.dropFirst(count + 1)
      }
      return String(decoding: units, as: UTF16.self)
    }
  }
}
