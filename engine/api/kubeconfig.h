// The file that tells kubectl where this cluster is and who it may be there.
#pragma once

#include <filesystem>
#include <string>

#include "base/error.h"
#include "engine/api/pki.h"

namespace fairlead::api {

/// A kubeconfig whose only and current context is "fairlead", certificates and key embedded. `server` is a URL.
[[nodiscard]] std::string make_kubeconfig(const std::string& server, const std::string& ca, const KeyPair& user);

/// Writes it, readable by its owner alone.
[[nodiscard]] Result<> write_kubeconfig(const std::filesystem::path& path, const std::string& server, const Pki& pki);

}  // namespace fairlead::api
