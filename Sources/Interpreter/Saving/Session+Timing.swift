import Base

extension Session {
  /// Runs a statement again and again, as if it were typed each time, until some time has passed.
  ///
  /// - Parameters:
  ///   - seconds: for how long.
  /// - Returns: the seconds of each run, of several in a row where one is short; or why it did not run to its end.
  public func timed(_ source: Source, seconds: Double = 0.5) -> Result<[Double], LTDError> {
    enterThread {
      let program = parse(source)
      if let first = program.diagnostics.first { return .failure(LTDError(first)) }
      let compiler = Compiler(program, session: self, globals: self.globals)
      let code = compiler.compile(program)
      if let first = compiler.diagnostics.first { return .failure(LTDError(first)) }
      var runs: [Double] = []
      var batch = 1
      let end = monotonicSeconds() + seconds
      do throws(LTDError) {
        repeat {
          let start = monotonicSeconds()
          for _ in 0..<batch {
            self.beginRun()
            _ = try self.machine.runTopLevel(code)
            try self.poll()
          }
          let taken = monotonicSeconds() - start
          // What is shorter than the clock can tell is measured by many.
          if taken < 5e-5, runs.isEmpty {
            batch *= 4
            continue
          }
          runs.append(taken / Double(batch))
        } while monotonicSeconds() < end && runs.count < 100_000
      } catch {
        return .failure(error)
      }
      return .success(runs)
    }
  }

  /// How many bytes a value takes, with all that it holds.
  public static func byteCount(of value: Value) -> Int { SessionMoment.byteCount(of: value) }
}
