import KernelTypes

/// 3x3 convolution of stride 1 or 2 by Winograd's minimal filtering: a quarter of the multiplications for stride 1, nine
/// sixteenths for stride 2 (Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016).
///
/// Tiles of the input and the weights are transformed by small fixed matrices; then each of the 36 or 81 positions of a
/// transformed tile is an ordinary matrix product over the channels, and the products are transformed back to results. The
/// adjoints have the same form. Tiles are worked on in blocks whose transformed values stay in the cache; where the weights
/// are large, all threads share a block, so that the weights pass through the caches once.
enum WinogradConvolution {
  static func forward(
    _ s: ConvolutionShape, x: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, y: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    try run(WinogradShape(s, adjoint: false), PackedWeights.Key(.winograd, s), x, weight, packed, epilogue, y)
  }

  static func inputGradient(
    _ s: ConvolutionShape, dy: UnsafePointer<Float>, weight: UnsafePointer<Float>, packed: PackedWeights?,
    epilogue: KernelEpilogue, dx: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    try run(WinogradShape(s, adjoint: true), PackedWeights.Key(.winogradGradient, s), dy, weight, packed, epilogue, dx)
  }

  /// Tiles per block: those whose transformed inputs and products fit most of a second-level cache, with the weights
  /// where these do; more where the weights do not fit the last-level cache and each block reads them from memory.
  private static func blockSize(_ s: WinogradShape, shared: Bool) -> Int {
    if s.inputs * s.outputs > 1 << 17 { return s.isStrided ? 96 : 192 }
    if shared { return 48 }
    let weights = 4 * 36 * s.inputs * s.outputs
    if weights < 640 << 10 { return min(max(tiles(s, fitting: (896 << 10) - weights), 12), 96) }
    return sharingCache(s)
  }

  /// Tiles per block that leave the weights, or their sums, no more than the rest of a second-level cache.
  private static func sharingCache(_ s: WinogradShape) -> Int { min(max(tiles(s, fitting: 640 << 10), 24), 96) }

  /// Tiles whose transformed inputs and products take this many bytes, in whole panels.
  private static func tiles(_ s: WinogradShape, fitting bytes: Int) -> Int {
    bytes / (4 * s.places * (s.inputs + s.outputs + 32)) / 6 * 6
  }

  /// Pairs of an input and an output beyond which transformed weights are formed anew in pieces that stay in the cache:
  /// kept, they would take four times the memory of the weights, for each direction. The bits are the same.
  private static let widest = 1 << 16
  /// Calls with fewer tiles than this would spend much of their time on forming them; they keep some of them after all.
  private static let fewest = 32

  /// The transformed tiles of one block, and their products.
  private struct Block {
    var size: Int
    var inputs: WinogradMatrices
    var products: WinogradMatrices

    /// Rows and planes are 16 values apart from powers of two, whose addresses would share few cache sets.
    static func count(_ s: WinogradShape, size: Int) -> Int {
      s.places * (plane(s.inputs, size) + plane(s.outputs, size))
    }

    private static func step(_ columns: Int) -> Int { (columns + 15) / 16 * 16 + 16 }
    private static func plane(_ columns: Int, _ size: Int) -> Int { size * step(columns) + 16 }

    init(_ s: WinogradShape, size: Int, _ memory: UnsafeMutablePointer<Float>) {
      self.size = size
      let inputPlane = Self.plane(s.inputs, size)
      inputs = WinogradMatrices(values: memory, plane: inputPlane, step: Self.step(s.inputs))
      products = WinogradMatrices(
        values: memory + s.places * inputPlane, plane: Self.plane(s.outputs, size), step: Self.step(s.outputs))
    }

    func inputs(from row: Int) -> WinogradMatrices { shifted(inputs, row) }
    func products(from row: Int) -> WinogradMatrices { shifted(products, row) }

    private func shifted(_ m: WinogradMatrices, _ row: Int) -> WinogradMatrices {
      WinogradMatrices(values: m.values + row * m.step, plane: m.plane, step: m.step)
    }
  }

