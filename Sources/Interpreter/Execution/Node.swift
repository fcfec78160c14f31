/// A piece of a program in the form in which it runs: names are resolved to slots, and every kind of operation is a final
/// class. Measured against closures, enum trees and a plain stack machine, this is the fastest of the simple designs.
class Node {
  let source: Source
  let span: Span

  init(_ source: Source, _ span: Span) {
    self.source = source
    self.span = span
  }

  /// The value.
  func eval(_ frame: Frame) throws(LTDError) -> Value {
    throw error(.internal, "a statement has no value")
  }

  /// Runs for its effect.
  func exec(_ frame: Frame) throws(LTDError) -> Flow {
    _ = try eval(frame)
    return .normal
  }

  /// The value as a condition.
  func condition(_ frame: Frame) throws(LTDError) -> Bool {
    let value = try eval(frame)
    if case .bool(let truth) = value { return truth }
    do { return try Operations.truth(value) } catch { throw located(error) }
  }

  final func error(_ kind: Diagnostic.Kind, _ message: String, hint: String? = nil) -> LTDError {
    LTDError(kind, message, source: source, span: span, hint: hint)
  }

  @inline(never)
  final func located(_ error: LTDError) -> LTDError { error.located(source, span) }
}

/// Something to compute with: read in place when it is a variable or a constant, without a call.
struct Operand {
  private enum Kind: UInt8 {
    case local
    case fixed
    case node
  }
  private let kind: Kind
  private let slot: Int
  private let pointer: UnsafeMutablePointer<Value>?
  let node: Node

  init(_ node: Node) {
    self.node = node
    switch node {
    case let local as LocalRead:
      kind = .local
      slot = local.slot
      pointer = nil
    case let global as GlobalRead:
      kind = .fixed
      slot = 0
      pointer = global.pointer
    case let constant as ConstantNode:
      kind = .fixed
      slot = 0
      pointer = constant.pointer
    default:
      kind = .node
      slot = 0
      pointer = nil
    }
  }

  @inline(__always)
  func read(_ frame: Frame) throws(LTDError) -> Value {
    switch kind {
    case .local: return frame.base[slot]
    case .fixed: return pointer.unsafelyUnwrapped.pointee
    case .node: return try node.eval(frame)
    }
  }
}
