#include "engine/node/image_store.h"

#include <gtest/gtest.h>

#include "base/testing_folder.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

TEST(ImageStore, ADamagedBlobIsWrittenAgain) {
  const TemporaryFolder folder("images");
  ImageStore store(folder.path());
  const std::string content = "the layer, as it was built";
  const auto digest = store.put_blob(content);
  ASSERT_TRUE(digest);
  // Cut short, as by a full disk; changed in place; and longer than it was.
  for (const std::string& damaged : {content.substr(0, 5), std::string(content.size(), 'x'), content + "more"}) {
    ASSERT_TRUE(write_file(store.blob_path(*digest), damaged));
    EXPECT_EQ(store.put_blob(content).value_or(""), *digest);
    EXPECT_EQ(read_file(store.blob_path(*digest)).value_or(""), content);
  }
}

}  // namespace
}  // namespace fairlead::node
