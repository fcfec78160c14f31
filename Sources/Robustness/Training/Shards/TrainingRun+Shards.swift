import Base
import Datasets
import Networks
import Tensors

/// One step with a batch that is cut into shards, on one rank or several.
///
/// Each shard is a step of its own from the state before the step: its batch norm moves the running statistics from there,
/// its attack and its augmentation are keyed by example, its dropout by the number of the shard. Gradients of the mean
/// loss, times the share of the shard, and what it moves the running statistics by, times that share, are added up in one
/// tree (`TreeSum`), and what the epoch counts is added in the order of the shards. So nothing depends on how many ranks
/// share the shards, and one rank needs the memory of one of them.
///
/// Where the weights are displaced first (AWP), the shards are gone through twice: the first time for the gradient of the
/// batch, which all of them are displaced along, the second time for the losses there.
extension TrainingRun {
  /// What `gradients` returns, of a batch in shards.
  func shardedGradients(
    _ positions: [Int], _ totals: inout EpochTotals
  ) throws -> (gradients: [Tensor?]?, displacement: [Tensor?]?) {
    let cut = BatchCut(count: positions.count, shards: plan.shards)
    let before = model.buffers
    let kept = try process.state
    var steps: [Int: (step: TrainingStep, buffers: [Tensor])] = [:]
    func begun(_ shard: Int) throws -> TrainingStep {
      try model.setBuffers(steps[shard]?.buffers ?? before)
      if let step = steps[shard]?.step {
        step.takeWeights()
        return step
      }
      let step = try begin(Array(positions[cut.images(of: shard)]), part: shard)
      step.isShard = true
      return step
    }

    var displacement: [Tensor?]?
    if let process = process as? any DisplacingProcess, process.displaces(at: position) {
      let gradients = try summed(cut, number: 2 * stepsDone) { shard, shared, sum in
        let step = try begun(shard)
        (step.shared, step.sum) = (shared, sum)
        let gradients = try step.rehearse { try self.process.loss(step) }
        step.dropWeights()
        steps[shard] = (step, self.model.buffers)
        return gradients
      }
      try uninterrupted {
        let found = try process.displacement(of: model, along: gradients)
        try hold()
        try model.displace(by: found)
        displacement = found
      }
    }

    var notes: [ShardNote] = []
    let weights = model.parameters.count
    var sums = try summed(cut, number: 2 * stepsDone + 1) { shard, shared, sum in
      let step = try begun(shard)
      steps[shard] = nil
      (step.shared, step.sum) = (shared, sum)
      let (gradients, part) = try self.measure(step, part: shard)
      guard let gradients, step.displacement == nil else {
        throw CoreError(
          .value, "\(self.method) moves the weights within a step, so that its batches cannot be cut into shards",
          hint: "leave shards out, and take a smaller batch", argument: "shards")
      }
      step.dropWeights()
      try self.requireSameState(as: kept)
      let buffers = self.model.buffers
      let moves = try zip(buffers, before).map { try $0.dtype == .float32 ? $0 - $1 : nil }
      let counts = try zip(buffers, before).map { try $0.dtype == .float32 ? 0 : $0.item() - $1.item() }
      notes.append(ShardNote(shard: shard, part: part, counts: counts))
      return gradients + moves
    }
    try uninterrupted {
      notes = try heard(notes.sorted { $0.shard < $1.shard })
      for note in notes { totals.add(note.part) }
      let moves = sums.dropFirst(weights)
      var buffers: [Tensor] = []
      for (i, (buffer, move)) in zip(before, moves).enumerated() {
        if let move {
          buffers.append(try buffer + move)
        } else {
          buffers.append(try add(buffer, Tensor(ints: [Int(notes.first?.counts[i] ?? 0)], shape: [])))
        }
      }
      try model.setBuffers(buffers)
      sums.removeLast(moves.count)
    }
    return (sums, displacement)
  }

  /// Does what follows once all ranks have agreed that the shards are done: on several, nothing holds one of them up.
  func uninterrupted<Outcome>(_ body: () throws -> Outcome) throws -> Outcome {
    ranks == nil ? try body() : try StopSignal.ignoring { try body() }
  }

