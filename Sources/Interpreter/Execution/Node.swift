/// A piece of a program in the form in which it runs.
///
/// The compiler turns the syntax tree into a tree of nodes, in which names are resolved to slots and every kind of
/// operation is a final class of its own. A node computes its value by asking the nodes below it: `eval` for a value,
/// `exec` for an effect, `condition` for a bool. Measured against closures, enum trees and a plain stack machine, this is
/// the fastest of the simple designs.
///
/// A node never changes what it means while it runs; what it remembers, such as the function called last, only makes
/// the next time shorter. Most of the time of a small program goes into counting references, so what runs often is
/// reached without counting: `NodeReference` and `FixedArray` for nodes, `peek` and `Operand` for values in variables.
/// They are right only while somebody else holds what they point to, which the tree does for nodes and the frame for
/// variables.
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

  /// Whether computing it runs no other code of the program: variables, constants and arithmetic with them.
  var isPlain: Bool { false }

  /// Where the value stands when it is a variable, a constant, or an element or field of one that is found without running
  /// other code: to be read there at once, uncounted. A variable may be unset. `nil` leaves everything to `eval`.
  func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? { nil }

  final func error(_ kind: Diagnostic.Kind, _ message: String, hint: String? = nil) -> LTDError {
    LTDError(kind, message, source: source, span: span, hint: hint)
  }

  @inline(never)
  final func located(_ error: LTDError) -> LTDError { error.located(source, span) }
}

/// A node reached without counting references: whoever holds it here also owns it.
struct NodeReference: BitwiseCopyable {
  private let reference: Unmanaged<Node>

  init(_ node: Node) { reference = Unmanaged.passUnretained(node) }

  @inline(__always)
  func eval(_ frame: Frame) throws(LTDError) -> Value {
    // The standard library's call takes no typed errors: they go around it as values.
    let result: Result<Value, LTDError> = reference._withUnsafeGuaranteedRef { node in
      do throws(LTDError) { return .success(try node.eval(frame)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  @inline(__always)
  func exec(_ frame: Frame) throws(LTDError) -> Flow {
    let result: Result<Flow, LTDError> = reference._withUnsafeGuaranteedRef { node in
      do throws(LTDError) { return .success(try node.exec(frame)) } catch { return .failure(error) }
    }
    return try result.get()
  }
}

/// Nodes in order, for loops that run often.
struct NodeList {
  let nodes: [Node]
  private let references: FixedArray<NodeReference>

  init(_ nodes: [Node]) {
    self.nodes = nodes
    references = FixedArray(nodes.map { NodeReference($0) })
  }

  var count: Int { references.count }

  @inline(__always)
  subscript(place: Int) -> NodeReference { references[place] }
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
    case .local: return (frame.base + slot).copied
    case .fixed: return pointer.unsafelyUnwrapped.copied
    case .node: return try node.eval(frame)
    }
  }

  /// Whether what is read is new, not a copy of what a variable holds.
  var isComputed: Bool { kind == .node }

  /// As `Node.peek`.
  @inline(__always)
  func peek(_ frame: Frame) throws(LTDError) -> UnsafeMutablePointer<Value>? {
    switch kind {
    case .local: return frame.base + slot
    case .fixed: return pointer
    case .node: return try node.peek(frame)
    }
  }

  /// Where the value is, when it is in a variable or a constant.
  @inline(__always)
  func place(_ frame: Frame) -> UnsafeMutablePointer<Value>? {
    switch kind {
    case .local: frame.base + slot
    case .fixed: pointer
    case .node: nil
    }
  }
}
