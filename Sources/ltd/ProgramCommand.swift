import ArgumentParser
import Base
import Console

/// A command of the program, such as `ltd check`. It parses its own words.
protocol ProgramCommand: ParsableCommand {
  /// Runs the command.
  /// - Returns: the exit status.
  func status() throws -> Int32
}

extension ColourChoice: ExpressibleByArgument {}

/// The options that several commands share.
struct CommonOptions: ParsableArguments {
  @Option(help: "Colour in messages: auto, always or never. NO_COLOR is honoured.")
  var color = ColourChoice.auto

  @Option(help: ArgumentHelp("Threads of numeric work; all processors when left out.", valueName: "n"))
  var threads: Int?

  @Flag(name: .customLong("check-finite"), help: "Report where NaN or an infinity first appears, as an error. Slow.")
  var checkFinite = false

  @Flag(name: .customLong("json-errors"), help: "Write errors as one JSON object a line, and no progress beside them.")
  var jsonErrors = false

  func validate() throws {
    if let threads, !(1...256).contains(threads) {
      throw ValidationError("--threads must be from 1 to 256, not \(threads)")
    }
    if let problem = Runner.environmentProblem { throw ValidationError(problem) }
  }

  var runnerOptions: RunnerOptions {
    var options = RunnerOptions()
    options.colour = color
    options.threads = threads
    options.checksFinite = checkFinite
    options.jsonErrors = jsonErrors
    return options
  }
}
