import Base
import CEditline
import Devices
import Drawing
import Platform

/// The dashboard of a training: a thread that draws it four times a second and reads its keys, while another one trains.
///
/// The run says what each step has measured and asks for orders, which costs it a lock; nothing that is drawn or typed
/// makes it wait, but `p`. The terminal gives single keys as long as the dashboard is there, and is as before when the run
/// ends in whatever way (`single_keys.h`). It comes when a run has lasted a moment, so that short ones leave the terminal
/// alone, and there is one at a time.
final class TrainingDashboard: @unchecked Sendable {
  /// Seconds from one picture to the next.
  static let interval = 0.25
  /// How long a run lasts before there is a dashboard.
  private static let delay = 0.3
  /// The smallest window that has room for more than a line.
  private static let smallest = (columns: 60, rows: 16)
  /// Rows of curves and images.
  private static let rows = 6

  private struct State {
    var work = Work()
    var glance: TrainingGlance?
    var (loss, natural, robust) = (Curve(), Curve(), Curve())
    /// Seconds that an image takes, as of the last steps.
    var secondsPerImage: Double?
    var pictures: TrainingPictures?
    var picturesAt = -Double.infinity
    var keys = DashboardKeys(isDetailed: TrainingDashboard.isDetailed.withLock { $0 })
    var messageAt = 0.0

    mutating func say(_ sentence: String) { (keys.message, messageAt) = (sentence, monotonicSeconds()) }
  }

  /// How far the run is, as it has said last.
  struct Work {
    var title = ""
    var (done, total) = (0, 0)
    var fields: [(name: String, value: Double)] = []
    var secondsLeft: Double?
    var at = 0.0
  }

  /// Whether there is a thread, whether it may touch the terminal, and whether it has taken it.
  private struct Control {
    var isStarted = false
    var isEnded = false
    var hasRaised = false
  }

  /// Whether a dashboard is there: of a run within a run only the outer one has one.
  private static let isTaken = Locked(false)
  /// Whether the user wants more than a line, from one run to the next.
  private static let isDetailed = Locked(true)

  private let state = Locked(State())
  private let control = Locked(Control())
  private let began = monotonicSeconds()
  private let colours = Terminal.look(.always).colours

  // MARK: From the run

  /// Takes how far the run is.
  /// - Returns: whether the dashboard shows it.
  func update(_ work: Work) -> Bool {
    state.withLock { $0.work = work }
    return control.withLock { $0.isStarted }
  }

  func update(_ step: TrainingGlance) {
    state.withLock { state in
      state.glance = step
      state.loss.add(step.loss)
      state.natural.add(step.natural)
      if let robust = step.robust { state.robust.add(robust) }
      let seconds = step.seconds / Double(max(1, step.examples))
      state.secondsPerImage = state.secondsPerImage.map { $0 * 0.9 + seconds * 0.1 } ?? seconds
      state.keys.currentRate = step.highestRate
    }
    start()
  }

  /// Whether a picture is wanted: once a second.
  var wantsPictures: Bool {
    state.withLock { $0.keys.isDetailed && monotonicSeconds() - $0.picturesAt >= 1 }
  }

  func show(_ pictures: TrainingPictures) {
    state.withLock { ($0.pictures, $0.picturesAt) = (pictures, monotonicSeconds()) }
  }

  /// The next order; waits while the run is paused.
  func nextOrder() throws(CoreError) -> TrainingOrder? {
    while true {
      let (order, isPaused) = state.withLock { ($0.keys.nextOrder(), $0.keys.isPaused) }
      if order != nil || !isPaused { return order }
      try StopSignal.poll()
      usleep(10_000)
    }
  }

  func answer(_ sentence: String) { state.withLock { $0.say(sentence) } }

