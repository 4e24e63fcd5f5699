# SPDX-License-Identifier: Apache-2.0
# Writes OUT: every .toml below ROOT as bytes by the assembler's .incbin, so that size costs no compile time.
file(GLOB_RECURSE files RELATIVE ${ROOT} ${ROOT}/*.toml)
list(SORT files)
set(asm "")
set(decl "")
set(rows "")
set(n 0)
foreach(f ${files})
  string(APPEND asm "__asm__(\".section .rodata\\n.global smtpdx_data_${n}\\nsmtpdx_data_${n}:\\n.incbin \\\"${ROOT}/${f}\\\"\\n.global smtpdx_data_${n}_end\\nsmtpdx_data_${n}_end:\\n.byte 0\\n.previous\\n\");\n")
  string(APPEND decl "extern \"C\" const char smtpdx_data_${n}[], smtpdx_data_${n}_end[];\n")
  string(APPEND rows "    {\"${f}\", {smtpdx_data_${n}, static_cast<std::size_t>(smtpdx_data_${n}_end - smtpdx_data_${n})}},\n")
  math(EXPR n "${n}+1")
endforeach()
file(WRITE ${OUT} "// Generated from data/. Do not edit.\n#include \"kb/embedded.hpp\"\n${asm}${decl}
namespace smtpdx::kb {
std::span<const EmbeddedFile> embedded_files() {
  static const EmbeddedFile files[] = {
${rows}  };
  return files;
}
}  // namespace smtpdx::kb
")