  private static func run(
    _ s: WinogradShape, _ key: PackedWeights.Key, _ source: UnsafePointer<Float>, _ weight: UnsafePointer<Float>,
    _ packed: PackedWeights?, _ epilogue: KernelEpilogue, _ target: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    guard s.tiles > 0, s.outputs > 0 else { return }
    let isWide = s.inputs * s.outputs > widest
    let kept: Buffer?
    if let packed, !isWide {
      kept = try packed.form(key) { () throws(KernelError) in try pack(s, weight) }
    } else if let packed, s.tiles < fewest {
      let bytes = 4 * 36 * plane(inputs: s.inputs, blocks: s.outputBlocks)
      kept = try packed.largeForm(key, bytes: bytes) { () throws(KernelError) in try pack(s, weight) }
    } else {
      kept = isWide ? packed?.known(key) : try pack(s, weight)
    }
    // Small weights: each thread works on its own blocks of tiles. Large ones: all threads share each block, so that the
    // weights pass through the caches once per block.
    let shared = s.inputs * s.outputs >= 1 << 15 || s.tiles < 8 * 48
    let size = min(blockSize(s, shared: shared), (s.tiles + 5) / 6 * 6)
    let slots = shared ? 1 : Threads.count
    let blockCount = Block.count(s, size: size)
    // Without kept ones each thread forms the weights of a few inputs and outputs, multiplies with them, and forgets them.
    let (group, depth, threads) = (2, 128, kept == nil ? Threads.count : 0)
    let groupPlane = plane(inputs: depth, blocks: group)
    let zeroCount = (s.inputs + 15) / 16 * 16
    let buffer = try scratch(Float.self, slots * blockCount + zeroCount + threads * 36 * groupPlane)
    defer { extendLifetime((kept, buffer)) }
    let zeros = buffer.floats + slots * blockCount
    zeros.update(repeating: 0, count: zeroCount)
    let formed = zeros + zeroCount
    let kernels = kernels

    func process(_ tiles: Range<Int>, _ block: Block) {
      let grain = max(1, 4096 / (s.inputs + s.outputs))
      func part(_ rows: Range<Int>) -> Range<Int> {
        tiles.lowerBound + rows.lowerBound..<tiles.lowerBound + rows.upperBound
      }
      Threads.parallelFor(tiles.count, grain: grain) { rows in
        transformInput(kernels, s, part(rows), source, zeros, block.inputs(from: rows.lowerBound))
      }
      func multiply(
        _ place: Int, _ u: UnsafePointer<Float>, inputs: Range<Int>, from first: Int, _ blocks: Range<Int>
      ) {
        kernels.winogradMultiply(
          depth: inputs.count, rows: tiles.count, blocks: blocks,
          block.inputs.values + place * block.inputs.plane + inputs.lowerBound, step: block.inputs.step, u,
          block.products.values + place * block.products.plane + first * 16, step: block.products.step,
          continues: inputs.lowerBound > 0)
      }
      if let kept {
        let slabs = (s.outputBlocks + 15) / 16
        Threads.parallelFor(s.places * slabs, grain: 1) { range in
          for index in range {
            let (place, slab) = (index / slabs, index % slabs)
            multiply(
              place, kept.floats + s.weight(of: place) * plane(inputs: s.inputs, blocks: s.outputBlocks),
              inputs: 0..<s.inputs, from: 0,
              s.outputBlocks * slab / slabs..<s.outputBlocks * (slab + 1) / slabs)
          }
        }
      } else {
        Threads.parallelFor(s.outputBlocks, grain: group, slots: threads) { blocks, slot in
          let u = formed + slot * 36 * groupPlane
          for start in stride(from: 0, to: s.inputs, by: depth) {
            let inputs = start..<min(start + depth, s.inputs)
            form(kernels, s, weight, blocks, inputs, u, plane: groupPlane)
            for place in 0..<s.places {
              multiply(
                place, u + s.weight(of: place) * groupPlane, inputs: inputs, from: blocks.lowerBound, 0..<blocks.count)
            }
          }
        }
      }
      Threads.parallelFor(tiles.count, grain: grain) { rows in
        let products = block.products(from: rows.lowerBound)
        if !s.isStrided {
          kernels.winogradOutput(s, tiles: part(rows), products, epilogue, target)
        } else if s.isAdjoint {
          kernels.stridedWinogradAdjointOutput(s, tiles: part(rows), products, epilogue, target)
        } else {
          kernels.stridedWinogradOutput(s, tiles: part(rows), products, epilogue, target)
        }
      }
    }

    if shared {
      let block = Block(s, size: size, buffer.floats)
      for start in stride(from: 0, to: s.tiles, by: size) { process(start..<min(start + size, s.tiles), block) }
    } else {
      Threads.parallelFor(s.tiles, grain: size, slots: slots) { tiles, slot in
        process(tiles, Block(s, size: size, buffer.floats + slot * blockCount))
      }
    }
  }

