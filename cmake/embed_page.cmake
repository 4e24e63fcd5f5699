# SPDX-License-Identifier: Apache-2.0
# Writes OUT: every file below ROOT (the built page) and EXTRA ("path=file", …) by the assembler's .incbin, plain and
# compressed. WORK holds the compressed copies.
file(GLOB_RECURSE names RELATIVE ${ROOT} ${ROOT}/*)
list(SORT names)
set(pairs "")
foreach(name ${names})
  list(APPEND pairs "/${name}=${ROOT}/${name}")
endforeach()
list(APPEND pairs ${EXTRA})
file(MAKE_DIRECTORY ${WORK})
set(asm "")
set(decl "")
set(rows "")
set(n 0)
foreach(pair ${pairs})
  string(REGEX MATCH "^([^=]+)=(.+)$" unused ${pair})
  set(path ${CMAKE_MATCH_1})
  set(file ${CMAKE_MATCH_2})
  # -n: neither name nor time, so that the same page gives the same octets.
  execute_process(COMMAND gzip -9 -n -c ${file} OUTPUT_FILE ${WORK}/${n}.gz RESULT_VARIABLE failed)
  if(failed)
    message(FATAL_ERROR "gzip ${file}: ${failed}")
  endif()
  foreach(kind plain gzip)
    set(label "smtpdx_page_${n}_${kind}")
    if(kind STREQUAL plain)
      set(source ${file})
    else()
      set(source ${WORK}/${n}.gz)
    endif()
    string(APPEND asm "__asm__(\".section .rodata\\n.global ${label}\\n${label}:\\n.incbin \\\"${source}\\\"\\n.global ${label}_end\\n${label}_end:\\n.byte 0\\n.previous\\n\");\n")
    string(APPEND decl "extern \"C\" const char ${label}[], ${label}_end[];\n")
  endforeach()
  string(APPEND rows "      {\"${path}\", between(smtpdx_page_${n}_plain, smtpdx_page_${n}_plain_end), between(smtpdx_page_${n}_gzip, smtpdx_page_${n}_gzip_end)},\n")
  math(EXPR n "${n}+1")
endforeach()
file(WRITE ${OUT} "// Generated from the built page. Do not edit.\n#include \"web/assets.hpp\"\n${asm}${decl}
namespace smtpdx::web {
namespace {
std::string_view between(const char* from, const char* to) { return {from, static_cast<std::size_t>(to - from)}; }
}  // namespace
std::span<const Asset> assets() {
  static const Asset all[] = {
${rows}  };
  return all;
}
}  // namespace smtpdx::web
")
