import Base

/// What the keys at a dashboard come to: orders for the run, words to be shown, and text that is kept for the next prompt.
///
/// It knows no terminal. A key of its own steers; any other character begins a text for the next prompt, which then takes
/// all keys until Escape drops it, so that a statement typed ahead does not steer and nothing is lost unseen. Characters
/// that come together were pasted or typed before anybody looked: they are text, unless each of them is a key.
struct DashboardKeys {
  /// What the run is to do, in order.
  private(set) var orders: [TrainingOrder] = []
  /// Whether the run waits between two steps.
  private(set) var isPaused = false
  /// Whether the user has ended the run.
  private(set) var isStopping = false
  /// Whether more than one line is wanted.
  private(set) var isDetailed: Bool
  /// What was typed for the next prompt.
  private(set) var typed: [UInt8] = []
  /// What was typed of a learning rate; nil where nobody is asked for one.
  private(set) var rate: String?
  /// What became of the last key.
  var message = ""
  /// The highest learning rate, which is shown where another one is asked for.
  var currentRate: Double?

  init(isDetailed: Bool) { self.isDetailed = isDetailed }

  static let help = "p pause   s save   l learning rate   q stop and keep   d one line"
  private static let longest = 1 << 16

  /// The next order; nil where there is none.
  mutating func nextOrder() -> TrainingOrder? { orders.isEmpty ? nil : orders.removeFirst() }

  /// The run is to wait no longer, since nobody is there who could say so.
  mutating func release() { isPaused = false }

  /// Takes bytes that were typed together.
  mutating func take(_ bytes: [UInt8]) {
    var rest = bytes[...]
    let characters = bytes.filter { $0 >= 0x20 && $0 != 0x7F }
    let isText = characters.count > 1 && bytes.first != 0x1B && !Self.areOrders(characters)
    if isText, rate == nil, typed.isEmpty { typed = [UInt8](rest.prefix { $0 == 0x20 }) }
    var isTyping = isText && rate == nil
    while let byte = rest.popFirst() {
      if byte == 0x1B {
        if Self.sequence(&rest) { continue }
        escape()
        isTyping = false
      } else if rate != nil {
        edit(byte)
      } else if isTyping || !typed.isEmpty {
        type(byte)
        isTyping = isTyping && !rest.isEmpty
      } else {
        press(byte)
      }
    }
  }

  private static let keys = Array("pslqd".utf8)
  private static let ofNumbers = Array("0123456789.+-e".utf8)

  /// Whether characters that came together are keys and rates that follow `l`, and no text.
  private static func areOrders(_ characters: [UInt8]) -> Bool {
    var isRate = false
    for character in characters {
      if isRate, ofNumbers.contains(character) { continue }
      guard keys.contains(character) else { return false }
      isRate = character == UInt8(ascii: "l")
    }
    return true
  }

  /// Takes the rest of an escape sequence, such as that of an arrow.
  private static func sequence(_ rest: inout ArraySlice<UInt8>) -> Bool {
    guard let next = rest.first, next == UInt8(ascii: "[") || next == UInt8(ascii: "O") else { return false }
    rest.removeFirst()
    while let byte = rest.popFirst() { if (0x40...0x7E).contains(byte) { break } }
    return true
  }

  private mutating func escape() {
    if rate != nil { message = "the learning rate stays" }
    if !typed.isEmpty { message = "what was typed is dropped" }
    (rate, typed) = (nil, [])
  }

  private mutating func press(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "p"):
      isPaused.toggle()
      message = ""
    case UInt8(ascii: "s"):
      orders.append(.save)
      message = "saves after this step"
    case UInt8(ascii: "l"):
      rate = ""
      message = ""
    case UInt8(ascii: "q"):
      isStopping = true
      isPaused = false
    case UInt8(ascii: "d"):
      isDetailed.toggle()
      message = ""
    case 0x21...0x7E, 0x80...: type(byte)
    default: break
    }
  }

  private mutating func type(_ byte: UInt8) {
    switch byte {
    case 0x7F, 0x08:
      // A character of several bytes goes whole.
      while let last = typed.popLast(), last & 0xC0 == 0x80 {}
    case 0x0D, 0x0A: typed.append(0x0A)
    case 0x09, 0x20...: if typed.count < Self.longest { typed.append(byte) }
    default: break
    }
  }

  private mutating func edit(_ byte: UInt8) {
    switch byte {
    case 0x7F, 0x08: if rate?.isEmpty == false { rate?.removeLast() }
    case 0x0D, 0x0A:
      guard let text = rate, !text.isEmpty else { return escape() }
      rate = nil
      guard let number = Double(text) else {
        message = "not changed: \"\(text)\" is no number, such as 0.01"
        return
      }
      guard number > 0, number.isFinite else {
        message = "not changed: a learning rate must be above 0 and finite, not \(text)"
        return
      }
      orders.append(.learningRate(number))
      message = "sets the learning rate to \(number.shortest) after this step"
    case 0x21...0x7E: if rate?.utf8.count ?? 0 < 32 { rate?.unicodeScalars.append(Unicode.Scalar(byte)) }
    default: break
    }
  }

  /// The last line: what is being typed, or what the keys are.
  var line: String {
    if let rate {
      let now = currentRate.map { ", now \($0.shortest)" } ?? ""
      return "learning rate\(now): \(rate)_   Enter sets it, Escape leaves it"
    }
    if !typed.isEmpty {
      let text = String(decoding: typed, as: UTF8.self).replacing("\n", with: "⏎")
      return "for the next prompt: \(text.suffix(40))_   Escape drops it"
    }
    if isStopping { return "stops: what was learned is kept" }
    if isPaused { return "paused   p continues   s save   l learning rate   q stop and keep" }
    return Self.help
  }
}
