// What OpenSSL allocates, freed by the function that belongs to it.
#pragma once

#include <memory>

namespace fairlead::net {

template <auto Free>
struct OpenSslFree {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};

/// OpenSslPointer<EVP_PKEY, EVP_PKEY_free>
template <class T, auto Free>
using OpenSslPointer = std::unique_ptr<T, OpenSslFree<Free>>;

}  // namespace fairlead::net
