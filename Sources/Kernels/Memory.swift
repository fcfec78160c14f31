import Base
import CCPU
import Platform

/// A block of memory from the caching allocator, 64-byte aligned, not initialised; returned to it when released
/// (keep it alive with `extendLifetime` as long as its pointer is in use).
package final class Buffer: @unchecked Sendable {
  /// The first byte.
  package let bytes: UnsafeMutableRawPointer
  /// The size in bytes: at least what was asked for.
  package let capacity: Int

  private init(bytes: UnsafeMutableRawPointer, capacity: Int) {
    self.bytes = bytes
    self.capacity = capacity
  }

  deinit { Memory.release(bytes, capacity: capacity) }

  /// Nil when `byteCount` is negative, beyond the limit, or more than the system has.
  package static func make(byteCount: Int) -> Buffer? {
    guard let (bytes, capacity) = Memory.allocate(byteCount) else { return nil }
    return Buffer(bytes: bytes, capacity: capacity)
  }

  /// Room for `count` values of a trivial type. Nil as for `make(byteCount:)`, and when the size overflows.
  package static func make<T: BitwiseCopyable>(_ type: T.Type, count: Int) -> Buffer? {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    return overflow ? nil : make(byteCount: size)
  }

  /// The block as float32 values.
  package var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }
}