  /// - Parameter kernels: those of the caller, whose thread may use another instruction set than the workers.
  private static func transformInput(
    _ kernels: any KernelSet.Type, _ s: WinogradShape, _ tiles: Range<Int>, _ x: UnsafePointer<Float>,
    _ zeros: UnsafePointer<Float>,
    _ target: WinogradMatrices
  ) {
    if !s.isStrided {
      kernels.winogradInput(s, tiles: tiles, x, zeros: zeros, target)
    } else if s.isAdjoint {
      kernels.stridedWinogradAdjointInput(s, tiles: tiles, x, zeros: zeros, target)
    } else {
      kernels.stridedWinogradInput(s, tiles: tiles, x, zeros: zeros, target)
    }
  }

  /// Values from one transformed weight to the next: 16 away from powers of two, whose addresses would share few cache
  /// sets.
  private static func plane(inputs: Int, blocks: Int) -> Int { blocks * 16 * inputs + 16 }

  /// [36 planes][⌈outputs/16⌉][inputs][16].
  private static func pack(_ s: WinogradShape, _ weight: UnsafePointer<Float>) throws(KernelError) -> Buffer {
    let plane = plane(inputs: s.inputs, blocks: s.outputBlocks)
    let buffer = try scratch(Float.self, 36 * plane)
    let kernels = kernels
    Threads.parallelFor(s.outputBlocks, grain: 1) { blocks in
      form(kernels, s, weight, blocks, 0..<s.inputs, buffer.floats + blocks.lowerBound * 16 * s.inputs, plane: plane)
    }
    return buffer
  }

  /// The transformed weights of some blocks of outputs, [36 planes][blocks][inputs][16].
  private static func form(
    _ kernels: any KernelSet.Type, _ s: WinogradShape, _ weight: UnsafePointer<Float>, _ blocks: Range<Int>,
    _ inputs: Range<Int>, _ target: UnsafeMutablePointer<Float>, plane: Int
  ) {
    kernels.winogradWeights(
      s, weight, outputStep: s.isAdjoint ? 9 : 9 * s.inputs, inputStep: s.isAdjoint ? 9 * s.outputs : 9,
      turned: s.isAdjoint, blocks: blocks, inputs: inputs, target, plane: plane)
  }

