/// A listener that looks at a training step by step, and whose user may steer it.
///
/// The run tells what each step has measured, and between two steps it asks what its user wants. It knows neither a
/// terminal nor keys: a console draws and reads them, a notebook may do so in its own way, and a listener that is only a
/// `Progress` steers nothing. All functions are called on the thread that trains, and none changes a result: an order that
/// does is on record as one (`TrainingOrder.learningRate`).
///
/// A user who ends the training but not the program raises the stop signal of that thread; `finish` then takes that back.
public protocol TrainingProgress: Progress {
  /// A step is done.
  func update(_ step: TrainingGlance)
  /// Whether the next step is to hand over an image, which costs a copy of it.
  var wantsPictures: Bool { get }
  /// An image of the step, and what the attack has made of it.
  func show(_ pictures: TrainingPictures)
  /// What the user wants next; nil where nothing is left to be done. It does not return while the user lets the run wait.
  ///
  /// - Throws: `interrupted` and `limit` where the run is ended while it waits.
  func nextOrder() throws(CoreError) -> TrainingOrder?
  /// Says what became of an order, in a sentence.
  func answer(_ sentence: String)
}

/// What a user may ask of a training while it runs.
public enum TrainingOrder: Sendable, Equatable {
  /// A checkpoint of the run as it is now.
  case save
  /// Another learning rate from the next step on: the highest one, of which the schedule takes its shares.
  case learningRate(Double)
}

/// What one step of a training has measured.
public struct TrainingGlance: Sendable {
  /// The loss of the step.
  public var loss: Double
  /// The share of its images that are classified correctly, from 0 to 1.
  public var natural: Double
  /// The same for the adversarial images; nil where the method makes none.
  public var robust: Double?
  /// How many images it had.
  public var examples: Int
  /// How long it took.
  public var seconds: Double
  /// The learning rate that it used.
  public var learningRate: Double
  /// The highest learning rate, of which the schedule takes its shares.
  public var highestRate: Double
  /// The class that does worst, its share of correct answers in the last epoch or so, and whether they are those to
  /// adversarial images; nil while too few images of each class were seen.
  public var worstClass: (name: String, accuracy: Double, isRobust: Bool)?

  /// The figures of a step.
  public init(
    loss: Double, natural: Double, robust: Double?, examples: Int, seconds: Double, learningRate: Double,
    highestRate: Double, worstClass: (name: String, accuracy: Double, isRobust: Bool)? = nil
  ) {
    (self.loss, self.natural, self.robust, self.examples) = (loss, natural, robust, examples)
    self.seconds = seconds
    (self.learningRate, self.highestRate, self.worstClass) = (learningRate, highestRate, worstClass)
  }
}

/// An image of a training step beside its adversarial twin.
public struct TrainingPictures: Sendable {
  /// Channels, height and width of both.
  public var shape: [Int]
  /// The pixels of the image, from 0 to 1, channel by channel and row by row.
  public var image: [Float]
  /// Those of its twin; nil where the method makes none that the run sees.
  public var twin: [Float]?
  /// The name of its class.
  public var label: String
  /// The name of the class that the twin is taken for, where that is known.
  public var answer: String?

  /// An image, with its twin if it has one.
  public init(shape: [Int], image: [Float], twin: [Float]?, label: String, answer: String? = nil) {
    (self.shape, self.image, self.twin, self.label, self.answer) = (shape, image, twin, label, answer)
  }
}
