#include "engine/api/store.h"

#include <gtest/gtest.h>

namespace fairlead::api {
namespace {

class StoreTest : public testing::Test {
 protected:
  static Schema& schema() {
    static Schema all;
    return all;
  }
  static Key key(std::string ns, std::string name) {
    return {&schema().resource("", "configmaps"), std::move(ns), std::move(name)};
  }
  ObjectPtr put(const Key& where, Value extra = {}) {
    Value tree = Value::object({{"apiVersion", "v1"}, {"kind", "ConfigMap"}, {"metadata", std::move(extra)}});
    tree.make("metadata").set("name", where.name).set("namespace", where.ns).set("uid", where.ns + "." + where.name);
    return store_.put(where, std::move(tree));
  }
  static std::string names(const std::vector<ObjectPtr>& objects) {
    std::string out;
    for (const ObjectPtr& object : objects) out.append(object->ns()).append("/").append(object->name()).append(" ");
    return out;
  }

  std::unique_ptr<Journal> journal_ = memory_journal();
  Store store_{schema(), *journal_};
};

TEST_F(StoreTest, ListsInOrderOfNamespaceAndName) {
  for (const auto& [ns, name] : {std::pair("b", "a"), {"a", "b"}, {"a", "a"}, {"ab", "x"}}) put(key(ns, name));
  EXPECT_EQ(names(store_.list(*key("", "").resource)), "a/a a/b ab/x b/a ");
  EXPECT_EQ(names(store_.list(*key("", "").resource, "a")), "a/a a/b ");
  EXPECT_EQ(store_.count(*key("", "").resource), 4U);
}

TEST_F(StoreTest, FindsByUidAndByOwner) {
  const Value owned = Value::object({{"ownerReferences", Value::array({Value::object({{"uid", "boss"}})})}});
  put(key("a", "x"), owned);
  put(key("a", "y"), owned);
  EXPECT_EQ(names(store_.owned("boss")), "a/x a/y ");
  EXPECT_EQ(store_.by_uid("a.x"), store_.get(key("a", "x")));
  put(key("a", "x"));
  EXPECT_EQ(names(store_.owned("boss")), "a/y ");
  store_.remove(key("a", "y"));
  EXPECT_EQ(names(store_.owned("boss")), "");
  EXPECT_FALSE(store_.by_uid("a.y"));
}

TEST_F(StoreTest, EventsCarryTheObjectBefore) {
  std::vector<Event> events;
  store_.subscribe([&](const Event& event) { events.push_back(event); });
  const ObjectPtr first = put(key("a", "x"));
  const ObjectPtr second = put(key("a", "x"));
  const ObjectPtr last = store_.remove(key("a", "x"));
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].type, Event::Type::kAdded);
  EXPECT_EQ(events[1].before, first);
  EXPECT_EQ(events[2].type, Event::Type::kDeleted);
  EXPECT_EQ(events[2].before, second);
  EXPECT_EQ(events[2].object, last);
  EXPECT_EQ(last->at("metadata", "resourceVersion").str(), "3");
}

TEST_F(StoreTest, AWatchStartsWhereItLeftOff) {
  for (int i = 0; i < 5; ++i) put(key("a", "x"));
  const auto events = store_.events_after(3);
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->size(), 2U);
  EXPECT_EQ((*events)[0].revision, 4U);
  EXPECT_FALSE(store_.events_after(6).has_value()) << "the future";
  for (std::size_t i = 0; i < kEventRing; ++i) put(key("a", "x"));
  EXPECT_FALSE(store_.events_after(4).has_value()) << "the ring no longer reaches back";
  EXPECT_EQ(store_.events_after(5)->size(), kEventRing);
}

TEST_F(StoreTest, AnObserverMayEndWatches) {
  std::unique_ptr<seam::Subscription> other;
  int seen = 0;
  const auto first = store_.watch([&](const Event&) { other.reset(); });
  other = store_.watch([&](const Event&) { ++seen; });
  put(key("a", "x"));
  EXPECT_EQ(seen, 0);
}

TEST_F(StoreTest, PagesShowOneRevision) {
  for (int i = 0; i < 5; ++i) put(key("a", "c" + std::to_string(i)));
  ListPage page = store_.page(*key("", "").resource, "", 2);
  EXPECT_EQ(names(page.items), "a/c0 a/c1 ");
  EXPECT_EQ(page.remaining, 3U);
  store_.remove(key("a", "c3"));
  put(key("a", "c2x"));
  auto next = store_.next_page(*key("", "").resource, "", page.next, 2);
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(names(next->items), "a/c2 a/c3 ");
  EXPECT_EQ(next->revision, 5U);
  const auto elsewhere = store_.next_page(*key("", "").resource, "kube-system", page.next, 2);
  EXPECT_EQ(elsewhere.error().code, 400);
  next = store_.next_page(*key("", "").resource, "", next->next, 0);
  EXPECT_EQ(names(next->items), "a/c4 ");
  EXPECT_TRUE(next->next.empty());
  EXPECT_EQ(store_.next_page(*key("", "").resource, "", "rubbish", 2).error().code, 400);
}

TEST_F(StoreTest, AUsersListsGiveWayToTheirOwn) {
  for (int i = 0; i < 3; ++i) put(key("a", "c" + std::to_string(i)));
  const Resource& resource = *key("", "").resource;
  const ListPage quiet = store_.page(resource, "", 1, {}, "quiet");
  const ListPage first = store_.page(resource, "", 1, {}, "busy");
  for (std::size_t i = 0; i < 3 * kPinnedLists; ++i) (void)store_.page(resource, "", 1, {}, "busy");
  const ListPage last = store_.page(resource, "", 1, {}, "busy");
  EXPECT_TRUE(store_.next_page(resource, "", quiet.next, 1).has_value());
  EXPECT_EQ(store_.next_page(resource, "", first.next, 1).error().code, 410);
  EXPECT_TRUE(store_.next_page(resource, "", last.next, 1).has_value());
}

TEST_F(StoreTest, TheOldestPinnedListGivesWay) {
  for (int i = 0; i < 3; ++i) put(key("a", "c" + std::to_string(i)));
  const ListPage first = store_.page(*key("", "").resource, "", 1);
  for (std::size_t i = 0; i < kPinnedLists; ++i) (void)store_.page(*key("", "").resource, "", 1);
  const auto expired = store_.next_page(*key("", "").resource, "", first.next, 1);
  ASSERT_FALSE(expired.has_value());
  EXPECT_EQ(expired.error().code, 410);
  EXPECT_EQ(expired.error().reason, "Expired");
}

}  // namespace
}  // namespace fairlead::api
