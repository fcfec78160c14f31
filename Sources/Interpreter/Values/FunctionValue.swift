/// A function: a built-in, one written in the language with what it captured, or one bound to its first argument.
public final class FunctionValue: Heap {
  public let name: String
  let code: Code?
  let builtin: Builtin?
  /// The variables it shares with the functions around it.
  private(set) var captures: [Cell]
  /// What is called with `receiver` as the first argument.
  private let target: Value
  private let receiver: Value?

  init(_ code: Code, captures: [Cell]) {
    name = code.name
    self.code = code
    builtin = nil
    self.captures = captures
    target = .none
    receiver = nil
  }

  public init(_ builtin: Builtin) {
    name = builtin.name
    code = nil
    self.builtin = builtin
    captures = []
    target = .none
    receiver = nil
  }

  /// `value.f` without a call.
  init(_ function: Value, boundTo receiver: Value, name: String) {
    self.name = name
    code = nil
    builtin = nil
    captures = []
    target = function
    self.receiver = receiver
  }

  /// For a function bound to its first argument: both.
  var binding: (target: Value, receiver: Value)? { receiver.map { (target, $0) } }

  /// `nil` for a bound function.
  public var signature: CallSignature? { code?.signature ?? builtin?.signature }

  func isSame(as other: FunctionValue) -> Bool {
    if self === other { return true }
    if let builtin { return builtin === other.builtin }
    guard let code, code === other.code else { return false }
    return zip(captures, other.captures).allSatisfy { $0 === $1 }
  }

  override func takeChildren(into pending: inout [Heap]) {
    for place in captures.indices where isKnownUniquelyReferenced(&captures[place]) {
      let pointer = captures[place].pointer
      if let child = pointer.pointee.heap {
        pending.append(child)
        pointer.pointee = .none
      }
    }
    captures = []
  }

  deinit {
    guard !captures.isEmpty else { return }
    var pending: [Heap] = []
    takeChildren(into: &pending)
    Heap.release(&pending)
  }
}

/// A function of the language in the form in which it runs; closures made of the same text share it.
final class Code {
  let name: String
  let source: Source
  let signature: CallSignature
  let parameters: ParameterList
  /// Local variables and parameters; parameters first, in order.
  var frameSize = 0
  /// Slots of the captured variables, in the order of `FunctionValue.captures`.
  var captureSlots: [Int] = []
  /// Parameters that closures share.
  var sharedParameters: [Int] = []
  /// Other variables that closures share: each call makes its own.
  var sharedLocals: [Int] = []
  /// Variables that may be read before they are set.
  var uncertainLocals: [Int] = []
  /// Where a parameter's default is computed, in the frame of the call.
  var defaults: [Node?] = []
  var checks: [[(op: ComparisonOperator, bound: Node)]] = []
  var body: Node
  var needsPrologue = false
  /// Whether calling is no more than putting the arguments into the first slots, when none is left out.
  var isSimple = false
  let documentation: String?
  let headerSpan: Span

  init(
    name: String, source: Source, signature: CallSignature, parameters: ParameterList, documentation: String?,
    headerSpan: Span
  ) {
    self.name = name
    self.source = source
    self.signature = signature
    self.parameters = parameters
    self.documentation = documentation
    self.headerSpan = headerSpan
    body = ConstantNode(.none, source, headerSpan)
  }
}
