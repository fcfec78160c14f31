import Base
import Tensors

/// What a network makes of some images, kept, so that it answers for images that differ from them in one square each
/// without looking at all the rest again.
///
/// A search that tries one small change after another asks about images that are nearly known. Here the results of the
/// first layers are kept for the known images, and for a changed image only the patch of them that the change reaches is
/// computed (`PatchPlan`): what the patch's windows see is cut out of the kept values, with the new patch of the layer
/// before written over it, and the layer runs on that as on any small image without padding. The layers that the change
/// reaches nearly everywhere run on whole values. Every output is the same sum in the same order, so that the answers
/// have the bits that the network gives for the whole images. `settle` then takes the changes over that the search has
/// accepted.
///
/// In memory are the kept values of every image, at most `mostValues` together (twice that while they are collected), and
/// the patches of the last question.
public final class RememberedImages {
  /// A square of one image that is not as remembered.
  public struct Change {
    /// Which of the images it is.
    public var image: Int
    /// The first row and column of the square.
    public var top: Int, left: Int

    /// A square whose side is that of all squares.
    public init(image: Int, top: Int, left: Int) { (self.image, self.top, self.left) = (image, top, left) }
  }

  /// The most values that are kept: a quarter of a gigabyte. More images than fit are not remembered at all.
  static let mostValues = 1 << 26

  private let network: FrozenNetwork
  private let temperature: Float
  private let plan: PatchPlan
  /// The side of the squares.
  public let side: Int
  /// The kept values: those of all images that were given at first.
  private var kept: [Int: Tensor]
  /// Where those of each image are that is still remembered.
  private var rows: [Int]
  /// The patches of the last question.
  private var pieces: [Piece] = []

  /// Some neighbours of a question.
  private struct Piece: Sendable {
    /// Where in the question they are.
    var range: Range<Int>
    /// The row of each in the kept values.
    var rows: [Int]
    var logits: Tensor
    /// The patches of kept values, and where they belong.
    var patches: [Int: (tensor: Tensor, places: PatchPlaces)]
  }

  /// Runs a network on images to remember; nil where that would not pay, or takes too much memory.
  ///
  /// - Parameters:
  ///   - images: [n, c, h, w].
  ///   - side: of the squares in which others will differ.
  ///   - share: the share of all multiplications that is to be saved.
  ///   - temperature: what logits are divided by.
  init?(
    _ network: FrozenNetwork, _ images: Tensor, side: Int, saving share: Double, temperature: Float
  ) throws(CoreError) {
    guard images.shape.count == 4, images.shape[0] > 0 else { return nil }
    let images = try images.channelsLast()
    var pass = network.pass
    var values: [Tensor?] = [try images.rows(0..<1)] + Array(repeating: nil, count: network.steps.count)
    var record = FrozenNetwork.Record(shapes: [images.shape])
    try network.run(from: 0, &values, false, &pass, &record)
    guard let plan = PatchPlan(network.steps, shapes: record.shapes, side: side, saving: share),
      plan.keptPerImage <= Self.mostValues / images.shape[0]
    else { return nil }
    self.network = network
    self.temperature = temperature
    self.plan = plan
    self.side = side
    rows = Array(0..<images.shape[0])
    let parts = network.pieces(of: images.shape[0])
    let found = try concurrently(parts.count) { (i) throws(CoreError) in
      var pass = network.pass
      var record = FrozenNetwork.Record(shapes: [])
      var values = [Tensor?](repeating: nil, count: network.steps.count + 1)
      values[0] = try images.rows(parts[i])
      try network.run(from: 0, &values, keeping: plan.kept, false, &pass, &record)
      var kept: [Int: Tensor] = [:]
      for value in plan.kept { kept[value] = try values[value]?.channelsLast() }
      return kept
    }
    kept = [:]
    for value in plan.kept { kept[value] = try Tensor.joined(found.compactMap { $0[value] }) }
  }

  /// Drops all but some of the images, which are numbered anew.
  ///
  /// - Parameter images: ascending.
  public func keep(_ images: [Int]) {
    rows = images.compactMap { rows.indices.contains($0) ? rows[$0] : nil }
    pieces = []
  }

