/// What the value of an argument is beyond its type, for completion: a parameter `schedule: string` takes one of a few
/// words, a parameter `path: string` a file of some kind. It stands with the declaration that knows.
public enum ArgumentValues: Sendable, Equatable {
  /// One of these strings.
  case words([String])
  /// The path of a file whose name ends in one of these, such as `.safetensors`.
  case files([String])
  /// The path of a folder.
  case folders
  /// A string of the user's own, such as a name.
  case nothing
}
