/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SMTPDX_H
#define SMTPDX_H

/* smtpdx for C programs, and for languages that call C. Texts are UTF-8 and end with NUL; documents are those of
   `smtpdx … --json`. Any number of threads may call at once. */

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes with every incompatible change of this header. */
#define SMTPDX_API_VERSION 1

typedef struct {
  int ok;         /* 1: `text` is the document; 0: it says why there is none */
  char *text;     /* never NULL, except where memory ran out; to be freed with smtpdx_free() */
  size_t length;  /* octets of text, without the final NUL */
} smtpdx_answer;

/* What an input of `length` octets holds: {"results":[...]}. Asks nobody, opens no file. */
smtpdx_answer smtpdx_explain(const char *text, size_t length);

/* Told what happens: "plan", "observation" or "line", and one JSON object. On the calling thread. */
typedef void (*smtpdx_on_event)(void *context, const char *event, const char *json);

/* `request`: the JSON body of POST /v1/diagnoses. `resolver`: "ADDR:PORT" in place of the system's, or NULL. `timeout_seconds`:
   for all of it; 0 means 60. `on_event` may be NULL. Never sends a message. */
smtpdx_answer smtpdx_diagnose(const char *request, const char *resolver, double timeout_seconds, smtpdx_on_event on_event,
                              void *context);

void smtpdx_free(smtpdx_answer *answer);

/* "0.1.0" */
const char *smtpdx_version(void);

#ifdef __cplusplus
}
#endif
#endif
