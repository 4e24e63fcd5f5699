/* SPDX-License-Identifier: Apache-2.0
   Reads a bounce from standard input and prints what smtpdx says of it.

     cmake --build build/test --target example_explain && build/test/examples/example_explain < bounce.eml | jq .results[0].causes */
#include <stdio.h>
#include <stdlib.h>

#include "api/smtpdx.h"

int main(void) {
  size_t size = 0, room = 1 << 20;
  char *text = malloc(room);
  while (text && (size += fread(text + size, 1, room - size, stdin)) == room) text = realloc(text, room *= 2);
  if (!text) return 4;
  smtpdx_answer answer = smtpdx_explain(text, size);
  if (answer.ok)
    fputs(answer.text, stdout);
  else
    fprintf(stderr, "%s\n", answer.text ? answer.text : "out of memory");
  const int code = answer.ok ? 0 : 2;
  smtpdx_free(&answer);
  free(text);
  return code;
}
