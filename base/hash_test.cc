#include "base/hash.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace fairlead {
namespace {

TEST(Hash, KnownAnswers) {
  EXPECT_EQ(fnv1a32(""), 0x811c9dc5U);
  EXPECT_EQ(fnv1a32("foobar"), 0xbf9cf968U);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8ULL);
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Hash, SafeEncodeIsUpstreams) {
  // k8s.io/apimachinery/pkg/util/rand: byte modulo the 27 letters and digits that form no words.
  EXPECT_EQ(safe_encode("0123456789"), "456789bcdf");
  EXPECT_EQ(safe_encode(""), "");
}

TEST(Base64, ReadsBack) {
  using namespace std::string_literals;
  for (const std::string& bytes : {""s, "f"s, "fo"s, "foo"s, "foob"s, "fooba"s, "foobar"s, "\0\xFF\x80"s}) {
    EXPECT_EQ(base64_decode(base64_encode(bytes)), bytes);
  }
  EXPECT_EQ(base64_encode("foob"), "Zm9vYg==");
  EXPECT_EQ(base64_decode("Zm9v\nYg==\n"), "foob");
  for (const char* wrong : {"Zm9", "Zm9v=", "Zm9vYg=", "Zm9vYg===", "Z===", "Zm!v", "Zm9vYg==Zm9v", "===="}) {
    EXPECT_FALSE(base64_decode(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace fairlead