  /// Takes the dashboard away and gives the terminal back.
  func finish() {
    let (wasStarted, hasRaised) = control.withLock { control in
      defer { (control.isEnded, control.isStarted, control.hasRaised) = (true, false, false) }
      if control.isStarted { ltd_single_keys_leave() }
      return (control.isStarted, control.hasRaised)
    }
    guard wasStarted else { return }
    LiveArea.shared.erase()
    Self.isTaken.withLock { $0 = false }
    if hasRaised {
      // The run has ended as Ctrl-C ends it, and the program continues, unless Ctrl-C was pressed as well.
      Interrupts.signal.clearInterrupt()
      if Interrupts.pending { Interrupts.signal.raise(.interrupted) }
    }
    let typed = state.withLock { state in
      Self.isDetailed.withLock { $0 = state.keys.isDetailed }
      return state.keys.typed
    }
    guard !typed.isEmpty else { return }
    // Ctrl-C drops what is typed, as a terminal does.
    if Interrupts.pending || !TypedAhead.shared.add(typed) {
      let text = JSON.string(String(decoding: typed, as: UTF8.self)).line
      StandardOutput.error.write("note: typed while fit ran, and dropped: \(text)\n")
    }
  }

  private func start() {
    guard monotonicSeconds() - began > Self.delay else { return }
    control.withLock { control in
      guard !control.isStarted, !control.isEnded, Self.takes() else { return }
      guard ltd_single_keys_enter(), startDetachedThread({ self.work() }) else {
        ltd_single_keys_leave()
        Self.isTaken.withLock { $0 = false }
        control.isEnded = true
        return
      }
      control.isStarted = true
    }
  }

  private static func takes() -> Bool {
    isTaken.withLock { isTaken in
      defer { isTaken = true }
      return !isTaken
    }
  }

  // MARK: The thread

  private func work() {
    let stops = ltd_single_keys_stops()
    while true {
      let isOurs = ltd_is_in_foreground()
      guard draw(isOurs) else { return }
      var pollers = [
        pollfd(fd: stops, events: Int16(POLLIN), revents: 0),
        // Where the terminal is somebody else's, reading from it would stop the process.
        pollfd(fd: isOurs ? 0 : -1, events: Int16(POLLIN), revents: 0),
      ]
      poll(&pollers, 2, Int32(Self.interval * 1000))
      if pollers[0].revents != 0, !stop(stops) { return }
      if pollers[1].revents != 0, !readKeys() { return }
    }
  }

  /// Draws a picture, and takes the terminal where it has come back from somebody else.
  /// - Returns: whether there is still something to be drawn.
  private func draw(_ isOurs: Bool) -> Bool {
    let isInterrupted = Interrupts.signal.isInterrupted
    return control.withLock { control in
      guard !control.isEnded else { return false }
      guard isOurs else {
        LiveArea.shared.erase()
        return true
      }
      // Ctrl-C has the last lines for what it has to say.
      if isInterrupted, !control.hasRaised {
        LiveArea.shared.erase()
        return true
      }
      guard ltd_single_keys_enter() else { return true }
      let size = Terminal.size(2)
      LiveArea.shared.draw(lines(size, monotonicSeconds()), width: size.columns, stays: true)
      return true
    }
  }

