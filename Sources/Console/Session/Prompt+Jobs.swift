import Base
import Builtins
import Help
import Interpreter

extension Prompt {
  /// The jobs of the session, in the order in which they were begun.
  var jobs: [BackgroundJob] { session.companions.compactMap { $0 as? BackgroundJob } }

  /// `:jobs`.
  func listJobs() {
    if jobs.isEmpty { return note("there are no jobs; job = background(() => …) begins one") }
    for job in jobs {
      let (title, done, total) = job.progress
      var line = padded("\(job.number)", 3, right: true) + "  " + padded(job.condition, 8)
      line += padded(duration(job.seconds), 8, right: true) + "  "
      if job.isRunning, total > 0 { line += "\(title) \(done)/\(total)  " }
      let text = job.text.split(separator: "\n").first.map(String.init) ?? ""
      output.write(line + style.dim(text.count > 60 ? text.prefix(59) + "…" : text) + "\n")
    }
  }

  /// The job that a command names: by the number, by a variable, or the only one that runs.
  private func job(_ name: String, _ command: String) -> BackgroundJob? {
    if name.isEmpty {
      let running = jobs.filter(\.isRunning)
      if running.count == 1 { return running[0] }
      problem(
        running.isEmpty ? "no job runs" : "\(running.count) jobs run",
        hint: running.isEmpty ? "job = background(() => …) begins one" : "\(command) 1, or \(command) with a variable")
      return nil
    }
    if let job = session[name].flatMap(BackgroundJob.of) ?? jobs.first(where: { "\($0.number)" == name }) { return job }
    problem("there is no job \(name)", hint: ":jobs lists them")
    return nil
  }

  /// `:wait [job]`.
  func waitForJob(_ name: String) {
    guard let job = job(name, ":wait") else { return }
    try? session.stop.carry { try job.wait(in: session) }
    Interrupts.clear()
    announced.insert(job.number)
    output.write("job \(job.number): \(job.condition) after \(duration(job.seconds)); wait(job) returns its result\n")
  }

  /// `:stop [job]`.
  func stopJob(_ name: String) {
    guard let job = job(name, ":stop") else { return }
    guard job.isRunning else { return note("job \(job.number) has ended: \(job.condition)") }
    job.stop.raise(.interrupted)
    try? session.stop.carry { try job.wait(in: session) }
    Interrupts.clear()
    announced.insert(job.number)
    note("job \(job.number) is stopped; job.result is what it had, where it had something")
  }

  /// Says which jobs have ended since it was last called.
  func announceJobs() {
    for job in jobs where !job.isRunning && announced.insert(job.number).inserted {
      note("job \(job.number) has ended: \(job.condition) after \(duration(job.seconds)); wait(job) returns its result")
    }
  }

  /// Whether leaving would end jobs, which is said once.
  func holdsUpLeaving() -> Bool {
    let running = jobs.filter(\.isRunning).count
    guard running > 0, !hasWarnedOfJobs else { return false }
    hasWarnedOfJobs = true
    note("\(running.of("job")) would end with ltd: once more to leave all the same, or :wait")
    return true
  }
}
