// What the node alone knows of a pod: its address, and its name files, as pkg/kubelet/network/dns/dns.go and
// pkg/kubelet/kubelet_pods.go of k8s.io/kubernetes write them.
#include <algorithm>

#include "engine/node/pod_files.h"

namespace fairlead::node {

namespace {

constexpr std::size_t kMaxHostname = 63;
constexpr std::string_view kClusterDomain = "cluster.local";

void add_once(std::vector<std::string>& list, std::string item) {
  if (std::ranges::find(list, item) == list.end()) list.push_back(std::move(item));
}

void replace_mark(std::string& text, const std::string& address) {
  for (std::size_t at = 0; (at = text.find(seam::kPodIpMark, at)) != std::string::npos; at += address.size()) {
    text.replace(at, seam::kPodIpMark.size(), address);
  }
}

}  // namespace

seam::PodInputs with_pod_address(seam::PodInputs inputs, const std::string& address) {
  for (auto& [container, environment] : inputs.env) {
    for (auto& [name, value] : environment) replace_mark(value, address);
  }
  for (auto& [volume, files] : inputs.files) {
    for (seam::VolumeFile& file : files) replace_mark(file.content, address);
  }
  return inputs;
}

std::string pod_hostname(const Value& pod) {
  std::string name(pod.at("spec", "hostname").string_or(pod.at("metadata", "name").str()));
  if (name.size() > kMaxHostname) name.resize(kMaxHostname);
  while (name.ends_with('-') || name.ends_with('.')) name.pop_back();
  return name;
}

std::string resolv_conf(const Value& pod, const std::string& dns_address) {
  const std::string policy(pod.at("spec", "dnsPolicy").string_or("ClusterFirst"));
  const std::string ns(pod.at("metadata", "namespace").str());
  std::vector<std::string> servers;
  std::vector<std::string> searches;
  std::vector<std::pair<std::string, std::string>> options;
  // "Default" means the host's resolver; a pod here reaches none but the cluster's.
  if (policy != "None") servers.push_back(dns_address);
  if (policy == "ClusterFirst" || policy == "ClusterFirstWithHostNet") {
    searches = {fmt::format("{}.svc.{}", ns, kClusterDomain), fmt::format("svc.{}", kClusterDomain),
                std::string(kClusterDomain)};
    options = {{"ndots", "5"}};
  }
  const auto& config = pod.at("spec", "dnsConfig");
  for (const auto& server : config.at("nameservers").items()) add_once(servers, std::string(server.str()));
  for (const auto& search : config.at("searches").items()) add_once(searches, std::string(search.str()));
  for (const auto& option : config.at("options").items()) {
    const std::string name(option.at("name").str());
    const std::string value(option.at("value").str());
    const auto found = std::ranges::find(options, name, &std::pair<std::string, std::string>::first);
    if (found == options.end()) {
      options.emplace_back(name, value);
    } else {
      found->second = value;
    }
  }
  std::string out;
  if (!searches.empty()) {
    out += "search";
    for (const auto& search : searches) out += " " + search;
    out += "\n";
  }
  for (const auto& server : servers) out += "nameserver " + server + "\n";
  if (!options.empty()) {
    out += "options";
    for (const auto& [name, value] : options) out += " " + name + (value.empty() ? "" : ":" + value);
    out += "\n";
  }
  return out;
}

std::string hosts_file(const Value& pod, const std::string& address) {
  std::string out = "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n";
  const std::string host = pod_hostname(pod);
  const auto subdomain = pod.at("spec", "subdomain").str();
  out += address + "\t";
  if (!subdomain.empty()) {
    out += fmt::format("{}.{}.{}.svc.{}\t", host, subdomain, pod.at("metadata", "namespace").str(), kClusterDomain);
  }
  out += host + "\n";
  for (const auto& alias : pod.at("spec", "hostAliases").items()) {
    out += alias.at("ip").str();
    for (const auto& name : alias.at("hostnames").items()) out += "\t" + std::string(name.str());
    out += "\n";
  }
  return out;
}

}  // namespace fairlead::node
