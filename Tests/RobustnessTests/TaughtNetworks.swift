import Networks
import Robustness

/// A teacher that knows the bars.
func trained(seed: UInt64 = 9) throws -> Model {
  let model = try network(seed: seed)
  let plan = TrainingPlan(epochs: 4, batchSize: 20, learningRate: 0.1, seed: seed)
  try fit(model, on: bars(60, seed: seed), plan: plan)
  return model
}
