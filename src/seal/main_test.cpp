// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "seal/test_roles.hpp"

int main(int argc, char** argv) {
  if (argc > 2 && std::string(argv[1]) == "--role") {
    const auto it = smtpdx::seal::roles().find(argv[2]);
    return it == smtpdx::seal::roles().end() ? 99 : it->second({argv + 3, argv + argc});
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
