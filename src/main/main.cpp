// SPDX-License-Identifier: Apache-2.0
#include "cli/verbs.hpp"

int main(int argc, char** argv) { return smtpdx::cli::run(argc, argv); }
