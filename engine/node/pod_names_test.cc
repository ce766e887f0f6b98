#include <gtest/gtest.h>

#include "base/yaml.h"
#include "engine/node/pod_files.h"

namespace fairlead::node {
namespace {

Value pod(const std::string& spec) {
  return parse_yaml("metadata: {name: web-0, namespace: shop}\nspec: " + spec, "test").value().front();
}

TEST(PodNames, ThePodsAddressStandsWhereItsMarkStood) {
  const std::string mark(seam::kPodIpMark);
  seam::PodInputs inputs;
  inputs.env["web"] = {{"POD_IP", mark}, {"URL", "http://" + mark + ":80/" + mark}, {"PLAIN", "x"}};
  inputs.files["info"] = {{"ip", mark, 0444}, {"other", "y", 0644}};
  const seam::PodInputs out = with_pod_address(inputs, "10.244.0.7");
  EXPECT_EQ(out.env.at("web")[0].second, "10.244.0.7");
  EXPECT_EQ(out.env.at("web")[1].second, "http://10.244.0.7:80/10.244.0.7");
  EXPECT_EQ(out.env.at("web")[2].second, "x");
  EXPECT_EQ(out.files.at("info")[0].content, "10.244.0.7");
  EXPECT_EQ(out.files.at("info")[0].mode, 0444U);
  EXPECT_EQ(out.files.at("info")[1].content, "y");
}

TEST(PodNames, ResolverFollowsDnsPolicyAndConfig) {
  EXPECT_EQ(resolv_conf(pod("{}"), "10.96.0.10"),
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n");
  EXPECT_EQ(resolv_conf(pod("{dnsPolicy: Default}"), "10.96.0.10"), "nameserver 10.96.0.10\n");
  EXPECT_EQ(resolv_conf(pod("{dnsPolicy: None, dnsConfig: {nameservers: [1.2.3.4], searches: [a.b], "
                            "options: [{name: ndots, value: '2'}, {name: rotate}]}}"),
                        "10.96.0.10"),
            "search a.b\nnameserver 1.2.3.4\noptions ndots:2 rotate\n");
  EXPECT_EQ(resolv_conf(pod("{dnsConfig: {options: [{name: ndots, value: '1'}]}}"), "10.96.0.10"),
            "search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.96.0.10\noptions ndots:1\n");
}

TEST(PodNames, HostsKnowThePodAndItsAliases) {
  const std::string hosts = hosts_file(
      pod("{subdomain: peers, hostAliases: [{ip: 10.1.2.3, hostnames: [a.example, b.example]}]}"), "10.244.0.7");
  EXPECT_NE(hosts.find("10.244.0.7\tweb-0.peers.shop.svc.cluster.local\tweb-0\n"), std::string::npos) << hosts;
  EXPECT_NE(hosts.find("10.1.2.3\ta.example\tb.example\n"), std::string::npos) << hosts;
  EXPECT_NE(hosts.find("127.0.0.1\tlocalhost\n"), std::string::npos) << hosts;
}

TEST(PodNames, HostnamesAreCutAsTheKubeletCutsThem) {
  EXPECT_EQ(pod_hostname(pod("{}")), "web-0");
  EXPECT_EQ(pod_hostname(pod("{hostname: other}")), "other");
  EXPECT_EQ(pod_hostname(pod("{hostname: " + std::string(62, 'a') + "-b}")), std::string(62, 'a'));
}

}  // namespace
}  // namespace fairlead::node
