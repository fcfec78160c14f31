import ArgumentParser
import Console

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

@main
enum Main {
  /// The commands that have a name of their own; whatever else stands first is an option or a script.
  static let commands: [any ProgramCommand.Type] = [CheckCommand.self, TestCommand.self]

  static func main() {
    signal(SIGPIPE, SIG_DFL)
    let words = Array(CommandLine.arguments.dropFirst())
    let command = commands.first { $0._commandName == words.first }
    let status = onLargeStack {
      if let command { return execute(command, Array(words.dropFirst())) }
      return execute(RunCommand.self, words)
    }
    exit(status)
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
