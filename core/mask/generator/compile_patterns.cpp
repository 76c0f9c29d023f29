// SPDX-License-Identifier: Apache-2.0
// Runs while building: writes the compiled patterns as a header, so that no program start pays for
// compiling them.
#include <cstdio>
#include <fstream>

#include "core/mask/secret_compile.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: compile_patterns HEADER\n");
    return 64;
  }
  const auto database = hoop::mask::compile_secret_patterns();
  if (!database) {
    std::fprintf(stderr, "compile_patterns: %s\n", database.error().message.c_str());
    return 70;
  }
  std::ofstream out(argv[1]);
  out << "// Written by core/mask/generator/compile_patterns.cpp.\n#pragma once\n\n#include "
         "<cstdint>\n\n"
      << "namespace hoop::mask {\n\nalignas(64) inline constexpr std::uint8_t kSecretDatabase[] = "
         "{";
  for (std::size_t i = 0; i < database->size(); ++i)
    out << (i % 32 == 0 ? "\n    " : "") << static_cast<unsigned>((*database)[i]) << ',';
  out << "\n};\n\n}  // namespace hoop::mask\n";
  out.flush();
  return out ? 0 : 74;
}
