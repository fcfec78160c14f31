import Base
@_exported import Interpreter
import Tensors

extension BuiltinTable {
  /// The whole table of ltd: the language's own entries, tensors, data, models, attacks, training and evaluation.
  public static let standard: BuiltinTable = {
    var table = BuiltinTable.core
    table.add(makingTensors + shapingTensors + tensorMathematics + tensorReductions)
    table.add(tensorOrdering + tensorArranging + losses + differentiation)
    table.add(layers + data + models + attacks + methods + training + evaluation + temperature)
    table.add(files + fileUpdates + system)
    table.advise(foreignNames)
    table.describe(parameterNotes)
    table.nameArguments(coreNames)
    table.coerce(to: "tensor") { value in
      switch value {
      case .object where !value.isFollowed: nil
      default: try Tensor.operand(value).map { TensorObject($0) }
      }
    }
    table.liftLists { list in
      guard list.items.allSatisfy({ $0.isNumber }) else { return nil }
      return TensorObject(try NestedNumbers(.list(list)).tensor)
    }
    return table
  }()
}

/// Where long built-ins report their progress: set once by the program, silent otherwise.
public enum ProgressReporting {
  private struct Source: Sendable {
    var make: @Sendable () -> any Progress
  }

  private static let source = Locked(Source { SilentProgress() })

  public static func use(_ make: @escaping @Sendable () -> any Progress) {
    source.withLock { $0 = Source(make: make) }
  }

  static func make(quiet: Bool) -> any Progress { quiet ? SilentProgress() : source.withLock { $0 }.make() }
}

/// Where built-ins say what the user should know although they go on: set once by the program, silent otherwise.
public enum Warnings {
  private struct Sink: Sendable {
    var write: @Sendable (String) -> Void
  }

  private static let sink = Locked(Sink { _ in })

  public static func use(_ write: @escaping @Sendable (String) -> Void) { sink.withLock { $0 = Sink(write: write) } }

  static func write(_ sentence: String) { sink.withLock { $0 }.write(sentence) }
}
