// SPDX-License-Identifier: Apache-2.0
#pragma once

// How every call of a Store runs: open if needed, work, and turn what was thrown into an Outcome. Included by the .cpp
// files that hold Store's members, and by nobody else.

#include <new>
#include <type_traits>

#include "store/convert.hpp"
#include "store/sql.hpp"
#include "store/store.hpp"

namespace smtpdx::store {

/// Work on a connection that had died meanwhile is done once more on a new one. That is right for writing as well:
/// whatever is written may be written twice (see the notes at each statement).
template <class Work>
auto Store::attempt(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))> {
  using T = decltype(work(std::declval<Sql&>()));
  for (bool again = false;; again = true) {
    bool was_open = false;
    try {
      was_open = sql_->ready();
      if constexpr (std::is_void_v<T>) {
        work(*sql_);
        trouble_.reset();
        return {};
      } else {
        Outcome<T> result = work(*sql_);
        trouble_.reset();
        return result;
      }
    } catch (const Failure& failure) {
      if (failure.error().trouble == Trouble::gone && was_open && !again) continue;
      if (is_surroundings(failure.error().trouble)) trouble_ = failure.error();
      return std::unexpected(failure.error());
    } catch (const std::bad_alloc&) {
      trouble_ = StoreError{Trouble::failed, "there is not enough memory for what the store was asked", ""};
      return std::unexpected(*trouble_);
    }
  }
}

/// What cannot be kept is not there: strangers ask for all sorts of names, and that is no error.
template <class Work>
auto Store::look_up(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))> {
  auto found = attempt(std::move(work));
  if (!found && found.error().trouble == Trouble::invalid) return std::nullopt;
  return found;
}

template <class Work>
auto Store::write(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))> {
  return attempt([&](Sql& sql) {
    Transaction all(sql, Access::write);
    if constexpr (std::is_void_v<decltype(work(sql))>) {
      work(sql);
      all.commit();
    } else {
      auto result = work(sql);
      all.commit();
      return result;
    }
  });
}

/// For what is to be forgotten.
template <class Work>
auto Store::write_and_tidy(Work work) -> Outcome<decltype(work(std::declval<Sql&>()))> {
  auto result = write(std::move(work));
  if (result) tidy();
  return result;
}

}  // namespace smtpdx::store
