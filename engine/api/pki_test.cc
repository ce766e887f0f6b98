#include "engine/api/pki.h"

#include <sys/stat.h>

#include <fstream>

#include <gtest/gtest.h>

#include "base/testing_folder.h"
#include "base/yaml.h"
#include "engine/api/kubeconfig.h"

namespace fairlead::api {
namespace {

class PkiTest : public testing::Test {
 protected:
  [[nodiscard]] unsigned mode(const std::string& name) const {
    struct stat status{};
    return ::stat((directory_ / name).c_str(), &status) == 0 ? status.st_mode & 0777U : 0U;
  }
  const TemporaryFolder temporary_{"pki"};
  const std::filesystem::path directory_ = temporary_.path();
};

TEST_F(PkiTest, KeepsWhatItMadeAndKeepsKeysPrivate) {
  const auto first = ensure_pki(directory_ / "pki");
  ASSERT_TRUE(first.has_value()) << first.error().to_string();
  for (const auto* name : {"pki/ca.key", "pki/apiserver.key", "pki/admin.key"}) EXPECT_EQ(mode(name), 0600U) << name;
  EXPECT_EQ(mode("pki"), 0700U);
  const auto second = ensure_pki(directory_ / "pki");
  ASSERT_TRUE(second.has_value());
  EXPECT_EQ(second->ca, first->ca);
  EXPECT_EQ(second->server.certificate, first->server.certificate);
  EXPECT_EQ(second->admin.key, first->admin.key);
}

TEST_F(PkiTest, MakesTheServersCertificateAnewForAnotherName) {
  const auto first = ensure_pki(directory_ / "pki");
  const auto second = ensure_pki(directory_ / "pki", {"10.0.0.9"});
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_EQ(second->ca, first->ca);
  EXPECT_NE(second->server.certificate, first->server.certificate);
  EXPECT_EQ(second->admin.certificate, first->admin.certificate);
}

TEST_F(PkiTest, RefusesAnAuthorityWhoseHalvesDoNotBelongTogether) {
  ASSERT_TRUE(ensure_pki(directory_ / "a").has_value());
  ASSERT_TRUE(ensure_pki(directory_ / "b").has_value());
  std::filesystem::copy_file(directory_ / "a/ca.key", directory_ / "b/ca.key",
                             std::filesystem::copy_options::overwrite_existing);
  const auto mixed = ensure_pki(directory_ / "b");
  ASSERT_FALSE(mixed.has_value());
  EXPECT_NE(mixed.error().to_string().find("do not belong together"), std::string::npos);
}

TEST(Authority, TrustsOnlyItsOwn) {
  const auto ours = CertificateAuthority::create("ours");
  const auto theirs = CertificateAuthority::create("theirs");
  ASSERT_TRUE(ours.has_value() && theirs.has_value());
  const CertificateSubject subject{.common_name = "jane", .organizations = {"devs"}, .server_names = {}};
  const auto pair = ours->issue(subject);
  ASSERT_TRUE(pair.has_value());
  EXPECT_TRUE(ours->still_good(pair->certificate, subject));
  EXPECT_FALSE(theirs->still_good(pair->certificate, subject));
  EXPECT_FALSE(
      ours->still_good(pair->certificate, {.common_name = "jane", .organizations = {"ops"}, .server_names = {}}));
  EXPECT_FALSE(ours->still_good("", subject));
}

TEST_F(PkiTest, KubeconfigEmbedsEverything) {
  const auto pki = make_pki();
  ASSERT_TRUE(pki.has_value());
  ASSERT_TRUE(write_kubeconfig(directory_ / "kubeconfig", "https://127.0.0.1:6443", *pki).has_value());
  EXPECT_EQ(mode("kubeconfig"), 0600U);
  const auto documents = parse_yaml(make_kubeconfig("https://127.0.0.1:6443", pki->ca, pki->admin), "kubeconfig");
  ASSERT_TRUE(documents.has_value());
  const auto& config = documents->front();
  EXPECT_EQ(config.at("current-context").str(), "fairlead");
  EXPECT_EQ(config.at("clusters", 0, "cluster", "server").str(), "https://127.0.0.1:6443");
  EXPECT_GT(config.at("users", 0, "user", "client-key-data").str().size(), 100U);
}

}  // namespace
}  // namespace fairlead::api
