/// A function: a built-in, one written in the language with what it captured, or one bound to its first argument.
public final class FunctionValue {
  let code: Code?
  let builtin: Builtin?
  /// For a function bound to its first argument: both.
  private(set) var binding: Binding?
  /// What it has of the functions around it: cells of the variables that it shares, values of those that never change.
  private(set) var captures: [Value]

  final class Binding {
    let name: String
    fileprivate(set) var target: Value
    fileprivate(set) var receiver: Value

    init(name: String, target: Value, receiver: Value) {
      self.name = name
      self.target = target
      self.receiver = receiver
    }
  }

  init(_ code: Code, captures: [Value]) {
    self.code = code
    builtin = nil
    binding = nil
    self.captures = captures
  }

  /// The value of a built-in.
  public init(_ builtin: Builtin) {
    code = nil
    self.builtin = builtin
    binding = nil
    captures = []
  }

  /// `value.f` without a call.
  init(_ function: Value, boundTo receiver: Value, name: String) {
    code = nil
    builtin = nil
    binding = Binding(name: name, target: function, receiver: receiver)
    captures = []
  }

  /// To be compared with, without counting.
  @inline(__always)
  var codeReference: UnsafeMutableRawPointer? { code.map { Unmanaged.passUnretained($0).toOpaque() } }

  /// The name that it was defined with; `function` for a lambda.
  public var name: String { isNamed ? code?.name ?? builtin?.name ?? binding?.name ?? "function" : "function" }

  /// Whether it was written with a name, or set to a variable where it was written.
  public var isNamed: Bool { code?.name != Code.nameless }

  /// Its body as it was written; nil for a function that is no part of a program.
  public var text: String? {
    guard let code else { return nil }
    let (bytes, span) = (code.source.bytes, code.body.span)
    guard span.start >= 0, span.start <= span.end, span.end <= bytes.count else { return nil }
    return String(decoding: bytes[Int(span.start)..<Int(span.end)], as: UTF8.self)
  }

  /// `nil` for a bound function.
  public var signature: CallSignature? { code?.signature ?? builtin?.signature }

  /// Whether the other does the same: the same code with the same values captured.
  public func isSame(as other: FunctionValue) -> Bool {
    if self === other { return true }
    if let builtin { return builtin === other.builtin }
    if let binding {
      return binding === other.binding
    }
    guard let code, code === other.code else { return false }
    return zip(captures, other.captures).allSatisfy { $0.isIdentical(to: $1) }
  }

  /// Gives a bound function that was made without them what it is bound to.
  func bind(_ target: Value, to receiver: Value) {
    binding?.target = target
    binding?.receiver = receiver
  }

  /// Gives a function that is being restored what it has captured: cells where its code shares variables.
  func restore(_ captures: [Value]) { self.captures = captures }

  var isNested: Bool { !captures.isEmpty || binding != nil }

  /// Moves the children that can hold values out, for `Heap.release`.
  func takeChildren(into pending: inout [Value]) {
    var values = captures
    captures = []
    values.withUnsafeMutableBufferPointer { values in
      for place in values.indices {
        if values[place].mayHoldValues { pending.append(values[place]) }
        // A cell that nobody else holds gives up what is in it.
        guard let first = values.baseAddress, let object = (first + place).object,
          isKnownUniquelyReferenced(&object.pointee), let cell = values[place].cell,
          cell.pointer.pointee.mayHoldValues
        else { continue }
        pending.append(cell.pointer.pointee)
        cell.pointer.pointee = .none
      }
    }
    if binding != nil, isKnownUniquelyReferenced(&binding), let binding {
      for value in [binding.target, binding.receiver] where value.mayHoldValues { pending.append(value) }
      binding.target = .none
      binding.receiver = .none
    }
    binding = nil
  }

  /// Whether freeing what it holds could go deep.
  private var holdsNested: Bool {
    for value in captures {
      if value.isNested { return true }
      if let cell = value.cell, cell.pointer.pointee.isNested { return true }
    }
    return binding != nil
  }

  deinit {
    guard holdsNested else { return }
    var pending: [Value] = []
    takeChildren(into: &pending)
    Heap.release(&pending)
  }
}

/// A function of the language in the form in which it runs; closures made of the same text share it.
final class Code {
  /// How messages call a function without a name.
  static let nameless = "a function"

  let name: String
  let source: Source
  let signature: CallSignature
  let parameters: ParameterList
  /// Local variables and parameters; parameters first, in order.
  var frameSize = 0
  /// The first slot of the captured variables, which stand in the order of `FunctionValue.captures`.
  var captureStart = 0
  var captureCount = 0
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
  /// Whether parameters or the result have types.
  var hasTypes = false
  /// Whether calling is no more than putting the arguments into the first slots, when none is left out, and types of
  /// which none refers to another.
  var isSimple = false
  /// Whether closures share none of its variables, so that the frame of a call needs no more than the captured ones.
  var sharesNothing: Bool { sharedParameters.isEmpty && sharedLocals.isEmpty && uncertainLocals.isEmpty }
  /// The variables further out in the order of `FunctionValue.captures`, and the global variables that it or functions
  /// within it name; and the names of those that it sets by `outer`.
  var captureNames: [String] = []
  var named: [String: Cell] = [:]
  var setOutside: Set<String> = []
  let documentation: String?
  let headerSpan: Span
  /// The program that it was compiled with; nil only while it is made.
  var unit: Unit?

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
