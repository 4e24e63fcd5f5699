/* SPDX-License-Identifier: Apache-2.0 */
/* CPU of libopendkim verifying the same mail, as a yardstick: the key record comes from memory here, too.

     bench_opendkim MESSAGE RECORD      prints microseconds a mail, the best of five runs */
#include <opendkim/dkim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static char message[1 << 20], record[4096];
static size_t size;

static size_t contents(const char *path, char *to, size_t most) {
  FILE *f = fopen(path, "rb");
  size_t n = f ? fread(to, 1, most - 1, f) : 0;
  if (f) fclose(f);
  to[n] = 0;
  return n;
}

static DKIM_CBSTAT key(DKIM *dkim, DKIM_SIGINFO *sig, unsigned char *buf, size_t most) {
  (void)dkim;
  (void)sig;
  snprintf((char *)buf, most, "%s", record);
  return DKIM_CBSTAT_CONTINUE;
}

static double cpu(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void verify_one(DKIM_LIB *lib) {
  DKIM_STAT stat;
  DKIM *dkim = dkim_verify(lib, (const unsigned char *)"bench", NULL, &stat);
  if (!dkim || dkim_chunk(dkim, (unsigned char *)message, size) != DKIM_STAT_OK ||
      dkim_chunk(dkim, NULL, 0) != DKIM_STAT_OK || dkim_eom(dkim, NULL) != DKIM_STAT_OK) {
    fprintf(stderr, "libopendkim does not verify it\n");
    exit(1);
  }
  dkim_free(dkim);
}

int main(int argc, char **argv) {
  double best = 1e9;
  DKIM_LIB *lib = dkim_init(NULL, NULL);
  if (argc != 3 || !lib) return 2;
  size = contents(argv[1], message, sizeof message);
  contents(argv[2], record, sizeof record);
  dkim_set_key_lookup(lib, key);
  for (int run = 0; run < 5; ++run) {
    double started = cpu(), took = 0;
    int count = 0;
    for (; took < 0.3; took = cpu() - started)
      for (int i = 0; i < 20; ++i, ++count) verify_one(lib);
    if (took * 1e6 / count < best) best = took * 1e6 / count;
  }
  printf("%.2f us\n", best);
  dkim_close(lib);
  return 0;
}
