import Console
import Foundation
import TestSupport
import Testing

/// What the program writes to files, as a shell sees it: each script works in a folder of its own.
@Suite struct FileWritingTests {
  func shell(_ text: String) -> ChildProcess {
    let setup = "f=$(mktemp -d) && cd \"$f\" && trap 'rm -rf \"$f\"' EXIT\n"
    return ChildProcess.run("/bin/sh", ["-c", setup + text], environment: ["LTD": BuiltProgram.path], seconds: 60)
  }

  @Test func standardOutputIsWrittenThrough() {
    let code = #"print("a"); write_text("/dev/stdout", "b\n"); write_text("/dev/fd/1", "c\n"); print("d")"#
    #expect(shell("\"$LTD\" -e '\(code)' | cat").output == "a\nb\nc\nd\n")
    #expect(shell("echo before > x; \"$LTD\" -e '\(code)' >> x; cat x; ls").output == "before\na\nb\nc\nd\nx\n")
    let inherited = "exec 7> x; echo 1 >&7; \"$LTD\" -e 'write_text(\"/dev/fd/7\", \"2\\n\")'; echo 3 >&7; cat x"
    #expect(shell(inherited).output == "1\n2\n3\n")
    #expect(shell("\"$LTD\" -e 'write_text(\"/dev/stderr\", \"e\")'").errorOutput == "e")
    #expect(shell("\"$LTD\" -e 'write_text(\"/dev/fd/77\", \"e\")'").ending == .exited(1))
  }

  @Test func eachWriterKeepsLinksAndModes() {
    let writers = [
      #"write_text("link", "new")"#, #"save_png(zeros([1, 4, 4]), "link")"#, #"save_model(mlp(hidden=[4]), "link")"#,
      #"import tables; tables.write_csv([{a: 1}], "link")"#, #"import files; files.write_json([1], "link")"#,
      #"import tables; tables.write_json([{a: 1}], "link")"#,
    ]
    for writer in writers {
      let child = shell(
        "echo old > real; chmod 640 real; ln -s real link; \"$LTD\" -e '\(writer)'; ls; "
          + "[ -L link ] && ! grep -q old real && stat -c %a real")
      #expect(child.output == "link\nreal\n640\n", "\(writer): \(child.errorOutput)")
    }
    let laidOut = shell(
      "echo '1+1' > real; chmod 640 real; ln -s real x.ltd; \"$LTD\" fmt x.ltd; cat x.ltd; [ -L x.ltd ] && stat -c %a real"
    )
    #expect(laidOut.output == "1 + 1\n640\n")
  }

  @Test func aPipeWithoutAReaderCanBeStopped() {
    let child = shell("mkfifo p; \"$LTD\" --max-seconds 0.3 -e 'write_text(\"p\", \"x\")'; echo $?; ls")
    #expect(child.output == "1\np\n")
    #expect(child.errorOutput.contains("stopped after 0.3 seconds"))
    let interrupted = shell(
      """
      mkfifo p; echo 'print("go"); flush(); write_text("p", "x"); print("after")' > s.ltd
      "$LTD" s.ltd > out & while [ ! -s out ]; do sleep 0.05; done; sleep 0.2; kill -INT $!; wait $!; echo $?; cat out
      """)
    #expect(interrupted.output == "130\ngo\n")
    #expect(shell("mkfifo p; cat p & \"$LTD\" -e 'write_text(\"p\", \"x\")'; wait; ls").output == "xp\n")
  }

  // The thread sanitizer takes the signal of the limit for a crash.
  @Test(.disabled(if: isSanitized)) func aFileThatGrowsTooLargeLeavesTheOldOne() {
    let save = "sh -c 'ulimit -f 64; \"$LTD\" -e \"write_text(\\\"x\\\", \\\"new\\\" * 100000)\"'; echo $?; cat x; ls"
    let child = shell("echo old > x; \(save)")
    #expect(child.output == "1\nold\nx\n")
    #expect(child.errorOutput.contains("cannot write 'x': file too large"))
    #expect(shell("echo old > x; ln x y; \(save)").output == "1\nold\nx\ny\n")
    #expect(shell("mkdir d; ln -s d/x x; echo old > d/x; \(save) d").output == "1\nold\nx\n")
  }

  /// On a disk of its own, where one can be had.
  @Test func aFullDiskLeavesTheOldFile() {
    let child = shell(
      """
      mkdir d; echo 'write_text("d/x", "new" * 100000)' > s.ltd
      unshare -m sh -c 'mount -t tmpfs -o size=64k none d || exit 77
      for i in 1 2; do echo old > d/x; "$LTD" s.ltd; echo $?; cat d/x; ls d; [ -e d/y ] || ln d/x d/y; done' || echo skipped
      """)
    guard child.output != "skipped\n" else {
      print("skipped: no disk can be mounted here")
      return
    }
    #expect(child.output == "1\nold\nx\n1\nold\nx\ny\n")
    #expect(child.errorOutput.contains("cannot write 'd/x': no space left on device"))
    #expect(child.errorOutput.contains("hint: what was there before is as it was"))
  }

  /// As a user who may write the file, but not into its folder; and one who may not write the file.
  @Test func aFolderThatTakesNoNewFilesIsNotNeeded() throws {
    let change = getuid() == 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups" : ""
    let child = shell(
      """
      mkdir d; chmod 755 . d; echo old > d/x; echo kept > d/y; chmod 666 d/x; chmod 444 d/y
      [ -z "\(change)" ] && chmod 555 d
      for n in x y z; do \(change) "$LTD" -e "write_text(\\"d/$n\\", \\"new\\n\\")"; echo $?; done; cat d/*; ls d; chmod 755 d
      """)
    #expect(child.output == "0\n1\n1\nnew\nkept\nx\ny\n", "\(child.errorOutput)")
    #expect(child.errorOutput.contains("cannot write 'd/y': its mode protects it"))
  }

  @Test func whatAKilledProcessLeftIsCleanedByTheNextSave() {
    let child = shell(
      """
      echo half > x.$$.tmp; sh -c 'echo half > x.$$.tmp'; ls | wc -l
      "$LTD" -e 'write_text("x", "new\\n")'; cat x; [ -f x.$$.tmp ] && rm x.$$.tmp && ls
      """)
    #expect(child.output == "2\nnew\nx\n", "\(child.ending) \(child.errorOutput)")
  }
}
