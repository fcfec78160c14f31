import Base

/// Everything that tensors ask of the hardware. All arithmetic on tensor memory goes through these families of
/// operations: a further device implements this protocol, and nothing above it changes.
///
/// **Memory.** A storage belongs to the device. It is written once, by the call that has it as its result, and is only read
/// afterwards, but for the calls that say that they work in place. The last parameters of a call are its results. Nothing
/// above this module sees a pointer into a storage.
///
/// **Arguments** are consistent, because shapes, axes and indices were checked above. They may have no elements. int64 wraps
/// around; NaN and infinities are as IEEE 754 says. A call that finds no scratch memory throws `memory`.
///
/// **Bits.** The same arguments give the same bits in every run, whatever the number of threads and the timing: sums are
/// formed in an order that follows from the sizes. Random numbers have the same bits on every device.
///
/// **Order.** Calls take effect in the order in which they are made, or as if they did. Only `download` needs a call to be
/// over: everything else may be handed over and waited for later.
///
/// **Reads by the host.** `download` is the only way from a storage to the host. Here it is a copy; on a device with memory
/// of its own it waits until all work is done, and the hardware then stands idle until the host knows what comes next. So
/// it is for what a person or a file is shown, for operations that are made on the host because no loop needs them to be
/// fast (sorting, running sums and products, counts, `nonzero`, masks as indices), and, within a step of training or of an
/// attack, for single numbers (a loss, the bounds of the images) and for one class or loss of each example. A step reads no
/// whole tensor. `HostReads` counts, and `HostReadTests` holds steps to it.
///
/// **Stopping.** Every call ends early, and throws, when the calling thread's `StopSignal` is raised: within some ten
/// milliseconds, and always when it left work out. What it was to write is then undefined, so a call that writes over values
/// that somebody continues to hold is made within `StopSignal.ignoring`.
package protocol Device: Sendable {
  // Memory
  /// Memory of this many bytes, not initialised, which is released with the last reference.
  /// - Throws: `memory` when there is not as much, `limit` when it is the run's limit that forbids it.
  func allocate(byteCount: Int) throws(CoreError) -> AnyObject
  /// y = the bytes of `source`.
  func upload(_ source: UnsafeRawBufferPointer, to y: Storage) throws(CoreError)
  /// y = what `fill` writes to memory of this many bytes: a file is read to where it belongs, without a copy between.
  func upload(
    byteCount: Int, to y: Storage, filledBy fill: (UnsafeMutableRawBufferPointer) throws(CoreError) -> Void
  ) throws(CoreError)
  /// target = the first `target.count` bytes of x.
  func download(_ x: Storage, to target: UnsafeMutableRawBufferPointer)
  /// Every element of y = value.
  func fill(_ y: View, _ value: Double) throws(CoreError)
  /// y = x, of the same shape and type; strides may be any, so that this also changes the order of axes in memory.
  func copy(_ x: View, to y: View) throws(CoreError)
  /// y = x in another type: towards zero to int64 (0 where it does not fit), to bool whether it is not 0.
  func convert(_ x: Storage, _ from: DType, to y: Storage, _ to: DType, count: Int) throws(CoreError)
  /// y = a matrix with one row for each stream, in which element i of row r is draw i of stream r.
  func random(_ distribution: Distribution, _ streams: [RandomStream], _ y: Storage, count: Int) throws(CoreError)

  // Pieces of work that know nothing of each other
  /// Calls `body` once for each of 0..<count, in any order, where there are several threads on all of them; what a body
  /// asks of the device, its thread does alone. The first error is thrown.
  func concurrently(_ count: Int, _ body: (Int) throws(CoreError) -> Void) throws(CoreError)

  // Elementwise. Without views: dense operands in the same order; the result may be the same storage as an operand.
  /// y = function(x).
  func map(_ function: ElementwiseMap, _ x: Storage, _ y: Storage, count: Int) throws(CoreError)
  /// dx = dy · function'(x).
  func mapGradient(_ function: ElementwiseMap, _ x: Storage, _ dy: Storage, _ dx: Storage, count: Int) throws(CoreError)
  /// y = operation(a, b), of one shape; float32 or int64, all alike; y is dense.
  func binary(_ operation: BinaryOperation, _ a: View, _ b: View, _ y: View) throws(CoreError)
  /// y = whether a and b compare so; a and b have one type, y is bool.
  func compare(_ comparison: Comparison, _ a: View, _ b: View, _ y: View) throws(CoreError)
  /// y = a where the mask is true, b elsewhere.
  func select(_ mask: View, _ a: View, _ b: View, _ y: View) throws(CoreError)
  /// y = alpha · x + beta · y.
  func scaleAdd(_ alpha: Float, _ x: Storage, _ beta: Float, _ y: Storage, count: Int) throws(CoreError)

  // Reductions and rows
  /// y = the reduction of x over the axes marked in `reducing`; y is dense, of the axes that stay.
  func reduce(_ reduction: Reduction, _ x: View, reducing: [Bool], _ y: Storage) throws(CoreError)
  /// y = the columns of the k greatest of each row, int64 [rows, k]: the greatest first, of equals the first first, NaN
  /// above all.
  func greatest(_ k: Int, _ x: Storage, rows: Int, columns: Int, _ y: Storage) throws(CoreError)
  /// y = softmax(x / temperature) of each row, or its logarithm.
  func softmax(_ x: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ y: Storage)
    throws(CoreError)
  /// dx = the gradient of `softmax` from its result y and the gradient dy of that.
  func softmaxGradient(
    y: Storage, dy: Storage, rows: Int, columns: Int, temperature: Float, logarithm: Bool, _ dx: Storage)
    throws(CoreError)

  // Blocks of `block` elements by index; `indices` holds `count` int64
  /// y[i] = x[indices[i]].
  func take(_ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, _ y: Storage) throws(CoreError)
  /// y[indices[i]] = x[i], in order; with `adding`, y[indices[i]] += x[i] (float32).
  func put(
    _ x: Storage, _ dtype: DType, block: Int, _ indices: Storage, count: Int, adding: Bool, _ y: Storage
  ) throws(CoreError)

  // Networks (float32; images with channels last in memory)
  /// c = a · b, for each matrix of the batch.
  func multiply(_ s: MatrixShape, _ a: Storage, _ b: Storage, _ c: Storage) throws(CoreError)
  /// y = the convolution of x, finished by the epilogue.
  func convolve(
    _ s: ConvolutionShape, _ x: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ y: Storage
  ) throws(CoreError)
  /// Whether an output of such a convolution has the same bits in an image that is cut out of the given one around its
  /// window, wherever the window is.
  func convolvesByWindow(_ s: ConvolutionShape) -> Bool
  /// dx = the gradient of x from that of the result, finished by the epilogue.
  func convolveInputGradient(
    _ s: ConvolutionShape, _ dy: Storage, _ weight: Storage, _ epilogue: ConvolutionEpilogue, _ dx: Storage
  ) throws(CoreError)
  /// dw = the gradient of the weights, db = that of the bias, if wanted.
  func convolveWeightGradient(_ s: ConvolutionShape, _ x: Storage, _ dy: Storage, _ dw: Storage, _ db: Storage?)
    throws(CoreError)
  /// Mean and biased variance of each column.
  func moments(_ x: Storage, rows: Int, channels: Int, mean: Storage, variance: Storage) throws(CoreError)
  /// y = x normalised with the given statistics.
  func normalize(_ s: NormalizationArguments, _ x: Storage, _ y: Storage) throws(CoreError)
  /// The wanted gradients; when `training`, the statistics are those of x itself, and dx has their part.
  func normalizeGradient(
    _ s: NormalizationArguments, training: Bool, _ x: Storage, _ dy: Storage, dx: Storage?, dWeight: Storage?,
    dBias: Storage?) throws(CoreError)
  /// y = each row of x normalised by its own mean and variance, times weight, plus bias; nil for 1 and 0.
  func layerNorm(_ x: Storage, rows: Int, columns: Int, weight: Storage?, bias: Storage?, eps: Float, _ y: Storage)
    throws(CoreError)
  /// dx = the gradient of `layerNorm`.
  func layerNormGradient(
    _ x: Storage, dy: Storage, rows: Int, columns: Int, weight: Storage?, eps: Float, _ dx: Storage) throws(CoreError)
  /// y = softmax(q · kᵀ / √size) · v, for each head of each example.
  func attention(_ s: AttentionShape, _ qkv: Storage, _ y: Storage) throws(CoreError)
  /// dqkv = the gradient of `attention`.
  func attentionGradient(_ s: AttentionShape, _ qkv: Storage, _ dy: Storage, _ dqkv: Storage) throws(CoreError)
  /// y = the greatest value of each window. `places`, when wanted, keeps in int32 which pixel of its image each greatest
  /// value is, for the gradient.
  func maxPool(_ s: PoolShape, _ x: Storage, _ y: Storage, places: Storage?) throws(CoreError)
  /// dx = the values of dy at their places, summed up, 0 elsewhere.
  func maxPoolGradient(_ s: PoolShape, _ dy: Storage, places: Storage, _ dx: Storage) throws(CoreError)
  /// The adjoint of the gradient: y = the values of x at the places, 0 where a window has none.
  func maxPoolTake(_ s: PoolShape, _ x: Storage, places: Storage, _ y: Storage) throws(CoreError)
  /// y = the mean of each window, over all of it or over what lies inside the image.
  func averagePool(_ s: PoolShape, countsPadding: Bool, _ x: Storage, _ y: Storage) throws(CoreError)
  /// dx = the gradient of `averagePool`.
  func averagePoolGradient(_ s: PoolShape, countsPadding: Bool, _ dy: Storage, _ dx: Storage) throws(CoreError)

  // Updates
  /// As PyTorch's SGD, in place: g' = g + weightDecay · w; v = momentum · v + g'; w −= rate · (nesterov ? g' + momentum · v
  /// : v). Without a velocity: w −= rate · g'.
  func sgd(
    _ weights: Storage, velocity: Storage?, _ gradient: Storage, count: Int, rate: Float, momentum: Float,
    weightDecay: Float, kept: Float, nesterov: Bool) throws(CoreError)
  /// One step of Adam, in place.
  func adam(
    _ weights: Storage, mean: Storage, square: Storage, _ gradient: Storage, count: Int, _ step: AdamStep
  ) throws(CoreError)
  /// y = x + step · sign(gradient), limited to center ± eps and then to low…high.
  func signStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, step: Float, eps: Float, low: Float, high: Float,
    _ y: Storage, count: Int) throws(CoreError)
  /// With u = clip(x + step · d): y = clip(x + share · (u − x) + (1 − share) · (x − previous)), for each row a step of its
  /// own. In the Linf ball (`isSign`) d is the sign of the gradient, in that of L2 its direction; clip is back into the
  /// ball around the center and then to 0…1.
  func momentumStep(
    _ x: Storage, previous: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, share: Float, eps: Float,
    isSign: Bool, _ y: Storage, rows: Int, columns: Int) throws(CoreError)
  /// A step in the L1 ball of each row: x + step · s / ‖s‖₁, where s is the sign of the gradient where its size is not
  /// below that at the rank among the sizes, counted from 0, the smallest first; then the nearest point of ball and 0…1.
  func sparseStep(
    _ x: Storage, _ gradient: Storage, _ center: Storage, steps: Storage, ranks: Storage, eps: Float, _ y: Storage,
    rows: Int, columns: Int) throws(CoreError)
  /// y = the point of the L1 ball around the center and of 0…1 that is nearest to x, for each row.
  func nearestInL1(
    _ x: Storage, _ center: Storage, eps: Float, _ y: Storage, rows: Int, columns: Int) throws(CoreError)
  /// y[r] = x[r] in the rows where the mask is true; the others stay.
  func copyRows(_ x: Storage, where mask: Storage, to y: Storage, rows: Int, columns: Int) throws(CoreError)

  // Projections of rows within [0, 1] (float32)
  /// d = the shortest displacement of each row of t in the norm, within [0, 1], that lowers its product with that row of
  /// w by its amount; where there is none, the one that comes nearest.
  func projectOntoHyperplanes(
    _ norm: BoxNorm, _ t: Storage, _ w: Storage, amounts: Storage, rows: Int, columns: Int, _ d: Storage
  ) throws(CoreError)
  /// y = the step of FAB from each row of x (`ProjectionKernels.boundaryStep`), distances = how far each is from its
  /// centre.
  func boundaryStep(
    _ step: BoundaryStep, _ x: Storage, center: Storage, _ w: Storage, leads: Storage, rows: Int, columns: Int,
    _ y: Storage, distances: Storage) throws(CoreError)

  // Squares of images, in place; `best` and `center` hold whole batches, `candidates` an image for each square
  /// In its square, candidate i becomes best + shifts[i, channel], limited to center ± eps and then to 0…1. Returns of
  /// each whether that has changed anything.
  func paintSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, shifts: [Float], best: Storage, center: Storage, eps: Float,
    _ candidates: Storage
  ) throws(CoreError) -> [Bool]
  /// In its square, the best image becomes candidate i where that is accepted, else candidate i the best image.
  func settleSquares(
    _ s: ImageShape, _ squares: [ImageSquare], side: Int, accepted: [Bool], best: Storage, _ candidates: Storage)
    throws(CoreError)
  /// Candidate i = the best image after move i of windows of its change, in the ball of L1 or L2 and in [0, 1].
  func moveWindows(
    _ s: ImageShape, _ norm: WindowNorm, _ moves: [WindowMove], side: Int, pattern: [Float], signs: [Float],
    best: Storage, center: Storage, eps: Float, _ candidates: Storage) throws(CoreError)
  /// What each patch of x and that of y at the same position in the lists have in common goes from x to y, in place; what
  /// else a patch of y holds becomes 0 or stays.
  func copyPatches(
    channels: Int, _ x: Storage, _ sources: PatchPlaces, to y: Storage, _ targets: PatchPlaces, clears: Bool)
    throws(CoreError)
}

/// The device that does the work of the process. Tensors do not move between devices.
let processor: any Device = CPUDevice()

/// The device that is asked: the one that does the work, or, while somebody profiles, one that measures it.
package var device: any Device { DeviceProfile.device(over: processor) }
