#include "ccurl.h"
#include <curl/curl.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

// The functions of libcurl that are used here.
static struct {
  CURLcode (*global_init)(long);
  CURL *(*easy_init)(void);
  CURLcode (*setopt)(CURL *, CURLoption, ...);
  CURLcode (*getinfo)(CURL *, CURLINFO, ...);
  void (*easy_cleanup)(CURL *);
  const char *(*easy_strerror)(CURLcode);
  CURLM *(*multi_init)(void);
  CURLMcode (*multi_add)(CURLM *, CURL *);
  CURLMcode (*multi_remove)(CURLM *, CURL *);
  CURLMcode (*multi_perform)(CURLM *, int *);
  CURLMcode (*multi_poll)(CURLM *, struct curl_waitfd *, unsigned, int, int *);
  CURLMsg *(*multi_info_read)(CURLM *, int *);
  CURLMcode (*multi_cleanup)(CURLM *);
  const char *(*multi_strerror)(CURLMcode);
} curl;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static char problem[256];

static void *library;

static void *find(const char *name) {
  void *function = dlsym(library, name);
  if (!function && !problem[0]) snprintf(problem, sizeof problem, "libcurl has no function %s", name);
  return function;
}

static void open_library(void) {
  // The same functions, with another library for TLS.
  static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};
  for (size_t i = 0; i < 2 && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    snprintf(problem, sizeof problem, "the library libcurl.so.4 cannot be opened");
    return;
  }
  *(void **)&curl.global_init = find("curl_global_init");
  *(void **)&curl.easy_init = find("curl_easy_init");
  *(void **)&curl.setopt = find("curl_easy_setopt");
  *(void **)&curl.getinfo = find("curl_easy_getinfo");
  *(void **)&curl.easy_cleanup = find("curl_easy_cleanup");
  *(void **)&curl.easy_strerror = find("curl_easy_strerror");
  *(void **)&curl.multi_init = find("curl_multi_init");
  *(void **)&curl.multi_add = find("curl_multi_add_handle");
  *(void **)&curl.multi_remove = find("curl_multi_remove_handle");
  *(void **)&curl.multi_perform = find("curl_multi_perform");
  *(void **)&curl.multi_poll = find("curl_multi_poll");
  *(void **)&curl.multi_info_read = find("curl_multi_info_read");
  *(void **)&curl.multi_cleanup = find("curl_multi_cleanup");
  *(void **)&curl.multi_strerror = find("curl_multi_strerror");
  if (problem[0]) return;
  CURLcode code = curl.global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) snprintf(problem, sizeof problem, "libcurl cannot begin: %s", curl.easy_strerror(code));
}

const char *ltd_transfer_prepare(void) {
  pthread_once(&once, open_library);
  return problem[0] ? problem : NULL;
}

struct ltd_transfer {
  CURL *easy;
  CURLM *multi;
  // What came in this step.
  uint8_t *bytes;
  size_t count, capacity;
  int64_t range_start, range_size;
  bool has_ended;
  CURLcode code;
  char reason[CURL_ERROR_SIZE];
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *context) {
  ltd_transfer *transfer = context;
  count *= size;
  if (transfer->capacity - transfer->count < count) {
    // One step brings some megabytes at most.
    size_t capacity = transfer->capacity * 2 + count;
    if (capacity > (size_t)256 << 20) return 0;
    uint8_t *larger = realloc(transfer->bytes, capacity);
    if (!larger) return 0;
    transfer->bytes = larger;
    transfer->capacity = capacity;
  }
  memcpy(transfer->bytes + transfer->count, bytes, count);
  transfer->count += count;
  return count;
}

static size_t on_header(char *line, size_t size, size_t count, void *context) {
  ltd_transfer *transfer = context;
  count *= size;
  char text[256];
  size_t length = count < sizeof text - 1 ? count : sizeof text - 1;
  memcpy(text, line, length);
  text[length] = 0;
  if (!strncmp(text, "HTTP/", 5)) {
    // Another answer, such as the one after a redirect.
    transfer->range_start = transfer->range_size = -1;
  } else if (!strncasecmp(text, "content-range:", 14)) {
    long long start, end, all;
    int found = sscanf(text + 14, " bytes %lld-%lld/%lld", &start, &end, &all);
    if (found >= 2) transfer->range_start = start;
    if (found == 3) transfer->range_size = all;
  }
  return count;
}

ltd_transfer *ltd_transfer_begin(const char *address, ltd_transfer_options options) {
  ltd_transfer *transfer = calloc(1, sizeof *transfer);
  if (!transfer) return NULL;
  transfer->range_start = transfer->range_size = -1;
  transfer->easy = curl.easy_init();
  transfer->multi = curl.multi_init();
  if (!transfer->easy || !transfer->multi) {
    ltd_transfer_end(transfer);
    return NULL;
  }
  CURL *easy = transfer->easy;
  curl.setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason);
  curl.setopt(easy, CURLOPT_URL, address);
  curl.setopt(easy, CURLOPT_USERAGENT, "ltd");
  curl.setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl.setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
  curl.setopt(easy, CURLOPT_WRITEDATA, transfer);
  curl.setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl.setopt(easy, CURLOPT_HEADERDATA, transfer);
  curl.setopt(easy, CURLOPT_FOLLOWLOCATION, 1L);
  curl.setopt(easy, CURLOPT_MAXREDIRS, 5L);
  // By their numbers: the form with names is newer than libraries that are still about.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  curl.setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
  bool is_safe = !strncasecmp(address, "https:", 6);
  curl.setopt(easy, CURLOPT_REDIR_PROTOCOLS, (long)(is_safe ? CURLPROTO_HTTPS : CURLPROTO_HTTP | CURLPROTO_HTTPS));
