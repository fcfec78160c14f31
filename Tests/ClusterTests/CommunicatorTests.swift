import Base
import Testing

@testable import Cluster

/// What ranks say to each other, with threads as ranks.
@Suite struct CommunicatorTests {
  private func failures<Outcome>(_ outcomes: [Result<Outcome, any Error>]) -> [CoreError?] {
    outcomes.map { if case .failure(let error) = $0 { error as? CoreError } else { nil } }
  }

  @Test(arguments: [1, 2, 3, 5]) func allHearAll(_ count: Int) throws {
    let outcomes = ThreadRanks.run(count) { ranks in
      try (0..<20).map { round in
        try ranks.meet(.step, round, saying: Array(repeating: UInt8(ranks.rank), count: ranks.rank * round))
      }
    }
    for outcome in outcomes {
      for (round, said) in try outcome.get().enumerated() {
        #expect(said == (0..<count).map { Array(repeating: UInt8($0), count: $0 * round) })
      }
    }
  }

  @Test(arguments: [1, 2, 4]) func piecesAreExchanged(_ count: Int) throws {
    let outcomes = ThreadRanks.run(count) { ranks -> [UInt8] in
      // Rank a gives rank b a + b bytes, which say so.
      let sizes = (0..<count).map { ranks.rank + $0 }
      let own = sizes.enumerated().flatMap { Array(repeating: UInt8(ranks.rank * 16 + $0.offset), count: $0.element) }
      let all = Message(byteCount: sizes.reduce(0, +))
      try ranks.beginExchange(Message(own), sizes, into: all, sizes).wait()
      return Array(all.bytes)
    }
    for (rank, outcome) in outcomes.enumerated() {
      let expected = (0..<count).flatMap { Array(repeating: UInt8($0 * 16 + rank), count: $0 + rank) }
      #expect(try outcome.get() == expected)
    }
  }

  /// What has begun is told apart, in whatever order it is waited for.
  @Test func severalTravelAtATime() throws {
    let outcomes = ThreadRanks.run(3) { ranks -> [[UInt8]] in
      let all = (0..<6).map { _ in Message(byteCount: 6) }
      let deliveries = try all.enumerated().map { number, message in
        let own = Message(Array(repeating: UInt8(10 * number + ranks.rank), count: number.isMultiple(of: 2) ? 2 : 6))
        return number.isMultiple(of: 2)
          ? try ranks.beginGather(own, into: message, [2, 2, 2])
          : try ranks.beginExchange(own, [2, 2, 2], into: message, [2, 2, 2])
      }
      for delivery in deliveries.reversed() { try delivery.wait() }
      #expect(try deliveries.allSatisfy { try $0.isDone() })
      return all.map { Array($0.bytes) }
    }
    let expected = (0..<6).map { (number: Int) -> [UInt8] in
      (0..<6).map { (place: Int) -> UInt8 in UInt8(10 * number + place / 2) }
    }
    for outcome in outcomes { #expect(try outcome.get() == expected) }
  }

  @Test func ranksThatHaveComeApartSaySo() {
    let places = failures(ThreadRanks.run(2) { ranks in _ = try ranks.meet(ranks.isFirst ? .step : .end) })
    #expect(
      places.allSatisfy { $0?.message == "the ranks have come apart: rank 0 is in a step of fit, rank 1 is at its end" }
    )
    let numbers = failures(ThreadRanks.run(3) { ranks in _ = try ranks.meet(.step, ranks.rank / 2) })
    #expect(numbers.allSatisfy { $0?.message.contains("of another number") == true })
  }

