// SPDX-License-Identifier: Apache-2.0
#include "store/error.hpp"

namespace smtpdx::store {

std::string_view to_string(Trouble trouble) {
  switch (trouble) {
    case Trouble::disk_full:
      return "disk-full";
    case Trouble::locked:
      return "locked";
    case Trouble::gone:
      return "gone";
    case Trouble::read_only:
      return "read-only";
    case Trouble::clock:
      return "clock";
    case Trouble::corrupt:
      return "corrupt";
    case Trouble::newer_schema:
      return "newer-schema";
    case Trouble::denied:
      return "denied";
    case Trouble::failed:
      return "failed";
    case Trouble::invalid:
      return "invalid";
    case Trouble::taken:
      return "taken";
    case Trouble::foreign:
      return "foreign";
  }
  return "failed";
}

bool is_surroundings(Trouble trouble) {
  return trouble != Trouble::invalid && trouble != Trouble::taken && trouble != Trouble::foreign;
}

Error StoreError::as_error() const {
  switch (trouble) {
    case Trouble::invalid:
    case Trouble::taken:
    case Trouble::denied:
      return {ErrorKind::usage, message, hint};
    case Trouble::corrupt:
    case Trouble::newer_schema:
    case Trouble::foreign:
      return {ErrorKind::unreadable, message, hint};
    default:
      return {ErrorKind::system, message, hint};
  }
}

}  // namespace smtpdx::store
