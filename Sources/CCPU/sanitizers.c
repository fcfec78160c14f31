// Address sanitizer builds look for wrong accesses, not for leaks: LeakSanitizer does not see the pointers that Swift keeps
// with a tag in their upper bits, and reports what they lead to. ASAN_OPTIONS=detect_leaks=1 asks for them all the same.
// With the usual 256 MB of freed memory set aside the test of ten thousand steps would see memory grow.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
__attribute__((visibility("default"))) const char *__asan_default_options(void) { return "detect_leaks=0:quarantine_size_mb=16"; }
#endif
#endif