  /// Logits [k, classes] of images that differ from the remembered ones in one square each.
  ///
  /// - Parameters:
  ///   - candidates: [n, c, h, w]: for each remembered image the changed one.
  ///   - changes: which of them is asked about, and where it has changed.
  /// - Throws: `shape` where candidates or changes do not fit the remembered images.
  public func logits(of candidates: Tensor, _ changes: [Change]) throws(CoreError) -> Tensor {
    let size = plan.shapes[0]
    guard candidates.shape.count == 4, candidates.shape[0] == rows.count,
      candidates.shape.dropFirst() == size.dropFirst(),
      changes.allSatisfy({
        rows.indices.contains($0.image) && $0.top >= 0 && $0.left >= 0 && $0.top <= size[2] - plan.sizes[0].height
          && $0.left <= size[3] - plan.sizes[0].width
      })
    else {
      throw CoreError(
        .shape, "\(changes.count) changes of images \(candidates.shape) do not fit \(rows.count) remembered ones")
    }
    try StopSignal.poll()
    pieces = []
    let candidates = try candidates.channelsLast()
    let parts = network.pieces(of: changes.count, values: plan.valuesPerImage)
    pieces = try concurrently(parts.count) { (i) throws(CoreError) in
      try answer(candidates, Array(changes[parts[i]]), parts[i])
    }
    let logits = try pieces.count == 1 ? pieces[0].logits : Tensor.joined(pieces.map(\.logits))
    return temperature == 1 ? logits : try logits / temperature
  }

  /// Remembers the changed images instead, of those that were asked about last.
  ///
  /// - Parameter accepted: for each of the changes, whether the image keeps it.
  public func settle(accepted: [Bool]) throws(CoreError) {
    let asked = pieces
    pieces = []
    guard accepted.count == asked.last?.range.upperBound ?? 0 else {
      throw CoreError(.shape, "\(accepted.count) decisions do not fit \(asked.last?.range.upperBound ?? 0) changes")
    }
    for piece in asked {
      let chosen = piece.rows.indices.filter { accepted[piece.range.lowerBound + $0] }
      if chosen.isEmpty { continue }
      for (value, patch) in piece.patches {
        var places = patch.places
        places.corners = chosen.map { patch.places.corners[$0] }
        let shape = plan.shapes[value]
        try kept[value]?.write(
          at: PatchPlaces(wholeImages: chosen.map { piece.rows[$0] }, height: shape[2], width: shape[3]), patch.tensor,
          at: places)
      }
    }
  }

  // MARK: Patches

  /// Runs the network on some neighbours.
  private func answer(
    _ candidates: Tensor, _ changes: [Change], _ range: Range<Int>
  ) throws(CoreError) -> Piece {
    var work = Work(
      plan: plan, candidates: candidates, images: changes.map(\.image), rows: changes.map { rows[$0.image] },
      kept: kept,
      places: [
        PatchPlaces(
          height: plan.sizes[0].height, width: plan.sizes[0].width,
          corners: changes.indices.map { ImageSquare(image: $0, top: changes[$0].top, left: changes[$0].left) })
      ])
    var pass = network.pass
    for (i, step) in network.steps.prefix(plan.firstWhole).enumerated() { try work.run(step, plan.windows[i], &pass) }
    var values = [Tensor?](repeating: nil, count: network.steps.count + 1)
    for step in network.steps[plan.firstWhole...] {
      for value in step.reads where value <= plan.firstWhole && values[value] == nil {
        values[value] = try work.whole(value)
      }
    }
    var record = FrozenNetwork.Record(shapes: [])
    try network.run(from: plan.firstWhole, &values, false, &pass, &record)
    guard let logits = values[network.steps.count] else { throw CoreError(.value, "a network without layers") }
    var patches: [Int: (tensor: Tensor, places: PatchPlaces)] = [:]
    for value in plan.kept {
      guard let tensor = work.patches[value] else { continue }
      patches[value] = (tensor, work.places[value])
    }
    return Piece(range: range, rows: work.rows, logits: logits, patches: patches)
  }

  /// The patches of some images, layer after layer.
  private struct Work {
    let plan: PatchPlan
    let candidates: Tensor
    /// Which of the candidates they are.
    let images: [Int]
    /// Where their kept values are.
    let rows: [Int]
    let kept: [Int: Tensor]
    /// The patch of each value; nil for the images, whose candidates are there as they are.
    var patches: [Tensor?] = [nil]
    /// Where it belongs.
    var places: [PatchPlaces]

