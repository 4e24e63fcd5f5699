// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/common.hpp"

namespace smtpdx::cli {

// One function a verb, one file each. `args` are the words after the verb.
Exit explain(const std::vector<std::string>& args);
Exit diagnose(const std::vector<std::string>& args);
Exit relay(const std::vector<std::string>& args);
Exit check(const std::vector<std::string>& args);
Exit lookup(const std::vector<std::string>& args);
Exit spf(const std::vector<std::string>& args);
Exit headers(const std::vector<std::string>& args);
Exit config(const std::vector<std::string>& args);
Exit causes(const std::vector<std::string>& args);
Exit demo(const std::vector<std::string>& args);
Exit mock(const std::vector<std::string>& args);
Exit serve(const std::vector<std::string>& args);
Exit account(const std::vector<std::string>& args);
Exit store(const std::vector<std::string>& args);
// Started by serve, never by hand.
Exit sealed_reader(const std::vector<std::string>& args);
Exit sealed_runner(const std::vector<std::string>& args);

/// The whole program: finds the verb, guesses it where the first word is none (contract §1), runs it.
int run(int argc, char** argv);

}  // namespace smtpdx::cli
