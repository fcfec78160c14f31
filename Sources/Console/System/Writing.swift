import Platform

/// `write(2)`, by a name that methods called `write` do not hide.
func writeSome(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int { write(descriptor, bytes, count) }