    /// Computes the patch of the next value.
    mutating func run(_ step: FrozenNetwork.Step, _ windows: PatchPlan.Windows, _ pass: inout Pass) throws(CoreError) {
      let changed = places[step.input]
      var own = PatchPlaces(
        height: windows.rows.reach(changed.height), width: windows.columns.reach(changed.width),
        corners: changed.corners)
      for i in own.corners.indices {
        own.corners[i].top = windows.rows.first(changed.corners[i].top, own.height)
        own.corners[i].left = windows.columns.first(changed.corners[i].left, own.width)
      }
      if let second = step.secondRead {
        own = own.joined(with: places[second], rows: windows.rows.count, columns: windows.columns.count)
      }
      var input = own
      (input.height, input.width) = (windows.rows.pixels(own.height), windows.columns.pixels(own.width))
      for i in input.corners.indices {
        input.corners[i].top = windows.rows.start(own.corners[i].top)
        input.corners[i].left = windows.columns.start(own.corners[i].left)
      }
      let x = try cut(step.input, input)
      let second = try step.secondRead.map { (value) throws(CoreError) in try cut(value, own) }
      var patch: Tensor
      switch step.operation {
      case .convolution(let layer, _): patch = try layer.unpadded.forward(x, adding: second, relu: step.relu)
      case .maxPool(let pooling):
        patch = try fixedMaxPool(
          x, kernel: pooling.kernel.pair, stride: pooling.stride.pair, padding: .none, keepsPlaces: false
        ).result
      case .activation(let activation): patch = try pass.run(activation.layer, x)
      case .sum:
        patch = if let second { try x + second } else { x }
        if step.relu { patch = try patch.relu() }
      case .other(let node): patch = try pass.run(node, x)
      case .linear: throw CoreError(.value, "a linear layer has no patches")
      }
      patches.append(try patch.channelsLast())
      places.append(own)
    }

    /// What a value holds in rectangles of each image: as it is kept, and the patch where that has changed.
    func cut(_ value: Int, _ wanted: PatchPlaces) throws(CoreError) -> Tensor {
      guard let patch = patches[value] else { return try candidates.patches(wanted, of: images) }
      let own = places[value]
      guard let kept = kept[value] else { return patch }
      var result = try kept.patches(wanted, of: rows)
      try result.write(at: wanted, patch, at: own)
      return result
    }

    /// A value of whole images.
    func whole(_ value: Int) throws(CoreError) -> Tensor {
      let shape = plan.shapes[value]
      return try cut(
        value, PatchPlaces(wholeImages: Array(rows.indices), height: shape[2], width: shape[3]))
    }
  }
}

extension PatchPlaces {
  /// Patches of one size that hold those of two others, within values of this size.
  fileprivate func joined(with other: PatchPlaces, rows: Int, columns: Int) -> PatchPlaces {
    var both = PatchPlaces(height: 0, width: 0, corners: corners)
    for (i, corner) in other.corners.enumerated() {
      let (top, left) = (min(corners[i].top, corner.top), min(corners[i].left, corner.left))
      both.height = max(both.height, max(corners[i].top + height, corner.top + other.height) - top)
      both.width = max(both.width, max(corners[i].left + width, corner.left + other.width) - left)
      (both.corners[i].top, both.corners[i].left) = (top, left)
    }
    for i in both.corners.indices {
      both.corners[i].top = min(both.corners[i].top, rows - both.height)
      both.corners[i].left = min(both.corners[i].left, columns - both.width)
    }
    return both
  }
}

extension Model {
  /// Runs the model on images that others will differ from in one square each; nil where it would not be faster for
  /// these, or would take too much memory.
  ///
  /// - Parameters:
  ///   - images: [n, channels, height, width], values in [0, 1].
  ///   - side: of the squares.
  ///   - share: the share of all multiplications that is to be saved, so that it is faster.
  public func remembering(
    _ images: Tensor, side: Int, saving share: Double = 0.25
  ) throws(CoreError) -> RememberedImages? {
    // What noise added to the remembered images is not what it adds to others.
    guard !isRandom, !Compute.checksFinite, images.shape.count == 4,
      Array(images.shape.dropFirst()) == architecture.input
    else {
      return nil
    }
    do throws(CoreError) {
      return try RememberedImages(
        frozenNetwork(), images.detached(), side: side, saving: share, temperature: temperature)
    } catch {
      // It is faster, not needed: where the memory is not there, the search goes on without.
      guard error.kind == .memory || error.kind == .limit else { throw error }
      return nil
    }
  }
}
