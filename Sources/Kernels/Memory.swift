import CCPU
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A block of memory from the caching allocator, 64-byte aligned, not initialised; returned to it when released
/// (keep it alive with `extendLifetime` as long as its pointer is in use).
package final class Buffer: @unchecked Sendable {
  package let bytes: UnsafeMutableRawPointer
  /// At least what was asked for.
  package let capacity: Int

  private init(bytes: UnsafeMutableRawPointer, capacity: Int) {
    self.bytes = bytes
    self.capacity = capacity
  }

  deinit { Memory.release(bytes, capacity: capacity) }

  /// Nil when `byteCount` is negative, beyond the limit, or more than the system gives.
  package static func make(byteCount: Int) -> Buffer? {
    guard let (bytes, capacity) = Memory.allocate(byteCount) else { return nil }
    return Buffer(bytes: bytes, capacity: capacity)
  }

  /// Room for `count` values of a trivial type. Nil as for `make(byteCount:)`, and when the size overflows.
  package static func make<T: BitwiseCopyable>(_ type: T.Type, count: Int) -> Buffer? {
    let (size, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<T>.stride)
    return overflow ? nil : make(byteCount: size)
  }

  package var floats: UnsafeMutablePointer<Float> { bytes.assumingMemoryBound(to: Float.self) }
}

/// The caching allocator: freed blocks are kept by size class and used again, since fresh pages cost ten times a reuse.
package enum Memory {
  package struct Statistics: Sendable {
    /// Bytes in live buffers, and the most that ever were.
    package var inUse = 0
    package var peak = 0
    /// Bytes kept for reuse.
    package var cached = 0
  }

  /// The most bytes that live and cached buffers may take together. LTD_MEMORY_LIMIT (bytes, or with a suffix K, M or
  /// G), else nine tenths of the machine's memory.
  package static var limit: Int {
    get { state.withLock { $0.limit } }
    set { state.withLock { $0.limit = newValue } }
  }

  package static var statistics: Statistics { state.withLock { $0.statistics } }

  /// Starts a new peak measurement at what is in use now.
  package static func resetPeak() { state.withLock { $0.statistics.peak = $0.statistics.inUse } }

  /// Gives every cached block back to the system.
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
  }

  /// Blocks of this size and more are mapped on their own, in huge pages.
  private static let hugePage = 1 << 21
  /// Between this size and `hugePage`, blocks are cut from slabs in huge pages and never leave the pool.
  private static let smallest = 1 << 6
  private static let slabSize = 1 << 23

  private struct State: Sendable {
    var statistics = Statistics()
    var limit = Memory.initialLimit()
    var free: [Int: [Block]] = [:]
    var slab: Block?

    mutating func allocate(_ byteCount: Int) -> Block? {
      guard byteCount >= 0, byteCount <= limit, let size = Memory.sizeClass(byteCount) else { return nil }
      guard let block = cached(size) ?? fresh(size) else { return nil }
      statistics.inUse += block.capacity
      statistics.peak = max(statistics.peak, statistics.inUse)
      return block
    }

    mutating func release(_ block: Block) {
      statistics.inUse -= block.capacity
      statistics.cached += block.capacity
      free[block.capacity, default: []].append(block)
    }

    private mutating func cached(_ size: Int) -> Block? {
      guard let block = free[size]?.popLast() else { return nil }
      statistics.cached -= size
      return block
    }

    private mutating func fresh(_ size: Int) -> Block? {
      if statistics.inUse > limit - size { return nil }
      if statistics.inUse + statistics.cached > limit - size { trim() }
      if size >= Memory.hugePage {
        return map(size)
          ?? {
            trim()
            return map(size)
          }()
      }
      if slab == nil || slab!.capacity < size {
        if let rest = slab { keepRest(rest) }
        slab = map(Memory.slabSize)
      }
      guard let slab else { return nil }
      self.slab = Block(pointer: slab.pointer + size, capacity: slab.capacity - size)
      return Block(pointer: slab.pointer, capacity: size)
    }

    /// Cuts what is left of a slab into blocks of the largest classes that fit.
    private mutating func keepRest(_ rest: Block) {
      var rest = rest
      while rest.capacity >= Memory.smallest {
        var size = Memory.smallest
        while size * 2 <= rest.capacity { size *= 2 }
        statistics.cached += size
        free[size, default: []].append(Block(pointer: rest.pointer, capacity: size))
        rest = Block(pointer: rest.pointer + size, capacity: rest.capacity - size)
      }
    }

    private func map(_ size: Int) -> Block? {
      let (padded, overflow) = size.addingReportingOverflow(Memory.hugePage)
      guard !overflow, let base = mmap(nil, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
        base != MAP_FAILED
      else { return nil }
      let front = -Int(bitPattern: base) & (Memory.hugePage - 1)
      if front > 0 { munmap(base, front) }
      let back = padded - front - size
      if back > 0 { munmap(base + front + size, back) }
      madvise(base + front, size, MADV_HUGEPAGE)
      return Block(pointer: base + front, capacity: size)
    }

    mutating func trim() {
      for (size, blocks) in free where size >= Memory.hugePage {
        for block in blocks { munmap(block.pointer, block.capacity) }
        statistics.cached -= size * blocks.count
        free[size] = nil
      }
    }
  }

  private static let state = Mutex(State())

  /// `byteCount` rounded up to a class: eight per doubling, multiples of 64 bytes, from 2 MB on multiples of 2 MB.
  private static func sizeClass(_ byteCount: Int) -> Int? {
    let floor = byteCount <= smallest ? smallest : byteCount
    guard floor <= Int.max / 4 else { return nil }
    let step = max(smallest, (1 << (Int.bitWidth - 1 - floor.leadingZeroBitCount)) / 8)
    let size = (floor + step - 1) / step * step
    return size < hugePage ? size : (size + hugePage - 1) / hugePage * hugePage
  }

  private static func initialLimit() -> Int {
    if let text = getenv("LTD_MEMORY_LIMIT"), let bytes = parse(String(cString: text)) { return bytes }
    let pages = sysconf(Int32(_SC_PHYS_PAGES))
    let pageSize = sysconf(Int32(_SC_PAGESIZE))
    return pages > 0 && pageSize > 0 ? pages * pageSize / 10 * 9 : Int.max / 4
  }

  private static func parse(_ text: String) -> Int? {
    let shifts: [Character: Int] = ["K": 10, "M": 20, "G": 30]
    let shift = text.last.flatMap { shifts[Character($0.uppercased())] }
    guard let number = Int(shift == nil ? text[...] : text.dropLast()), number > 0 else { return nil }
    let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (shift ?? 0))
    return overflow ? nil : bytes
  }
}
