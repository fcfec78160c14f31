import Foundation

/// Whether the tests run under a sanitizer (`.ci/sanitize`), which makes work several times slower and keeps memory.
public let isSanitized = ProcessInfo.processInfo.environment["LTD_SANITIZER"] != nil
