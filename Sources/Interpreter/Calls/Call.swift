/// One call of a built-in: its arguments, already bound, checked and completed with defaults, one per parameter.
///
/// It is valid during the call only. Arguments are read by the parameter's name, or by its position from 0. A name that the
/// signature does not have is a mistake in the built-in and throws an error of kind `internal`.
public struct Call {
  /// The signature of what is called.
  public unowned(unsafe) let signature: CallSignature
  unowned(unsafe) let parameters: ParameterList
  let base: UnsafeMutablePointer<Value>
  /// Bit i: parameter i was given by the caller.
  let given: UInt64
  /// The session that runs the call.
  public unowned(unsafe) let session: Session
  private let siteReference: Unmanaged<CallSite>?
  var site: CallSite? { siteReference?.takeUnretainedValue() }

  init(
    signature: CallSignature, parameters: ParameterList, base: UnsafeMutablePointer<Value>, given: UInt64,
    session: Session, site: CallSite?
  ) {
    self.signature = signature
    self.parameters = parameters
    self.base = base
    self.given = given
    self.session = session
    siteReference = site.map { Unmanaged.passUnretained($0) }
  }

  /// The name of what is called.
  public var name: String { signature.name }
  /// How many parameters the signature has.
  public var count: Int { parameters.items.count }

  /// The argument for the parameter at a position, from 0; `.none` beyond the last.
  public subscript(place: Int) -> Value {
    place >= 0 && place < parameters.items.count ? base[place] : .none
  }

  /// The argument for a parameter as it is, such as one whose type is `any`.
  public subscript(name: String) -> Value {
    get throws(LTDError) { base[try place(name)] }
  }

  /// Lets go of an argument that has been read: what was a temporary then has no holder but the reader.
  public func release(_ name: String) throws(LTDError) { base[try place(name)] = .none }

  /// Whether the caller passed the argument; false where it has its default.
  public func isGiven(_ name: String) -> Bool {
    guard let place = parameters.items.firstIndex(where: { $0.name == name }), place < 64 else { return false }
    return given & (1 << UInt64(place)) != 0
  }

  /// The position of a parameter in the signature, from 0.
  public func place(_ name: String) throws(LTDError) -> Int {
    guard let place = parameters.items.firstIndex(where: { $0.name == name }) else {
      throw LTDError(.internal, "\(signature.name) has no parameter \(name)")
    }
    return place
  }
}

/// The position of a call in the source, for errors that point at one argument.
public final class CallSite: Sendable {
  /// The program that has the call.
  public let source: Source
  /// The whole call.
  public let span: Span
  /// By parameter; `nil` for those not written in the call.
  let argumentSpans: [Span?]

  init(source: Source, span: Span, argumentSpans: [Span?]) {
    self.source = source
    self.span = span
    self.argumentSpans = argumentSpans
  }
}
