import Foundation
import Synchronization

/// Names the case that crashed or does not end, and goes on with the next one in a fresh process image.
enum Watch {
  private static let current = Atomic<UInt64>(0)
  private static let findings = Atomic<Int>(0)
  private static let seconds = 10
  private static let mostMemory: rlim_t = 3 << 30
  nonisolated(unsafe) private static var line = Line([])

  /// The words of the program that goes on, made before: a signal handler must not ask for memory.
  private struct Line: @unchecked Sendable {
    let words = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: 16)
    let text = UnsafeMutablePointer<CChar>.allocate(capacity: 200)
    /// How many words stand before `--seed`.
    let start: Int

    /// - Parameter prefix: the words between the name of the program and the numbers, at most four.
    init(_ prefix: [String]) {
      start = 1 + prefix.count
      let all = ["/proc/self/exe"] + prefix + ["--seed", "", "--count", "", "--from", "", "--found", ""]
      for (place, word) in all.enumerated() { words[place] = word.isEmpty ? .allocate(capacity: 24) : strdup(word) }
      words[all.count] = nil
    }
  }

  nonisolated(unsafe) private static var count: UInt64 = 0
  nonisolated(unsafe) private static var restarts = false

  static func start(_ options: Options, restarts: Bool) {
    (count, self.restarts) = (options.count, restarts)
    line = Line(options.prefix)
    findings.store(options.found, ordering: .relaxed)
    set(1, options.seed)
    set(3, options.count)
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
    set(5, failed)
    set(7, number)
    var length = 0
    func add(_ piece: UnsafePointer<CChar>?) {
      guard let piece else { return }
      let size = strlen(piece)
      memcpy(line.text + length, piece, size)
      length += size
    }
    for place in 1..<line.start {
      add(line.words[place])
      add(" ")
    }
    add("--seed ")
    add(line.words[line.start + 1])
    add(" --case ")
    add(line.words[line.start + 5])
    memcpy(line.text + length, what.utf8Start, what.utf8CodeUnitCount)
    length += what.utf8CodeUnitCount

    line.text[length] = 0x0A
    write(1, line.text, length + 1)
    guard restarts, failed + 1 < count else { _exit(3) }
    set(5, failed + 1)
    set(7, UInt64(findings.load(ordering: .relaxed) + 1))
    if let program = line.words[0] { execv(program, line.words) }
    _exit(4)
  }

  /// Writes a number into a word after `--seed`.
  private static func set(_ place: Int, _ number: UInt64) {
    guard let word = line.words[line.start + place] else { return }
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
