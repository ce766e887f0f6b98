#include "engine/api/kubeconfig.h"

#include "base/base64.h"

namespace fairlead::api {

std::string make_kubeconfig(const std::string& server, const std::string& ca, const KeyPair& user) {
  return fmt::format(
      "apiVersion: v1\n"
      "kind: Config\n"
      "current-context: fairlead\n"
      "clusters:\n"
      "- name: fairlead\n"
      "  cluster:\n"
      "    server: {}\n"
      "    certificate-authority-data: {}\n"
      "contexts:\n"
      "- name: fairlead\n"
      "  context:\n"
      "    cluster: fairlead\n"
      "    user: kubernetes-admin\n"
      "users:\n"
      "- name: kubernetes-admin\n"
      "  user:\n"
      "    client-certificate-data: {}\n"
      "    client-key-data: {}\n",
      server, base64_encode(ca), base64_encode(user.certificate), base64_encode(user.key));
}

Result<> write_kubeconfig(const std::filesystem::path& path, const std::string& server, const Pki& pki) {
  return write_private_file(path, make_kubeconfig(server, pki.ca, pki.admin));
}

}  // namespace fairlead::api
