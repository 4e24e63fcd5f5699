// SPDX-License-Identifier: Apache-2.0
#pragma once

// libpq, loaded when the first PostgreSQL URL is opened. Linked in the ordinary way it would bring some twenty
// libraries (LDAP, Kerberos, GnuTLS …) into every start of smtpdx and every child: 1.5 ms and 3 MB for something that
// few use.

#include <libpq-fe.h>

#include "store/error.hpp"

namespace smtpdx::store {

/// The functions used here, under their own names.
struct Libpq {
#define SMTPDX_LIBPQ_FUNCTIONS(X) \
  X(PQconninfoParse)              \
  X(PQconninfoFree)               \
  X(PQconnectStartParams)         \
  X(PQconnectPoll)                \
  X(PQstatus)                     \
  X(PQsocket)                     \
  X(PQerrorMessage)               \
  X(PQfinish)                     \
  X(PQsetnonblocking)             \
  X(PQsetNoticeProcessor)         \
  X(PQsendQueryParams)            \
  X(PQflush)                      \
  X(PQconsumeInput)               \
  X(PQisBusy)                     \
  X(PQgetResult)                  \
  X(PQresultStatus)               \
  X(PQresultErrorField)           \
  X(PQntuples)                    \
  X(PQnfields)                    \
  X(PQftype)                      \
  X(PQgetvalue)                   \
  X(PQgetisnull)                  \
  X(PQgetlength)                  \
  X(PQcmdStatus)                  \
  X(PQcmdTuples)                  \
  X(PQtransactionStatus)          \
  X(PQclear)                      \
  X(PQfreemem)                    \
  X(PQhost)                       \
  X(PQdb)
#define SMTPDX_LIBPQ_MEMBER(name) decltype(&::name) name = nullptr;
  SMTPDX_LIBPQ_FUNCTIONS(SMTPDX_LIBPQ_MEMBER)
#undef SMTPDX_LIBPQ_MEMBER
};

/// Stays loaded to the end of the process. `failed`, with the package's name, where the library is not installed.
Outcome<const Libpq*> libpq();

}  // namespace smtpdx::store
