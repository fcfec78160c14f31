/// The list of the learning rate schedules.
public enum Schedules {
  /// Every schedule, in the order of the manual.
  public static let all: [any LearningRateSchedule.Type] = [
    ConstantSchedule.self, PiecewiseSchedule.self, CosineSchedule.self, CyclicSchedule.self, LinearSchedule.self,
    StepSchedule.self, TriangleSchedule.self, MultistepSchedule.self, OneCycleSchedule.self, FastMNISTSchedule.self,
  ]

  /// The schedules by the words for which `fit` takes them: "cosine".
  public static var named: [(name: String, schedule: any LearningRateSchedule)] {
    func presets<Schedule: LearningRateSchedule>(
      _ type: Schedule.Type
    ) -> [(name: String, schedule: any LearningRateSchedule)] {
      Schedule.presets.map { ($0.name, $0.schedule) }
    }
    return all.flatMap { presets($0) }
  }
}
