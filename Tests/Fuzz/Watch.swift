import Foundation
import Synchronization

/// Names the case that crashed or does not end, and goes on with the next one in a fresh process image.
enum Watch {
  private static let current = Atomic<UInt64>(0)
  private static let findings = Atomic<Int>(0)
  private static let seconds = 10
  private static let mostMemory: rlim_t = 3 << 30
  private static let line = Line()

  /// The words of the program that goes on, made before: a signal handler must not ask for memory.
  private struct Line: @unchecked Sendable {
    let words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 10)
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 200)

    init() {
      for (place, word) in ["/proc/self/exe", "--seed", "", "--count", "", "--from", "", "--found", ""].enumerated() {
        words[place] = word.isEmpty ? .allocate(capacity: 24) : strdup(word)
      }
      words[9] = nil
    }
  }

  nonisolated(unsafe) private static var count: UInt64 = 0
  nonisolated(unsafe) private static var restarts = false

  static func start(_ options: Options, restarts: Bool) {
    (count, self.restarts) = (options.count, restarts)
    findings.store(options.found, ordering: .relaxed)
    set(2, options.seed)
    set(4, options.count)
    var limit = rlimit(rlim_cur: mostMemory, rlim_max: mostMemory)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    for name in [SIGSEGV, SIGBUS, SIGILL, SIGTRAP, SIGABRT, SIGFPE] {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { Watch.end(": signal ", UInt64($0)) }
      // Open to further signals, as is what goes on.
      action.sa_flags = SA_NODEFER | SA_ONSTACK
      sigaction(name, &action, nil)
    }
    Thread.detachNewThread {
      // Counts its own seconds: a process that was stopped from outside has not hung.
      var last = UInt64.max
      var same = 0
      while true {
        sleep(1)
        let now = current.load(ordering: .relaxed)
        same = now == last ? same + 1 : 0
        last = now
        if same >= seconds { end(": no end after seconds: ", UInt64(seconds)) }
      }
    }
  }

  private static let handlerStackSize = 1 << 16
  nonisolated(unsafe) private static let handlerStack = malloc(handlerStackSize)

  /// A stack for the handler, should that of the thread be used up. One thread runs cases at a time.
  static func enterThread() {
    var stack = stack_t(ss_sp: handlerStack, ss_flags: 0, ss_size: handlerStackSize)
    sigaltstack(&stack, nil)
  }

  static func begin(_ number: UInt64) { current.store(number, ordering: .relaxed) }
  static func found(_ count: Int) { findings.store(count, ordering: .relaxed) }

  private static func end(_ what: StaticString, _ number: UInt64) {
    let failed = current.load(ordering: .relaxed)
    set(6, failed)
    set(8, number)
    var length = 0
    func add(_ piece: UnsafePointer<CChar>?) {
      guard let piece else { return }
      let size = strlen(piece)
      memcpy(line.text + length, piece, size)
      length += size
    }
    add("--seed ")
    add(line.words[2])
    add(" --case ")
    add(line.words[6])
    memcpy(line.text + length, what.utf8Start, what.utf8CodeUnitCount)
    length += what.utf8CodeUnitCount
    add(line.words[8])
    line.text[length] = 0x0A
    write(1, line.text, length + 1)
    guard restarts, failed + 1 < count else { _exit(3) }
    set(6, failed + 1)
    set(8, UInt64(findings.load(ordering: .relaxed) + 1))
    if let program = line.words[0] { execv(program, line.words) }
    _exit(4)
  }

  /// Writes a number into a word.
  private static func set(_ place: Int, _ number: UInt64) {
    guard let word = line.words[place] else { return }
    var rest = number
    var digits = 1
    while rest >= 10 { (rest, digits) = (rest / 10, digits + 1) }
    rest = number
    word[digits] = 0
    for digit in (0..<digits).reversed() {
      word[digit] = CChar(0x30 + rest % 10)
      rest /= 10
    }
  }
}
