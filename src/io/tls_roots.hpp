// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <openssl/ssl.h>

namespace smtpdx::io {

/// The trusted roots of the system, or those that SSL_CERT_FILE and SSL_CERT_DIR choose: looked up one by one in the
/// hashed directory when a chain asks for them.
void add_system_roots(SSL_CTX* context);

/// The same for a process that can open no file later: the directory's files are read now (some milliseconds) and
/// parsed when a chain asks for one. All of them parsed would cost 50 ms, more than starting the process.
void read_system_roots(SSL_CTX* context);

}  // namespace smtpdx::io
