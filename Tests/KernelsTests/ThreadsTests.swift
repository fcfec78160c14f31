import Foundation
import Kernels
import Synchronization
import Testing

@Suite struct ThreadsTests {
  @Test func everyChunkRunsOnce() {
    for count in [0, 1, 2, 7, 100, 1001] {
      for grain in [1, 3, 64, 5000] {
        let seen = (0..<count).map { _ in Counter() }
        Threads.parallelFor(count, grain: grain) { range in
          #expect(range.lowerBound % grain == 0 && range.count <= grain)
          for i in range { seen[i].value.wrappingAdd(1, ordering: .relaxed) }
        }
        #expect(seen.allSatisfy { $0.value.load(ordering: .relaxed) == 1 })
      }
    }
  }

  @Test func manyCallersAndNestedCalls() {
    let before = Threads.count
    Threads.count = 3
    defer { Threads.count = before }
    let total = Counter()
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for _ in 0..<500 {
        Threads.parallelFor(8, grain: 1) { _ in
          Threads.parallelFor(4, grain: 1) { _ in total.value.wrappingAdd(1, ordering: .relaxed) }
        }
      }
    }
    #expect(total.value.load(ordering: .relaxed) == 4 * 500 * 32)
  }

  @Test func slotsStayInRange() {
    let slots = Threads.count
    let wrong = Counter()
    for _ in 0..<200 {
      Threads.parallelFor(50, grain: 1, slots: slots) { _, slot in
        if slot < 0 || slot >= slots { wrong.value.wrappingAdd(1, ordering: .relaxed) }
      }
    }
    #expect(wrong.value.load(ordering: .relaxed) == 0)
  }

  @Test(arguments: InstructionSet.available)
  func everyThreadUsesTheInstructionSetOfTheCaller(_ set: InstructionSet) {
    let before = Threads.count
    Threads.count = 3
    defer { Threads.count = before }
    let other = Counter()
    InstructionSet.with(set) {
      Threads.parallelFor(300, grain: 1) { _ in
        if InstructionSet.current != set { other.value.wrappingAdd(1, ordering: .relaxed) }
        usleep(20)
      }
    }
    #expect(other.value.load(ordering: .relaxed) == 0)
  }

  @Test func threadCountIsLimited() {
    let before = Threads.count
    defer { Threads.count = before }
    Threads.count = -3
    #expect(Threads.count == 1)
    Threads.count = .max
    #expect(Threads.count == 256)
  }
}

private final class Counter: Sendable {
  let value = Atomic(0)
}

@Suite(.serialized) struct MemoryTests {
  @Test func impossibleSizesGiveNil() {
    #expect(Buffer.make(byteCount: -1) == nil)
    #expect(Buffer.make(byteCount: .max) == nil)
    #expect(Buffer.make(byteCount: .max / 2) == nil)
    #expect(Buffer.make(Float.self, count: .max / 2) == nil)
    #expect(Buffer.make(Float.self, count: -5) == nil)
    #expect(Buffer.make(byteCount: Memory.limit + 1) == nil)
  }

  @Test func blocksAreAlignedAndDistinct() throws {
    let sizes = [0, 1, 63, 64, 65, 1000, 4096, 100_000, 1 << 20, (2 << 20) - 1, 2 << 20, 3_000_000, 20_000_000]
    for _ in 0..<3 {
      let buffers = try sizes.map { try #require(Buffer.make(byteCount: $0)) }
      for (size, buffer) in zip(sizes, buffers) {
        #expect(Int(bitPattern: buffer.bytes) % 64 == 0)
        #expect(buffer.capacity >= size && buffer.capacity <= max(size * 3 / 2, size + (2 << 20)))
        memset(buffer.bytes, 0x5a, buffer.capacity)
      }
      let spans = buffers.map { (Int(bitPattern: $0.bytes), $0.capacity) }.sorted { $0.0 < $1.0 }
      for (first, second) in zip(spans, spans.dropFirst()) { #expect(first.0 + first.1 <= second.0) }
    }
  }

  @Test func freedBlocksAreUsedAgain() throws {
    var first: UnsafeMutableRawPointer?
    var again = 0
    for _ in 0..<100 {
      let buffer = try #require(Buffer.make(byteCount: 77_777_777))
      if buffer.bytes == first { again += 1 }
      first = buffer.bytes
    }
    #expect(again > 50)
    #expect(Memory.statistics.peak >= 77_777_777)
  }

  @Test func smallBlocksGoBackToTheSystem() throws {
    Memory.trim()
    let before = Memory.statistics
    var buffers: [Buffer] = []
    for _ in 0..<100_000 { buffers.append(try #require(Buffer.make(byteCount: 1000))) }
    #expect(Memory.statistics.inUse >= 100_000_000)
    buffers = []
    Memory.trim()
    // Slabs that others began to use meanwhile stay.
    #expect(Memory.statistics.cached <= before.cached + (64 << 20))
  }

  @Test func unusedBlocksMakeRoomForOtherSizes() throws {
    let most = Memory.statistics.peak + (600 << 20)
    for step in 0..<40 {
      let buffer = try #require(Buffer.make(byteCount: (100 + 14 * step) << 20))
      let statistics = Memory.statistics
      #expect(statistics.inUse + statistics.cached <= (most + (600 << 20)) / 4 * 5 + (192 << 20))
      withExtendedLifetime(buffer) {}
    }
  }
}
