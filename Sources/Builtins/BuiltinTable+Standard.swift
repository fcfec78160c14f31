@_exported import Interpreter
import Tensors

extension BuiltinTable {
  /// The whole table of ltd: the language's own entries, tensors, data, models, attacks, training and evaluation.
  public static let standard: BuiltinTable = {
    var table = BuiltinTable.core
    table.add(makingTensors + shapingTensors + tensorMathematics + tensorReductions)
    table.add(tensorOrdering + tensorArranging + losses + differentiation)
    table.add(layers + (data + dataSelection + dataFiles).map(\.spelling) + downloads + models + attacks + methods)
    table.add(training + trainingParts + evaluation + certification + diagnoses + runs + temperature + softenings)
    table.add(files + tensorFiles + fileUpdates + system + pictures + plots + jobs + sharedWork)
    table.add(kinds)
    table.restore(restorersOfObjects)
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

  private static let kinds = [
    TensorObject.self, DatasetObject.self, ModelObject.self, LayerObject.self, AttackObject.self, MethodObject.self,
    TrainingRunObject.self, ScheduleObject.self, AugmentationObject.self, TemperatureObject.self,
    OptimiserObject.self, EvaluationObject.self, CertificateObject.self, DiagnosisObject.self, SummaryObject.self,
    RandomObject.self,
    TrackedObject.self, OracleObject.self, StepObject.self, FigureObject.self,
    JobObject.self,
  ].map { Kind($0) }
}