  /// Lets Ctrl-Z stop the process, with the terminal as its shell wants it.
  /// - Returns: whether the run continues afterwards.
  private func stop(_ stops: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: 16)
    while read(stops, &bytes, bytes.count) > 0 {}
    let isEnded = control.withLock { control in
      guard !control.isEnded else { return true }
      LiveArea.shared.erase()
      ltd_single_keys_leave()
      return false
    }
    if isEnded { return false }
    // To this thread, which is then the first to stop: it would draw once more.
    raise(SIGSTOP)
    return true
  }

  /// - Returns: whether there may be more keys.
  private func readKeys() -> Bool {
    var bytes = [UInt8](repeating: 0, count: 4096)
    let (count, isEnded) = control.withLock { control in
      control.isEnded ? (0, true) : (read(0, &bytes, bytes.count), false)
    }
    if isEnded { return false }
    guard count > 0 else {
      if count < 0, errno == EINTR || errno == EAGAIN { return true }
      // The terminal is gone, and nobody is left to let the run continue.
      state.withLock { $0.keys.release() }
      return false
    }
    let stops = state.withLock { state in
      let before = state.keys.message
      state.keys.take(Array(bytes[..<count]))
      if state.keys.message != before { state.messageAt = monotonicSeconds() }
      return state.keys.isStopping
    }
    guard stops else { return true }
    control.withLock { control in
      guard !control.isEnded, !control.hasRaised else { return }
      control.hasRaised = true
      Interrupts.signal.raise(.interrupted)
    }
    return true
  }

  // MARK: The picture

  private func lines(_ size: (columns: Int, rows: Int), _ now: Double) -> [String] {
    let state = state.withLock { $0 }
    let width = size.columns - 1
    let left = state.work.secondsLeft.map { state.keys.isPaused ? $0 : max(0, $0 - (now - state.work.at)) }
    func line(_ fields: [(name: String, value: Double)], _ width: Int) -> String {
      progressLine(
        title: state.work.title, done: state.work.done, total: state.work.total, fields: fields, secondsLeft: left,
        width: width)
    }
    let isSmall = size.columns < Self.smallest.columns || size.rows < Self.smallest.rows
    guard state.keys.isDetailed, !isSmall, let glance = state.glance else {
      let isTyping = state.keys.rate != nil || !state.keys.typed.isEmpty
      if isTyping || state.keys.isPaused || state.keys.isStopping { return [String(state.keys.line.prefix(width))] }
      let more = isSmall ? "" : "   d more"
      return [line(state.work.fields, width - more.count) + more]
    }
    var head = [line([], width)]
    if let seconds = state.secondsPerImage, seconds > 0 {
      head.append("\(grouped(1 / seconds)) images/s")
    }
    head.append("lr \(glance.learningRate.general(3))")
    let memory = Compute.memory
    head.append("memory \((memory.inUse + memory.cached) >> 20) MiB")
    func share(_ name: String) -> String {
      let value = state.work.fields.first { $0.name == name }?.value
      return value.map { "\(name) \(($0 * 100).fixed(1))%" } ?? name
    }
    let loss = state.work.fields.first { $0.name == "loss" }?.value ?? glance.loss
    var accuracy = [(words: share("natural"), values: state.natural.values)]
    if glance.robust != nil { accuracy.append((share("robust"), state.robust.values)) }
    var words: [String] = []
    if let (name, accuracy, isRobust) = glance.worstClass {
      words.append("worst class \(name): \((accuracy * 100).fixed(1))% \(isRobust ? "robust" : "natural")")
    }
    if !state.keys.message.isEmpty, now - state.messageAt < 20 {
      // Where both have no room, what is new is what counts.
      if words.joined().count + 3 + state.keys.message.count > width { words = [] }
      words.append(state.keys.message)
    }
    let board = Dashboard(
      head: head.joined(separator: "  "),
      charts: [.init([("loss \(figure(loss))", state.loss.values)]), .init(accuracy)],
      pictures: state.pictures?.sheet ?? [], foot: [words.joined(separator: "   "), state.keys.line])
    return board.lines(width: width, height: Self.rows, colours: colours)
  }
}

extension TrainingPictures {
  /// The image and its twin; empty where they are none that a terminal shows.
  fileprivate var sheet: [ImageSheet.Picture] {
    guard shape.count == 3 else { return [] }
    func picture(_ values: [Float], _ caption: String) -> ImageSheet.Picture? {
      ImageSheet.Picture(
        channels: shape[0], height: shape[1], width: shape[2], values: values, captions: [caption])
    }
    return [picture(image, label), twin.flatMap { picture($0, answer.map { "as \($0)" } ?? "adversarial") }]
      .compactMap { $0 }
  }
}
