import Base
import Robustness
import Tensors

/// The numbers of a reference instead of random ones.
struct Given: AttackRandom {
  var uniform: Tensor
  var normal: Tensor?

  func uniform(_ low: Float, _ high: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor {
    uniform
  }

  func normal(deviation: Float, like images: Tensor, ids: [Int], draw: Int) throws(CoreError) -> Tensor {
    normal ?? uniform
  }
}