  /// The tensors of all shards, each times its share of the batch, added up in one tree.
  ///
  /// - Parameters:
  ///   - number: which sum of the run it is.
  ///   - find: the tensors of a shard of this rank, of the same shapes for all, given what it shares statistics by and what its
  ///     gradients go to as they are found; nil where there is nothing to add.
  private func summed(
    _ cut: BatchCut, number: Int, _ find: @escaping (Int, (any SharedStatistics)?, RankSum?) throws -> [Tensor?]
  ) throws -> [Tensor?] {
    var tree = TreeSum<[Tensor?]> { (a, b) throws(CoreError) in
      var sums: [Tensor?] = []
      for (a, b) in zip(a, b) {
        sums.append(try a.flatMap { (a) throws(CoreError) in try b.map { (b) throws(CoreError) in try a + b } })
      }
      return sums
    }
    let own = cut.run(of: ranks?.rank ?? 0, of: ranks?.size ?? 1)
    // In one layout: a sum over all elements goes through them as they lie in memory.
    func leaf(_ shard: Int, _ found: [Tensor?]) throws -> [Tensor?] {
      let share = cut.share(of: shard)
      return try found.map { try $0.map { try $0.rowMajor() * share } }
    }
    func take(_ shards: Range<Int>) throws {
      for shard in shards {
        try tree.append(leaf: shard, cut.images(of: shard).isEmpty ? nil : leaf(shard, find(shard, nil, nil)))
      }
    }
    if plan.syncsNorm {
      let filled = own.filter { !cut.images(of: $0).isEmpty }
      var leaves: [Int: [Tensor?]] = [:]
      try LockStep(ranks, number: number).run(filled.map { ($0, Double(cut.share(of: $0))) }) { place, shared in
        leaves[filled[place]] = try leaf(filled[place], find(filled[place], shared, nil))
      }
      try uninterrupted { for shard in own { try tree.append(leaf: shard, leaves[shard]) } }
    }
    guard let ranks else {
      if !plan.syncsNorm { try take(own) }
      return try tree.total() ?? []
    }
    // The last shard with an image, whose gradients travel as they are found; the others' must be known by then.
    let last = plan.syncsNorm ? own.upperBound : own.last { !cut.images(of: $0).isEmpty } ?? own.upperBound
    let sum = RankSum(ranks, cut, number: number, shapes: shapesOfSum(hasBuffers: !number.isMultiple(of: 2)))
    var failure: (any Error)?
    do {
      if !plan.syncsNorm { try take(own.lowerBound..<last) }
      try sum.take(tree.nodes, last: last..<own.upperBound)
      if last < own.upperBound {
        for (index, tensor) in try find(last, nil, sum).enumerated() {
          if let tensor { try sum.take(tensor, at: index) }
        }
      }
    } catch {
      // What the meeting says, it says to all.
      if sum.hasMet, !sum.hasBegun { throw error }
      failure = error
    }
    if !sum.hasBegun { try sum.begin(failure) }
    return try uninterrupted {
      let total = Result { try sum.finish(failed: failure != nil) }
      if failure == nil, case .failure(let error) = total { failure = error }
      try ranks.agree(.sums, number, failure)
      return try total.get()
    }
  }

  /// The shapes of the gradients, and of the moves of the running statistics; nil for what is not added up.
  private func shapesOfSum(hasBuffers: Bool) -> [[Int]?] {
    let shapes = model.parameters.enumerated().map { model.frozen.contains($0.offset) ? nil : $0.element.shape }
    return hasBuffers ? shapes + model.buffers.map { $0.dtype == .float32 ? $0.shape : nil } : shapes
  }

  /// What all shards note, in their order.
  private func heard(_ own: [ShardNote]) throws -> [ShardNote] {
    guard let ranks else { return own }
    let said = try ranks.meet(.step, -1 - stepsDone, saying: ShardNote.bytes(of: own))
    return try said.flatMap { try ShardNote.notes(from: $0) }
  }

  /// Refuses a method whose process has changed while losses were taken: it would know the shards of its own rank alone.
  private func requireSameState(as kept: NamedTensors) throws {
    let state = try process.state
    let isSame =
      state.count == kept.count
      && zip(state, kept).allSatisfy { $0.name == $1.name && $0.tensor.isStill($1.tensor) }
    guard isSame else {
      throw CoreError(
        .value, "\(method) keeps something of the losses of a step, so that its batches cannot be cut into shards",
        hint: "leave shards out, and take a smaller batch", argument: "shards")
    }
  }
}

extension Tensor {
  fileprivate func isStill(_ other: Tensor) -> Bool { storage === other.storage || isIdentical(to: other) }
}

/// What is known of a shard once its loss was taken, besides tensors.
struct ShardNote: Equatable {
  /// The number of the shard.
  var shard: Int
  /// What it adds to the sums of the epoch.
  var part: EpochTotals.Part
  /// By how much it moves the counters among the buffers, 0 for other buffers.
  var counts: [Double]

  /// Notes as they travel: numbers by their bits.
  static func bytes(of notes: [ShardNote]) -> [UInt8] {
    let lines = notes.map { note in
      let part = note.part
      var words = [
        "\(note.shard)", "\(part.n)", bits(part.loss), "\(part.natural)", part.adversarial.map { "\($0)" } ?? "-",
        note.counts.map(bits).joined(separator: " "),
      ]
      words += part.parts.flatMap { [$0.name, bits($0.value)] }
      return words.joined(separator: "\t")
    }
    return Array(lines.joined(separator: "\n").utf8)
  }

  /// The notes that `bytes` has written.
  static func notes(from bytes: [UInt8]) throws(CoreError) -> [ShardNote] {
    var notes: [ShardNote] = []
    for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
      let words = line.split(separator: "\t", omittingEmptySubsequences: false)
      guard words.count >= 6, let shard = Int(words[0]), let n = Int(words[1]), let loss = number(words[2]),
        let natural = Int(words[3])
      else { throw CoreError(.value, "a rank has sent something else than a note of a shard") }
      var part = EpochTotals.Part(n: n, loss: loss, natural: natural, adversarial: Int(words[4]))
      for i in stride(from: 6, to: words.count - 1, by: 2) {
        part.parts.append((String(words[i]), number(words[i + 1]) ?? 0))
      }
      let counts = words[5].split(separator: " ").map { number($0) ?? 0 }
      notes.append(ShardNote(shard: shard, part: part, counts: counts))
    }
    return notes
  }

  private static func bits(_ value: Double) -> String { String(value.bitPattern, radix: 16) }
  private static func number(_ text: Substring) -> Double? { UInt64(text, radix: 16).map { Double(bitPattern: $0) } }
}
