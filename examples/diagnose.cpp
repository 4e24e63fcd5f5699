// SPDX-License-Identifier: Apache-2.0
// Diagnoses a bounce from standard input and prints each question as it is asked, then the document.
//
//   cmake --build build/test --target example_diagnose && build/test/examples/example_diagnose < bounce.eml | jq
//   .summary
//
// Words after the program's name are resolvers (ADDR:PORT) to ask in place of the system's.

#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "api/smtpdx.hpp"

int main(int argc, char** argv) {
  const std::string bounce(std::istreambuf_iterator<char>(std::cin), {});
  nlohmann::json request;
  request["text"] = bounce;
  smtpdx::DiagnoseOptions options;
  options.resolvers.assign(argv + 1, argv + argc);
  options.on_event = [](std::string_view event, std::string_view json) {
    if (event == "plan") std::cerr << json << "\n";
  };
  const auto answer = smtpdx::diagnose(request.dump(), options);
  if (!answer.ok) {
    std::cerr << answer.error << "\n";
    return 2;
  }
  std::cout << answer.document;
}