  @Test func oneThatFailsFailsForAll() {
    let errors = failures(
      ThreadRanks.run(3) { ranks in
        try ranks.together(.epoch) {
          if ranks.rank == 1 { throw CoreError(.io, "it cannot be", hint: "try", argument: "x") }
        }
      })
    for error in errors {
      #expect(
        error?.message == "rank 1: it cannot be" && error?.kind == .io && error?.hint == "try" && error?.argument == "x"
      )
    }
    let stops = failures(
      ThreadRanks.run(3) { ranks in
        try ranks.together(.epoch) {
          if ranks.rank > 0 { throw CoreError(ranks.rank == 1 ? .value : .interrupted, "interrupted") }
        }
      })
    #expect(stops.allSatisfy { $0?.kind == .interrupted })
  }

  @Test func oneThatDoesNotComeIsNotWaitedFor() {
    let errors = failures(
      ThreadRanks.run(2) { ranks in
        if ranks.isFirst { _ = try ranks.meet(.end, within: 0.05) }
      })
    #expect(errors[0]?.message.contains("have not come within 0.05 s") == true)
  }

  @Test func oneThatEndsAllEndsThoseThatWait() {
    let errors = failures(
      ThreadRanks.run(3) { ranks in
        if ranks.rank == 2 { ranks.abort(status: 1) } else { _ = try ranks.meet(.step) }
      })
    #expect(errors.prefix(2).allSatisfy { $0?.message == "rank 2 has ended all" })
  }

  /// A file is written by the first rank, and is there for all when they go on.
  @Test func theFirstRankWrites() throws {
    let path = "/tmp/ltd-ranks-\(UInt64.random(in: 0...UInt64.max)).txt"
    let outcomes = ThreadRanks.run(3) { ranks -> String in
      let group = Ranks(ranks)
      return try RunSettings(ranks: group).carry {
        try AtomicFile.replace(path, parts: [Array("of rank \(ranks.rank)".utf8)])
        let text = try FileReader.text(of: path)
        try ranks.together(.kept) {}
        withExtendedLifetime(group) {}
        return text
      }
    }
    #expect(try outcomes.map { try $0.get() } == Array(repeating: "of rank 0", count: 3))
    try RunSettings.alone { try Folder.removeFile(path) }
    let refused = failures(
      ThreadRanks.run(2) { ranks in
        let group = Ranks(ranks)
        try RunSettings(ranks: group).carry { try AtomicFile.replace("/nowhere/at/all", parts: []) }
        withExtendedLifetime(group) {}
      })
    #expect(refused.allSatisfy { $0?.kind == .io && $0?.message.hasPrefix("rank 0: ") == true })
  }
}

/// Launchers, as they show in the environment, and libraries that are none.
@Suite struct LauncherTests {
  private func launcher(_ variables: [String: String]) -> Launcher? { Launcher { variables[$0] } }

  @Test func launchersShowInTheEnvironment() {
    #expect(launcher([:]) == nil)
    #expect(launcher(["OMPI_COMM_WORLD_SIZE": "1", "OMPI_COMM_WORLD_RANK": "0"]) == nil)
    let open = launcher(
      ["OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_LOCAL_SIZE": "2", "PMIX_RANK": "3"])
    #expect(open?.kind == .openMPI && open?.rank == 3 && open?.size == 4 && open?.localSize == 2)
    let mpich = launcher(["PMI_SIZE": "2", "PMI_RANK": "1", "MPI_LOCALNRANKS": "2"])
    #expect(mpich?.kind == .pmi && mpich?.rank == 1 && mpich?.size == 2 && mpich?.localSize == 2)
    let other = launcher(["PMIX_RANK": "5"])
    #expect(other?.kind == .pmix && other?.rank == 5 && other?.size == nil)
    // An array of Slurm is no launcher.
    #expect(launcher(["SLURM_PROCID": "3", "SLURM_NTASKS": "8"]) == nil)
    #expect(open.map { $0.threads >= 1 } == true)
  }

  @Test func aLibraryThatIsNoneIsRefused() throws {
    let launcher = try #require(self.launcher(["PMI_SIZE": "2", "PMI_RANK": "1"]))
    let missing = #expect(throws: CoreError.self) { try MPILibrary.open(for: launcher, given: "/nowhere/libmpi.so") }
    #expect(
      missing?.message.contains("there is no libmpi to talk to the other processes: '/nowhere/libmpi.so'") == true)
    let wrong = #expect(throws: CoreError.self) { try MPILibrary.open(for: launcher, given: "libz.so.1") }
    #expect(wrong?.message.contains("it is no library of MPI") == true)
  }
}