/// The caching allocator: freed blocks are kept by size class and used again, since fresh pages cost ten times a reuse.
///
/// Sizes are rounded up to eight classes for each doubling. Blocks of 2 MiB and more are mapped on their own, in huge pages;
/// smaller ones are cut from slabs of 8 MiB, which go back to the system when every block in them is free. Before more is
/// mapped, the blocks that lay unused longest are returned, until what is in use and what is kept take no more than 5/4 of
/// the most that ever was in use, and 128 MiB. So memory does not grow when sizes change from one piece of work to the next.
/// The limit counts both, and one lock guards all of it.
package enum Memory {
  /// What the allocator holds.
  package struct Statistics: Sendable {
    /// Bytes in live buffers.
    package var inUse = 0
    /// The most bytes that ever were in live buffers, since the start or `resetPeak`.
    package var peak = 0
    /// Bytes kept for reuse.
    package var cached = 0
  }

  /// The most bytes that live and cached buffers may take together. LTD_MEMORY_LIMIT (bytes, or with a suffix K, M or
  /// G), else nine tenths of the machine's memory. A run may have a lower one (`RunSettings`).
  package static var limit: Int {
    get { state.withLock { $0.limit } }
    set { state.withLock { $0.limit = newValue } }
  }

  /// What the allocator holds now.
  package static var statistics: Statistics { state.withLock { $0.statistics } }

  /// Starts a new peak measurement at what is in use now.
  package static func resetPeak() { state.withLock { $0.statistics.peak = $0.statistics.inUse } }

  /// Returns what is kept for reuse to the system; of a slab with a block in use, nothing.
  package static func trim() { state.withLock { $0.trim() } }

  static func allocate(_ byteCount: Int) -> (UnsafeMutableRawPointer, Int)? {
    state.withLock { state in
      guard let block = state.allocate(byteCount) else { return nil }
      return (block.pointer, block.capacity)
    }
  }

  static func release(_ pointer: UnsafeMutableRawPointer, capacity: Int) {
    state.withLock { $0.release(Block(pointer: pointer, capacity: capacity)) }
  }

  private struct Block: @unchecked Sendable {
    var pointer: UnsafeMutableRawPointer
    var capacity: Int
    /// When it was freed, counted in releases.
    var freed = 0
  }

  /// Blocks of this size and more are mapped on their own, in huge pages; smaller ones are cut from slabs.
  private static let hugePage = 1 << 21
  private static let smallest = 1 << 6
  /// Slabs lie at multiples of their size, so that a block tells its slab.
  private static let slabSize = 1 << 23

  private struct State: Sendable {
    var statistics = Statistics()
    var limit = Memory.initialLimit()
    /// By capacity; of each the oldest first.
    private var free: [Int: [Block]] = [:]
    /// What is left of the newest slab.
    private var slab: Block?
    private var releases = 0

    mutating func allocate(_ byteCount: Int) -> Block? {
      let limit = min(limit, RunSettings.ofThread.memoryLimit)
      guard byteCount >= 0, byteCount <= limit, let size = Memory.sizeClass(byteCount) else { return nil }
      guard statistics.inUse <= limit - size, let block = cached(size) ?? fresh(size, within: limit) else { return nil }
      statistics.inUse += block.capacity
      statistics.peak = max(statistics.peak, statistics.inUse)
      return block
    }

    mutating func release(_ block: Block) {
      statistics.inUse -= block.capacity
      releases += 1
      keep(Block(pointer: block.pointer, capacity: block.capacity, freed: releases))
    }

    private mutating func keep(_ block: Block) {
      statistics.cached += block.capacity
      free[block.capacity, default: []].append(block)
    }

    private mutating func cached(_ size: Int) -> Block? {
      var capacity = size
      if free[size]?.isEmpty ?? true {
        // A large block may be up to a quarter larger than asked for.
        guard size >= Memory.hugePage,
          let next = free.filter({ $0.key > size && $0.key <= size + size / 4 && !$0.value.isEmpty }).keys.min()
        else { return nil }
        capacity = next
      }
      guard let block = free[capacity]?.popLast() else { return nil }
      statistics.cached -= capacity
      return block
    }

    private mutating func fresh(_ size: Int, within limit: Int) -> Block? {
      if size >= Memory.hugePage { return map(size, alignment: Memory.hugePage, within: limit) }
      if slab.map({ $0.capacity < size }) ?? true {
        let next = map(Memory.slabSize, alignment: Memory.slabSize, within: limit)
        if let rest = slab { keepParts(rest) }
        slab = next
      }
      guard let slab else { return nil }
      self.slab = Block(pointer: slab.pointer + size, capacity: slab.capacity - size)
      return Block(pointer: slab.pointer, capacity: size)
    }

    /// Cuts what is left of a slab into blocks of the largest classes that fit.
    private mutating func keepParts(_ rest: Block) {
      var rest = rest
      while rest.capacity >= Memory.smallest {
        var size = Memory.smallest
        while size * 2 <= rest.capacity { size *= 2 }
        keep(Block(pointer: rest.pointer, capacity: size, freed: releases))
        rest = Block(pointer: rest.pointer + size, capacity: rest.capacity - size)
      }
    }

    private mutating func map(_ size: Int, alignment: Int, within limit: Int) -> Block? {
      makeRoom(for: size, within: limit)
      guard statistics.inUse + statistics.cached <= limit - size else { return nil }
      if let block = Memory.map(size, alignment: alignment) { return block }
      trim()
      return Memory.map(size, alignment: alignment)
    }

    /// Returns the blocks that lay unused longest to the system while, with `size` more, memory would be taken beyond
    /// the limit, or far beyond the most that was ever in use: sizes change from one piece of work to the next. Those of
    /// an attack and of a training step differ, and fit side by side.
    private mutating func makeRoom(for size: Int, within limit: Int) {
      let most = max(statistics.peak, statistics.inUse + size)
      let bound = min(limit, most + most / 4 + 16 * Memory.slabSize)
      while statistics.inUse + statistics.cached > bound - size {
        let large = free.filter { $0.key >= Memory.hugePage && !$0.value.isEmpty }
        guard let oldest = large.min(by: { $0.value[0].freed < $1.value[0].freed })?.key else {
          trimSlabs()
          return
        }
        if let block = free[oldest]?.removeFirst() { giveBack(block) }
      }
    }

    private mutating func giveBack(_ block: Block) {
      munmap(block.pointer, block.capacity)
      statistics.cached -= block.capacity
    }

    mutating func trim() {
      for (size, blocks) in free where size >= Memory.hugePage {
        for block in blocks { giveBack(block) }
        free[size] = nil
      }
      trimSlabs()
    }

    /// Returns the slabs of which every block is free.
    private mutating func trimSlabs() {
      if let rest = slab { keepParts(rest) }
      slab = nil
      var unused: [UInt: Int] = [:]
      for (size, blocks) in free where size < Memory.hugePage {
        for block in blocks { unused[Memory.slab(of: block), default: 0] += size }
      }
      let whole = unused.filter { $0.value == Memory.slabSize }
      guard !whole.isEmpty else { return }
      for size in free.keys where size < Memory.hugePage {
        free[size]?.removeAll { whole[Memory.slab(of: $0)] != nil }
      }
      for base in whole.keys {
        if let pointer = UnsafeMutableRawPointer(bitPattern: base) {
          giveBack(Block(pointer: pointer, capacity: Memory.slabSize))
        }
      }
    }
  }

  private static func slab(of block: Block) -> UInt { UInt(bitPattern: block.pointer) & ~UInt(slabSize - 1) }

  /// Fresh memory from the system, in huge pages.
  private static func map(_ size: Int, alignment: Int) -> Block? {
    let (padded, overflow) = size.addingReportingOverflow(alignment)
    guard !overflow, let base = mmap(nil, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
      base != MAP_FAILED
    else { return nil }
    let front = -Int(bitPattern: base) & (alignment - 1)
    if front > 0 { munmap(base, front) }
    let back = padded - front - size
    if back > 0 { munmap(base + front + size, back) }
    madvise(base + front, size, MADV_HUGEPAGE)
    return Block(pointer: base + front, capacity: size)
  }

  private static let state = Locked(State())

  /// `byteCount` rounded up to a class: eight per doubling, multiples of 64 bytes, from 2 MB on multiples of 2 MB.
  private static func sizeClass(_ byteCount: Int) -> Int? {
    let floor = byteCount <= smallest ? smallest : byteCount
    guard floor <= Int.max / 4 else { return nil }
    let step = max(smallest, (1 << (Int.bitWidth - 1 - floor.leadingZeroBitCount)) / 8)
    let size = (floor + step - 1) / step * step
    return size < hugePage ? size : (size + hugePage - 1) / hugePage * hugePage
  }

  private static func initialLimit() -> Int {
    if let bytes = Environment.memoryLimit { return bytes }
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && pageSize > 0 ? pages * pageSize / 10 * 9 : Int.max / 4
  }
}