  static func weightGradient(
    _ shape: ConvolutionShape, x: UnsafePointer<Float>, dy: UnsafePointer<Float>, dw: UnsafeMutablePointer<Float>
  ) throws(KernelError) {
    let s = WinogradShape(shape, adjoint: false)
    guard shape.weightCount > 0 else { return }
    guard s.tiles > 0 else {
      dw.update(repeating: 0, count: shape.weightCount)
      return
    }
    let small = s.inputs * s.outputs <= 1 << 14
    let size = small ? sharingCache(s) : s.inputs * s.outputs > 1 << 17 ? (s.isStrided ? 96 : 192) : 48
    // Small weights have several partial sums, each over its own part of the tiles, added in order at the end; how many
    // depends on the problem alone. Large ones have one, on which all threads work together.
    let blocks = (s.tiles + size - 1) / size
    let parts = small ? min(blocks, s.inputs * s.outputs <= 1 << 12 ? 16 : 8) : 1
    let slots = small ? Threads.count : 1
    let blockCount = Block.count(s, size: size)
    let columns = s.outputBlocks * 16
    let plane = s.inputs * columns + 16
    let zeroCount = max(s.inputs, s.outputs)
    let buffer = try scratch(Float.self, slots * blockCount + parts * 36 * plane + zeroCount)
    defer { extendLifetime(buffer) }
    let sums = buffer.floats + slots * blockCount
    let zeros = sums + parts * 36 * plane
    zeros.update(repeating: 0, count: zeroCount)
    let kernels = kernels
    let slabs = (s.outputBlocks + 15) / 16

    func process(_ part: Int, _ block: Block) {
      let partSums = WinogradMatrices(values: sums + part * 36 * plane, plane: plane, step: columns)
      let first = blocks * part / parts
      for index in first..<blocks * (part + 1) / parts {
        let tiles = index * size..<min(index * size + size, s.tiles)
        transform(s, tiles, x, dy, zeros, block)
        // Every sum belongs to one piece of work, which adds the blocks in order.
        Threads.parallelFor(36 * slabs, grain: 1) { range in
          for piece in range {
            let (weight, slab) = (piece / slabs, piece % slabs)
            for (i, place) in s.places(of: weight).enumerated() {
              kernels.winogradAccumulate(
                inputs: s.inputs, rows: tiles.count,
                blocks: s.outputBlocks * slab / slabs..<s.outputBlocks * (slab + 1) / slabs,
                block.inputs.values + place * block.inputs.plane, step: block.inputs.step,
                block.products.values + place * block.products.plane, step: block.products.step,
                partSums.values + weight * plane, step: columns, starts: index == first && i == 0)
            }
          }
        }
      }
    }

    if small {
      Threads.parallelFor(parts, grain: 1, slots: slots) { range, slot in
        for part in range { process(part, Block(s, size: size, buffer.floats + slot * blockCount)) }
      }
      Threads.parallelFor(36 * plane, grain: Elementwise.grain) { range in
        for part in 1..<max(parts, 1) {
          let target = sums + range.lowerBound
          kernels.scaleAdd(1, target + part * 36 * plane, 1, target, range.count)
        }
      }
    } else {
      process(0, Block(s, size: size, buffer.floats))
    }
    Threads.parallelFor(s.inputs, grain: max(1, 2048 / s.outputs)) { inputs in
      kernels.winogradWeightGradient(
        s, inputs: inputs, WinogradMatrices(values: sums, plane: plane, step: columns), outputStep: 9 * s.inputs,
        inputStep: 9, dw)
    }
  }

  /// The transforms of the inputs and output gradients of some tiles.
  private static func transform(
    _ s: WinogradShape, _ tiles: Range<Int>, _ x: UnsafePointer<Float>, _ dy: UnsafePointer<Float>,
    _ zeros: UnsafePointer<Float>, _ block: Block
  ) {
    let kernels = kernels
    Threads.parallelFor(tiles.count, grain: max(1, 4096 / (s.inputs + s.outputs))) { rows in
      let part = tiles.lowerBound + rows.lowerBound..<tiles.lowerBound + rows.upperBound
      transformInput(kernels, s, part, x, zeros, block.inputs(from: rows.lowerBound))
      let gradients = block.products(from: rows.lowerBound)
      if s.isStrided {
        kernels.stridedWinogradOutputGradient(s, tiles: part, dy, zeros: zeros, gradients)
      } else {
        kernels.winogradOutputGradient(s, tiles: part, dy, zeros: zeros, gradients)
      }
    }
  }
}
