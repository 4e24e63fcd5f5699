// SPDX-License-Identifier: Apache-2.0
#include "mail/charset.hpp"

#include <iconv.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace smtpdx::mail {
namespace {

/// The name by which iconv knows the set; empty for UTF-8, ASCII and what nobody knows.
std::string iconv_name(std::string_view charset) {
  std::string name = to_lower(trim(charset));
  name = name.substr(0, find_any(name, "* \t;"));
  if (name.size() > 40) return {};
  struct Alias {
    std::string_view name, iconv;
  };
  static constexpr Alias aliases[] = {{"utf-8", ""},
                                      {"utf8", ""},
                                      {"uft-8", ""},
                                      {"us-ascii", ""},
                                      {"ascii", ""},
                                      {"", ""},
                                      {"unicode-1-1-utf-7", "UTF-7"},
                                      {"utf-7", "UTF-7"},
                                      {"x-sjis", "CP932"},
                                      {"shift_jis", "CP932"},
                                      {"windows-31j", "CP932"},
                                      {"iso-2022-jp", "ISO-2022-JP"},
                                      {"gb2312", "GB18030"},
                                      {"gbk", "GB18030"},
                                      {"x-gbk", "GB18030"},
                                      {"ks_c_5601-1987", "CP949"},
                                      {"euc-kr", "CP949"},
                                      {"iso-8859-1", "latin1"},
                                      {"latin1", "latin1"}};
  for (const auto& alias : aliases)
    if (alias.name == name) return std::string(alias.iconv);
  return name;
}

bool is_plain(std::string_view octets) {
  return ascii_length(octets) == octets.size() && octets.find('\x1B') == std::string_view::npos;
}

struct Closer {
  void operator()(void* handle) const { iconv_close(handle); }
};

/// What is made of a text of another set: keep(at, length) takes octets of it as they are, put(octets, at, width) what
/// `width` octets of it mean.
class TextOut {
 public:
  explicit TextOut(const Text& in) : in_(in) {}
  void keep(std::size_t at, std::size_t length) { out.append(in_, at, length); }
  void put(std::string_view octets, std::size_t at, std::size_t width) {
    const auto [offset, length] = in_.range(at, width);
    for (char c : octets) out.push(c, offset, std::min<std::size_t>(length, 255));
  }
  Text out;

 private:
  const Text& in_;
};

class StringOut {
 public:
  explicit StringOut(std::string_view in) : in_(in) {}
  void keep(std::size_t at, std::size_t length) { out += in_.substr(at, length); }
  void put(std::string_view octets, std::size_t, std::size_t) { out += octets; }
  std::string out;

 private:
  std::string_view in_;
};

/// False where the set is unknown or does not fit.
template <class Out>
bool convert(std::string_view in, const std::string& from, Out& out) {
  iconv_t opened = iconv_open("UTF-8", from.c_str());
  if (opened == reinterpret_cast<iconv_t>(-1)) return false;
  std::unique_ptr<void, Closer> handle(opened);
  char* next = const_cast<char*>(in.data());
  std::size_t left = in.size(), broken = 0;
  bool shifts = from.starts_with("ISO-2022") || from.starts_with("iso-2022") || from == "UTF-7" ||
                from == "hz-gb-2312" || from.starts_with("utf-16") || from.starts_with("utf-32") ||
                from.starts_with("ucs");
  bool jis = from.starts_with("ISO-2022-JP") || from.starts_with("iso-2022-jp");
  bool shifted = false;  // of ISO 2022: within anything but ASCII
  while (left > 0) {
    const std::size_t at = in.size() - left;
    const std::size_t kept = jis ? (shifted ? 0 : std::min(in.find('\x1B', at), in.size()) - at)
                                 : (shifts ? 0 : ascii_length(in.substr(at)));
    if (kept > 0) {
      out.keep(at, kept);
      next += kept;
      left -= kept;
      continue;
    }
    if (jis && *next == 0x1B) {
      std::string_view shift(next, std::min<std::size_t>(left, 3));
      shifted = shift != "\x1b(B" && shift != "\x1b(J";
    }
    // As little room as the next character needs: one at a time keeps the way back exact.
    char character[4];
    char* to = character;
    for (std::size_t size = jis ? 3 : 2; size <= 4 && to == character; ++size) {
      std::size_t room = size;
      iconv(handle.get(), &next, &left, &to, &room);
    }
    const std::size_t width = in.size() - left - at;
    out.put({character, to}, at, std::max<std::size_t>(width, 1));
    if (width > 0) continue;
    if (++broken > in.size() / 8 + 4) return false;
    out.put("?", at, 1);
    ++next;
    --left;
  }
  return true;
}

template <class Out>
void from_latin1(std::string_view in, Out& out) {
  for (std::size_t i = 0; i < in.size();) {
    if (const std::size_t ascii = ascii_length(in.substr(i)); ascii > 0) {
      out.keep(i, ascii);
      i += ascii;
      continue;
    }
    const auto u = static_cast<unsigned char>(in[i]);
    const char two[] = {static_cast<char>(0xC0 | (u >> 6)), static_cast<char>(0x80 | (u & 0x3F))};
    out.put({two, sizeof two}, i, 1);
    ++i;
  }
}

/// What is to be done with the octets.
enum class Way { keep, convert, latin1 };

Way way_of(std::string_view octets, const std::string& name) {
  bool utf7 = name == "UTF-7" && octets.find('+') != std::string_view::npos;
  if (is_plain(octets) && !utf7) return Way::keep;
  if (name.empty()) return valid_utf8(octets) ? Way::keep : Way::latin1;
  if (name == "latin1") return Way::latin1;
  return Way::convert;
}

}  // namespace

