import Base
import CCPU

/// What running code needs at hand: the stack of variables, and the counters that keep a run within its limits.
///
/// There is one per session, behind a pointer, so that reaching any part of it costs one load. The variables of a call
/// are a window of one large stack: `push` makes room and fills it with `none`, `pop` frees what stands in it. A call that
/// pushed must pop, whether it returns or throws.
///
/// `fuel` counts loop iterations and calls down; only when it is used up does `poll` look at interrupts and limits, so
/// that the common case is a subtraction and a test. Calls within calls are limited twice, by their number and by the
/// room left on the native stack, because one call of the language takes several of Swift's.
struct Machine {
  /// First free value of the stack of frames; what lies above is not initialised.
  var stackTop: UnsafeMutablePointer<Value>
  let stackBase: UnsafeMutablePointer<Value>
  let stackEnd: UnsafeMutablePointer<Value>
  /// Loop iterations and calls until the next look at interrupts and limits.
  var fuel: Int
  var portion = Machine.fuelPortion
  /// The most elements of a list and bytes of a string in this run, at hand for those that grow.
  var largestList = 0
  var largestString = 0
  /// Calls under way.
  var depth = 0
  var depthLimit: Int
  /// Lowest address that the native stack may reach.
  var nativeLimit: UInt = 0
  /// The value of a `return` on its way to its call.
  var returned: Value = .none
  /// Bytes of the strings that are being put together.
  var text = TextBuffer()
  /// The word of the session's signal.
  var stop: UnsafeMutablePointer<ltd_stop>
  unowned(unsafe) let session: Session

  static let stackValues = 1 << 20
  /// Loop iterations and calls between two looks, unless the memory of the run is limited.
  static let fuelPortion = 512
}

/// One call under way: where its variables are.
struct Frame {
  /// Variables, from slot 0.
  let base: UnsafeMutablePointer<Value>
  let machine: UnsafeMutablePointer<Machine>
}

/// How a statement ended.
enum Flow: UInt8 {
  case normal
  case breaking
  case continuing
  /// The value is in `Machine.returned`.
  case returning
}

extension UnsafeMutablePointer<Machine> {
  /// Called at loop ends and calls.
  @inline(__always)
  func poll() throws(LTDError) {
    pointee.fuel &-= 1
    if pointee.fuel <= 0 { try pollNow() }
  }

  /// Called before and after a built-in, which may have taken long, and between the statements of a program.
  @inline(__always)
  func pollStop() throws(LTDError) {
    if StopSignal.isRaised(at: pointee.stop) { try pollNow() }
  }

  /// Called after a built-in has returned its result: if the run is to be stopped, the result is dropped, unless it is what
  /// the built-in had when it was stopped itself.
  @inline(__always)
  func pollAfterBuiltin() throws(LTDError) {
    if StopSignal.isRaised(at: pointee.stop), !pointee.session.endedEarly { try pollNow() }
  }

  @inline(never)
  func pollNow() throws(LTDError) {
    let session = pointee.session
    let spent = pointee.portion - pointee.fuel
    pointee.fuel = pointee.portion
    try session.checkLimits(spent: spent)
  }

  /// Counts the call that begins, and refuses it when too many are under way or the native stack runs out.
  @inline(__always)
  func enter() throws(LTDError) {
    pointee.depth &+= 1
    if pointee.depth & 15 == 0 { try checkDepth() }
  }

  @inline(never)
  private func checkDepth() throws(LTDError) {
    var marker: UInt8 = 0
    let address = withUnsafeMutablePointer(to: &marker) { UInt(bitPattern: $0) }
    guard pointee.depth > pointee.depthLimit || address < pointee.nativeLimit else { return }
    let depth = pointee.depth
    pointee.depth &-= 1
    throw LTDError(
      .memory, "too many calls within calls (\(depth))",
      hint: "a function probably calls itself without an end; a loop needs no depth")
  }

  @inline(__always)
  func leave() { pointee.depth &-= 1 }

  /// Makes room for a frame and sets its variables to none.
  @inline(__always)
  func push(_ size: Int) throws(LTDError) -> UnsafeMutablePointer<Value> {
    let window = pointee.stackTop
    guard size <= pointee.stackEnd - window else {
      throw LTDError(.memory, "too many variables in calls within calls")
    }
    pointee.stackTop = window + size
    var place = 0
    while place < size {
      (window + place).initialize(to: .none)
      place &+= 1
    }
    return window
  }

  @inline(__always)
  func pop(_ window: UnsafeMutablePointer<Value>, _ size: Int) {
    var place = 0
    while place < size {
      switch window[place] {
      case .none, .bool, .int, .float: break
      default: (window + place).deinitialize(count: 1)
      }
      place &+= 1
    }
    pointee.stackTop = window
  }
}
