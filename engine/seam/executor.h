// How work that happened elsewhere comes back to the control thread.
#pragma once

#include <functional>

#include "base/error.h"

namespace fairlead::seam {

/// Runs functions on the control thread, in the order given, each from the top of its loop and never inside another.
/// `post` may be called from any thread.
class Executor {
 public:
  virtual ~Executor() = default;
  virtual void post(std::move_only_function<void()> task) = 0;
};

/// What a slow operation calls exactly once when it is over, on the control thread and never from inside the call that
/// started it.
template <class T = void>
using Done = std::move_only_function<void(Result<T>)>;

}  // namespace fairlead::seam