Text to_utf8(Text text, std::string_view charset) {
  std::string name = iconv_name(charset);
  Way way = way_of(text.view(), name);
  if (way == Way::keep) return text;
  TextOut converted(text), latin(text);
  if (way == Way::convert && convert(text.view(), name, converted)) return std::move(converted.out);
  if (way == Way::convert && valid_utf8(text.view())) return text;
  from_latin1(text.view(), latin);
  return std::move(latin.out);
}

std::string to_utf8(std::string_view octets, std::string_view charset) {
  std::string name = iconv_name(charset);
  Way way = way_of(octets, name);
  if (way == Way::keep) return std::string(octets);
  StringOut converted(octets), latin(octets);
  if (way == Way::convert && convert(octets, name, converted)) return std::move(converted.out);
  if (way == Way::convert && valid_utf8(octets)) return std::string(octets);
  from_latin1(octets, latin);
  return std::move(latin.out);
}

std::size_t load_charsets() {
  // As iconv names them, one for each of its libraries; what a mail calls them is looked up without a file.
  static constexpr const char* names[] = {"ISO-8859-2",
                                          "ISO-8859-3",
                                          "ISO-8859-4",
                                          "ISO-8859-5",
                                          "ISO-8859-6",
                                          "ISO-8859-7",
                                          "ISO-8859-8",
                                          "ISO-8859-9",
                                          "ISO-8859-9E",
                                          "ISO-8859-10",
                                          "ISO-8859-11",
                                          "ISO-8859-13",
                                          "ISO-8859-14",
                                          "ISO-8859-15",
                                          "ISO-8859-16",
                                          "CP1250",
                                          "CP1251",
                                          "CP1252",
                                          "CP1253",
                                          "CP1254",
                                          "CP1255",
                                          "CP1256",
                                          "CP1257",
                                          "CP1258",
                                          "KOI8-R",
                                          "KOI8-U",
                                          "KOI8-T",
                                          "KOI8-RU",
                                          "CP932",
                                          "EUC-JP",
                                          "EUC-JP-MS",
                                          "SJIS",
                                          "SHIFT_JISX0213",
                                          "ISO-2022-JP",
                                          "ISO-2022-JP-3",
                                          "CP949",
                                          "EUC-KR",
                                          "JOHAB",
                                          "ISO-2022-KR",
                                          "GB18030",
                                          "GBK",
                                          "EUC-CN",
                                          "ISO-2022-CN",
                                          "ISO-2022-CN-EXT",
                                          "BIG5",
                                          "BIG5-HKSCS",
                                          "EUC-TW",
                                          "TIS-620",
                                          "CP874",
                                          "CP437",
                                          "CP737",
                                          "CP775",
                                          "CP850",
                                          "CP852",
                                          "CP855",
                                          "CP857",
                                          "CP858",
                                          "CP860",
                                          "CP861",
                                          "CP862",
                                          "CP863",
                                          "CP864",
                                          "CP865",
                                          "CP866",
                                          "CP869",
                                          "MACINTOSH",
                                          "MAC-CYRILLIC",
                                          "MAC-CENTRALEUROPE",
                                          "UTF-7",
                                          "UTF-16",
                                          "UTF-32",
                                          "TCVN",
                                          "VISCII",
                                          "GEORGIAN-PS",
                                          "GEORGIAN-ACADEMY",
                                          "ARMSCII-8",
                                          "PT154",
                                          "RK1048",
                                          "IBM037",
                                          "IBM1047",
                                          "ISO-8859-1"};
  static const auto handles = [] {
    std::vector<std::unique_ptr<void, Closer>> open;  // while one is open, glibc keeps its library
    for (const auto* name : names) {
      iconv_t handle = iconv_open("UTF-8", name);
      if (handle != reinterpret_cast<iconv_t>(-1)) open.emplace_back(handle);
    }
    return open;
  }();
  return handles.size();
}

}  // namespace smtpdx::mail
