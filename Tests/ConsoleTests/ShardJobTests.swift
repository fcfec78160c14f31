import Console
import Foundation
import TestSupport
import Testing

/// Processes that run, are killed, told to stop and started again.
@Suite(.serialized)
struct ShardJobTests {
  private let folder = FileManager.default.temporaryDirectory.appending(path: "ltd-jobs-\(UUID().uuidString)")

  init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

  private func write(_ name: String, _ text: String, mode: Int = 0o644) throws {
    let path = folder.appending(path: name).path
    try Data(text.utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
  }

  private func text(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: folder.appending(path: name)), as: UTF8.self)
  }

  /// Runs a command line of bash in the folder, with $LTD as the program.
  private func shell(_ text: String, variables: [String: String] = [:]) -> ChildProcess {
    ChildProcess.run(
      "/bin/bash", ["-c", "cd \"$FOLDER\" || exit 99\n\(text)"],
      environment: ["FOLDER": folder.path, "LTD": BuiltProgram.path].merging(variables) { $1 }, seconds: 150)
  }

  /// Long enough to be killed in the middle, with rows to compare.
  private static let study = """
    net = smallcnn(width=4, seed=1)
    train, test = glyphs(n=40, test=120, seed=1)
    r = evaluate(net, test, attacks=pgd(steps=STEPS), eps=0.05, batch=10, seed=3, quiet=true)
    q = evaluate(net.at(T=2), test, attacks=square(queries=STEPS), eps=0.05, batch=10, seed=3, quiet=true)
    print(to_json([r.table, q.table]))

    """

  private func study(steps: Int) -> String { Self.study.replacing("STEPS", with: "\(steps)") }

  /// Whatever is killed, the end is that of a run that was left alone.
  @Test func killedShardsAreStartedAgain() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("study.ltd", study(steps: 60))
    let child = shell(
      """
      "$LTD" study.ltd --jobs 2 > out.txt 2> err.txt & jobs=$!
      for shard in 1 2; do
        note=study.shards/shards/$shard-of-2.json
        until [ -n "$pid" ]; do
          pid=$(sed -n 's/.*"process": *\\([0-9]*\\).*/\\1/p' $note 2>/dev/null)
          kill -0 $jobs 2>/dev/null || break
        done
        kill -9 $pid; pid=
      done
      wait $jobs; echo $?
      "$LTD" study.ltd > alone.txt
      cmp out.txt alone.txt && echo same
      """)
    #expect(child.output == "0\nsame\n", "\(child.output)\(child.errorOutput)")
    let notes = try text("err.txt")
    for shard in 1...2 {
      #expect(notes.contains("shard \(shard)/2 was ended by signal 9, and is started again"), "\(notes)")
    }
  }

  /// A shard that is killed again and again is reported; the others do their share, and what is missing is known.
  @Test func aShardThatCannotLiveIsReported() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("study.ltd", study(steps: 200))
    let child = shell(
      """
      "$LTD" study.ltd --jobs 2 > out.txt 2> err.txt & jobs=$!
      note=study.shards/shards/1-of-2.json
      for start in 1 2 3; do
        until grep -q '"starts": *'$start, $note 2>/dev/null; do kill -0 $jobs 2>/dev/null || break; done
        kill -9 $(sed -n 's/.*"process": *\\([0-9]*\\).*/\\1/p' $note)
      done
      wait $jobs; echo $?; wc -c < out.txt | tr -d ' '
      "$LTD" status study.shards | grep -c ' 1/2 *dead .*start 3'
      "$LTD" study.ltd --jobs 2 > out.txt; echo $?
      "$LTD" study.ltd > alone.txt
      cmp out.txt alone.txt && echo same
      """)
    #expect(child.output == "1\n0\n1\n0\nsame\n", "\(child.output)\(child.errorOutput)")
    let notes = try text("err.txt")
    #expect(
      notes.contains("shard 1/2 was ended by signal 9, and was started again 2 times; its output is in"), "\(notes)")
    #expect(!notes.contains("shard 2/2"))
  }

  @Test func jobsThatAreToldToStopContinue() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("study.ltd", study(steps: 100))
    let child = shell(
      """
      "$LTD" study.ltd --jobs 2 > out.txt 2> err.txt & jobs=$!
      until ls study.shards/work/*.2-of-2 2>/dev/null >&2; do kill -0 $jobs || break; done
      kill -TERM $jobs; wait $jobs; echo $?
      grep -l running study.shards/shards/*.json
      "$LTD" study.ltd --jobs 3 > out.txt; echo $?
      "$LTD" study.ltd > alone.txt
      cmp out.txt alone.txt && echo same
      """)
    #expect(child.output == "76\n0\nsame\n", "\(child.output)\(child.errorOutput)")
    #expect(try text("err.txt").contains("what is finished is kept"))
  }

  /// SIGTERM and SIGUSR1 leave a checkpoint, and the weights of the end are those of a run that nobody disturbed.
  @Test(arguments: ["TERM", "USR1"])
  func aTrainingThatIsToldToStopWritesItsCheckpoint(_ signal: String) throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write(
      "train.ltd",
      """
      net = smallcnn(width=4, seed=1)
      train, test = glyphs(n=200, seed=1)
      r = fit(net, train, epochs=int(args()[1]), batch=20, lr=0.05, checkpoint=args()[0], quiet=true)
      print(net.fingerprint)

      """)
    let child = shell(
      """
      "$LTD" train.ltd run 400 > out.txt & fit=$!
      until [ -d run ]; do kill -0 $fit || break; done
      kill -\(signal) $fit; wait $fit; echo $?
      ls run | wc -l | tr -d ' '
      """)
    let lines = child.output.split(separator: "\n")
    #expect(lines.first == "76", "\(child.output)\(child.errorOutput)")
    #expect(lines.last != "0")
    #expect(try text("out.txt").isEmpty)
  }

  /// A stand-in for Slurm: `sbatch` runs the tasks of an array one after another, and then what depends on it.
  private func installSlurm() throws {
    try FileManager.default.createDirectory(at: folder.appending(path: "bin"), withIntermediateDirectories: true)
    try write(
      "bin/sbatch",
      """
      #!/bin/bash
      script=$(mktemp); cat > "$script"; n=$(($(cat count 2>/dev/null || echo 0) + 1)); echo $n > count
      cp "$script" job-$n.sh; echo "$@" >> sbatch.log
      output=$(sed -n 's/^#SBATCH --output=//p' "$script")
      array=$(sed -n 's/^#SBATCH --array=//p' "$script" | tr ',' '\\n' | sed 's/^\\([0-9]*\\)-\\([0-9]*\\)$/seq \\1 \\2/; s/^\\([0-9]*\\)$/echo \\1/')
      for task in $(eval "$array" | grep -v "^${BROKEN:-none}\\$"); do
        SLURM_ARRAY_JOB_ID=$n SLURM_ARRAY_TASK_ID=$task SLURM_JOB_ID=$n bash "$script" >> "${output//%a/$task}" 2>&1
        echo "task $task $?" >> sbatch.log
      done
      if [ -z "$array" ]; then bash "$script" >> "$output" 2>&1; echo "merge $?" >> sbatch.log; fi
      echo "$n;cluster"

      """, mode: 0o755)
    try write("bin/scontrol", "#!/bin/bash\necho \"$@\" >> scontrol.log\n", mode: 0o755)
    try write("bin/squeue", "#!/bin/bash\nexit 0\n", mode: 0o755)
  }

  /// From the first submission to the tables; a task that was lost is submitted again, and nothing else.
  @Test func anArrayOfSlurmEndsInTheSame() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try installSlurm()
    try write(
      "study.ltd",
      study(steps: 5).replacing("print(to_json", with: "print(args(), to_json"))
    let child = shell(
      """
      PATH="$PWD/bin:$PATH"
      submit() { "$LTD" submit --cells 3 --time 1:00 --sbatch=--mem=1G study.ltd "a b" "it's"; }
      BROKEN=2 submit
      "$LTD" status study.shards | grep -c ' [13]/3 .*waiting'
      submit; submit; submit
      "$LTD" merge study.shards > out.txt; "$LTD" study.ltd "a b" "it's" > alone.txt; cmp out.txt alone.txt && echo same
      tail -n 1 study.shards/log/merge.txt | cmp - alone.txt && echo same
      """)
    let lines = child.output.split(separator: "\n").map(String.init)
    #expect(lines.first == "shards 1-3 are job 1, the merge is job 2", "\(child.output)\(child.errorOutput)")
    #expect(lines.dropFirst().first == "2")
    #expect(lines.suffix(2) == ["same", "same"], "\(child.output)\(child.errorOutput)")
    #expect(child.errorOutput.contains("'study.shards' is merged: nothing is left to do"), "\(child.errorOutput)")
    let log = try text("sbatch.log")
    #expect(log.contains("--parsable --dependency=afterany:1"))
    let script = try text("job-1.sh")
    #expect(script.contains("#SBATCH --time=1:00\n") && script.contains("#SBATCH --mem=1G\n"))
  }

  @Test func aTaskThatIsToldToStopIsQueuedAgain() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try installSlurm()
    try write("study.ltd", study(steps: 400))
    let child = shell(
      """
      PATH="$PWD/bin:$PATH"
      "$LTD" submit --print --cells 1 study.ltd > job.sh
      SLURM_ARRAY_JOB_ID=7 SLURM_ARRAY_TASK_ID=1 bash job.sh & task=$!
      until ls study.shards/work/*.1-of-1 2>/dev/null >&2; do kill -0 $task || break; done
      kill -USR1 $task; wait $task; echo $?; cat scontrol.log
      "$LTD" status study.shards | grep -c 'stopped .* 7_1'
      """)
    #expect(child.output == "76\nrequeue 7_1\n1\n", "\(child.output)\(child.errorOutput)")
  }

  @Test func withoutSlurmThatIsSaid() throws {
    defer { try? FileManager.default.removeItem(at: folder) }
    try write("study.ltd", "print(1)\n")
    let child = shell("PATH=/nowhere \"$LTD\" submit --cells 2 study.ltd")
    #expect(child.ending == .exited(1) && child.errorOutput.contains("there is no sbatch"), "\(child.errorOutput)")
    let odd = shell(
      "mkdir bin; printf '#!/bin/sh\\necho no >&2; exit 1\\n' > bin/sbatch; chmod +x bin/sbatch; "
        + "PATH=\"$PWD/bin:$PATH\" \"$LTD\" submit --cells 2 study.ltd")
    #expect(
      odd.ending == .exited(1) && odd.errorOutput.contains("sbatch did not take the script: no"), "\(odd.errorOutput)")
  }
}
