// One file taken from a server over HTTP or HTTPS with libcurl, in calls that Swift can make.
//
// Swift cannot call curl_easy_setopt, which is C-variadic. libcurl is opened when it is first needed and not when the
// program starts: it brings some twenty libraries along. A transfer is worked on in steps of the caller, on one thread
// and without waiting longer than told, so that whoever takes a file can look whether to stop between them. What has
// come is handed out after each step; nothing is written anywhere here.
#ifndef CCURL_H
#define CCURL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ltd_transfer ltd_transfer;

typedef struct {
  // Seconds until there must be a connection, and that may pass without a byte.
  long connect_seconds, stall_seconds;
  // The first byte that is wanted; with 0 all are asked for.
  int64_t offset;
} ltd_transfer_options;

typedef enum {
  LTD_TRANSFER_DONE,
  LTD_TRANSFER_UNKNOWN_HOST,
  LTD_TRANSFER_NO_CONNECTION,
  LTD_TRANSFER_TIMEOUT,
  LTD_TRANSFER_CERTIFICATE,
  LTD_TRANSFER_REDIRECTS,
  LTD_TRANSFER_CUT,
  LTD_TRANSFER_OTHER,
} ltd_transfer_result;

// Opens libcurl. NULL, or why it cannot be used; from any thread.
const char *_Nullable ltd_transfer_prepare(void);

// Begins to ask for a file. Certificates are checked; at most 5 redirects are followed, from HTTPS to HTTPS only.
// NULL where there is no memory. `ltd_transfer_prepare` must have returned NULL.
ltd_transfer *_Nullable ltd_transfer_begin(const char *_Nonnull address, ltd_transfer_options options);

// Works on it, waiting for at most so long. False when it has ended, one way or the other.
bool ltd_transfer_step(ltd_transfer *_Nonnull transfer, int milliseconds);

// What came in the last step, valid until the next one.
const uint8_t *_Nullable ltd_transfer_bytes(ltd_transfer *_Nonnull transfer, size_t *_Nonnull count);

// The status of the answer, 0 before there is one.
long ltd_transfer_status(ltd_transfer *_Nonnull transfer);
// How many bytes the answer says it has; -1 where it does not.
int64_t ltd_transfer_length(ltd_transfer *_Nonnull transfer);
// The first byte and the size of the file that the answer to a request for a part states; -1 where it does not.
int64_t ltd_transfer_range_start(ltd_transfer *_Nonnull transfer);
int64_t ltd_transfer_range_size(ltd_transfer *_Nonnull transfer);

// How it ended, and libcurl's words for it.
ltd_transfer_result ltd_transfer_result_of(ltd_transfer *_Nonnull transfer);
const char *_Nonnull ltd_transfer_reason(ltd_transfer *_Nonnull transfer);

// Ends it, whether or not it has ended.
void ltd_transfer_end(ltd_transfer *_Nonnull transfer);

#endif
