import ArgumentParser
import Console
import Platform

@main
enum Main {
  /// The commands that have a name of their own; whatever else stands first is an option or a script.
  static let commands: [any ProgramCommand.Type] = [
    CheckCommand.self, TestCommand.self, FormatCommand.self, DocumentationCommand.self, SubmitCommand.self,
    StatusCommand.self, MergeCommand.self,
  ]

  static func main() {
    signal(SIGPIPE, SIG_DFL)
    // Whoever started the program may have blocked them.
    var signals = sigset_t()
    sigemptyset(&signals)
    sigaddset(&signals, SIGPIPE)
    for number in [SIGINT, SIGTERM, SIGUSR1] { sigaddset(&signals, number) }
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    // A file that grows beyond what `ulimit -f` allows is an error of the write.
    signal(SIGXFSZ, SIG_IGN)
    StandardOutput.reserveDescriptors()
    Interrupts.install()
    exit(StandardOutput.out.finish(run(Array(CommandLine.arguments.dropFirst()))))
  }

  private static func run(_ words: [String]) -> Int32 {
    // The prompt is there a few milliseconds sooner where nothing has to be parsed.
    if words.isEmpty, Terminal.isTerminal(0), !Runner.isLaunched, Runner.environmentProblem == nil {
      return Runner(options: RunnerOptions(), stop: Interrupts.signal).prompt()
    }
    let words = withCommandFirst(words)
    let asksForHelp = words.first == "help"
    let rest = words.dropFirst()
    let name = asksForHelp ? rest.first : words.first
    if let command = commands.first(where: { $0._commandName == name }) {
      return execute(command, asksForHelp ? ["--help"] : Array(rest))
    }
    return execute(RunCommand.self, asksForHelp && rest.isEmpty ? ["--help"] : words)
  }

  /// The options that all commands share may stand before a command as well.
  private static func withCommandFirst(_ words: [String]) -> [String] {
    var place = 0
    while place < words.count {
      switch words[place] {
      case "--json-errors", "--check-finite": place += 1
      case "--color", "--threads": place += 2
      case let word where word.hasPrefix("--color=") || word.hasPrefix("--threads="): place += 1
      case let word:
        guard place > 0, commands.contains(where: { $0._commandName == word }) else { return words }
        return [word] + words[..<place] + words[(place + 1)...]
      }
    }
    return words
  }

  /// Parses the words with a command and runs it.
  /// - Returns: the exit status; 2 when the words were not understood.
  private static func execute<Command: ProgramCommand>(_ type: Command.Type, _ words: [String]) -> Int32 {
    do {
      return try Command.parse(words).status()
    } catch {
      let message = Command.fullMessage(for: error)
      let isRequest = Command.exitCode(for: error) == .success
      let stream = isRequest ? StandardOutput.out : StandardOutput.error
      if !message.isEmpty { stream.write(message + "\n") }
      stream.flush()
      return isRequest ? ExitStatus.success : ExitStatus.usage
    }
  }
}