#pragma GCC diagnostic pop
  curl.setopt(easy, CURLOPT_CONNECTTIMEOUT, options.connect_seconds);
  curl.setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl.setopt(easy, CURLOPT_LOW_SPEED_TIME, options.stall_seconds);
  // A thread that still asks for the address of a server is not waited for when the transfer is ended.
  curl.setopt(easy, (CURLoption)(CURLOPTTYPE_LONG + 322), 1L);
  if (options.offset > 0) {
    char range[32];
    snprintf(range, sizeof range, "%lld-", (long long)options.offset);
    curl.setopt(easy, CURLOPT_RANGE, range);
  }
  if (curl.multi_add(transfer->multi, easy) != CURLM_OK) {
    ltd_transfer_end(transfer);
    return NULL;
  }
  return transfer;
}

// libcurl's sockets take no SIGPIPE, but libraries for TLS may write by themselves.
static CURLMcode perform(ltd_transfer *transfer, int *running) {
  sigset_t broken, before, pending;
  sigemptyset(&broken);
  sigaddset(&broken, SIGPIPE);
  sigpending(&pending);
  bool was_pending = sigismember(&pending, SIGPIPE) == 1;
  pthread_sigmask(SIG_BLOCK, &broken, &before);
  CURLMcode code = curl.multi_perform(transfer->multi, running);
  struct timespec none = {0, 0};
  if (!was_pending) sigtimedwait(&broken, NULL, &none);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

bool ltd_transfer_step(ltd_transfer *transfer, int milliseconds) {
  transfer->count = 0;
  if (transfer->has_ended) return false;
  int running = 0;
  CURLMcode code = perform(transfer, &running);
  if (code == CURLM_OK && running && !transfer->count) {
    code = curl.multi_poll(transfer->multi, NULL, 0, milliseconds, NULL);
  }
  if (code != CURLM_OK) {
    transfer->has_ended = true;
    transfer->code = CURLE_FAILED_INIT;
    snprintf(transfer->reason, sizeof transfer->reason, "%s", curl.multi_strerror(code));
    return false;
  }
  int left;
  for (CURLMsg *message; (message = curl.multi_info_read(transfer->multi, &left));) {
    if (message->msg != CURLMSG_DONE) continue;
    transfer->has_ended = true;
    transfer->code = message->data.result;
  }
  if (!running && !transfer->has_ended) {
    transfer->has_ended = true;
    transfer->code = CURLE_FAILED_INIT;
  }
  return !transfer->has_ended;
}

const uint8_t *ltd_transfer_bytes(ltd_transfer *transfer, size_t *count) {
  *count = transfer->count;
  return transfer->bytes;
}

long ltd_transfer_status(ltd_transfer *transfer) {
  long status = 0;
  curl.getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

int64_t ltd_transfer_length(ltd_transfer *transfer) {
  curl_off_t length = -1;
  curl.getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  return length;
}

int64_t ltd_transfer_range_start(ltd_transfer *transfer) { return transfer->range_start; }
int64_t ltd_transfer_range_size(ltd_transfer *transfer) { return transfer->range_size; }

ltd_transfer_result ltd_transfer_result_of(ltd_transfer *transfer) {
  switch (transfer->code) {
  case CURLE_OK: return LTD_TRANSFER_DONE;
  case CURLE_COULDNT_RESOLVE_HOST: return LTD_TRANSFER_UNKNOWN_HOST;
  case CURLE_COULDNT_CONNECT: return LTD_TRANSFER_NO_CONNECTION;
  case CURLE_OPERATION_TIMEDOUT: return LTD_TRANSFER_TIMEOUT;
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CACERT_BADFILE: return LTD_TRANSFER_CERTIFICATE;
  case CURLE_TOO_MANY_REDIRECTS: return LTD_TRANSFER_REDIRECTS;
  case CURLE_PARTIAL_FILE:
  case CURLE_GOT_NOTHING:
  case CURLE_RECV_ERROR:
  case CURLE_SEND_ERROR: return LTD_TRANSFER_CUT;
  default: return LTD_TRANSFER_OTHER;
  }
}

const char *ltd_transfer_reason(ltd_transfer *transfer) {
  return transfer->reason[0] ? transfer->reason : curl.easy_strerror(transfer->code);
}

void ltd_transfer_end(ltd_transfer *transfer) {
  if (transfer->multi && transfer->easy) curl.multi_remove(transfer->multi, transfer->easy);
  if (transfer->easy) curl.easy_cleanup(transfer->easy);
  if (transfer->multi) curl.multi_cleanup(transfer->multi);
  free(transfer->bytes);
  free(transfer);
}
