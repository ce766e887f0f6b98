#include "engine/api/object_index.h"

#include <utility>

namespace fairlead::api {

const ObjectIndex::Table* ObjectIndex::table(const Resource& resource) const {
  return resource.ordinal < tables_.size() ? &tables_[resource.ordinal] : nullptr;
}

ObjectPtr ObjectIndex::get(const Resource& resource, std::string_view ns, std::string_view name) const {
  const Table* all = table(resource);
  if (all == nullptr) return nullptr;
  const auto it = all->find(NameView{ns, name});
  return it == all->end() ? nullptr : it->second;
}

void ObjectIndex::each(const Resource& resource, std::string_view ns,
                       const std::function<bool(const ObjectPtr&)>& visit) const {
  const Table* all = table(resource);
  if (all == nullptr) return;
  for (auto it = all->lower_bound(NameView{ns, {}}); it != all->end(); ++it) {
    if (!ns.empty() && it->first.ns != ns) return;
    if (!visit(it->second)) return;
  }
}

std::vector<ObjectPtr> ObjectIndex::owned(std::string_view uid) const {
  std::vector<ObjectPtr> out;
  if (const auto it = by_owner_.find(uid); it != by_owner_.end()) {
    for (const Key& key : it->second) out.push_back(get(*key.resource, key.ns, key.name));
  }
  return out;
}

ObjectPtr ObjectIndex::by_uid(std::string_view uid) const {
  const auto it = by_uid_.find(uid);
  return it == by_uid_.end() ? nullptr : it->second;
}

std::size_t ObjectIndex::count(const Resource& resource) const {
  const Table* all = table(resource);
  return all == nullptr ? 0 : all->size();
}

ObjectPtr ObjectIndex::put(const Key& key, const ObjectPtr& object) {
  if (tables_.size() <= key.resource->ordinal) tables_.resize(key.resource->ordinal + 1);
  Table& all = tables_[key.resource->ordinal];
  const auto it = all.find(NameView{key.ns, key.name});
  ObjectPtr before;
  if (it != all.end()) {
    before = std::exchange(it->second, object);
    unlink(key, *before);
  } else {
    all.emplace(NamePair{key.ns, key.name}, object);
  }
  link(key, object);
  return before;
}

ObjectPtr ObjectIndex::remove(const Key& key) {
  if (key.resource->ordinal >= tables_.size()) return nullptr;
  Table& all = tables_[key.resource->ordinal];
  const auto it = all.find(NameView{key.ns, key.name});
  if (it == all.end()) return nullptr;
  ObjectPtr before = std::move(it->second);
  all.erase(it);
  unlink(key, *before);
  return before;
}

void ObjectIndex::link(const Key& key, const ObjectPtr& object) {
  if (!object->uid().empty()) by_uid_.insert_or_assign(std::string(object->uid()), object);
  for (const Value& owner : object->at("metadata", "ownerReferences").items()) {
    by_owner_[std::string(owner.at("uid").str())].insert(key);
  }
}

void ObjectIndex::unlink(const Key& key, const Object& object) {
  if (const auto it = by_uid_.find(object.uid()); it != by_uid_.end()) by_uid_.erase(it);
  for (const Value& owner : object.at("metadata", "ownerReferences").items()) {
    const auto it = by_owner_.find(owner.at("uid").str());
    if (it == by_owner_.end()) continue;
    it->second.erase(key);
    if (it->second.empty()) by_owner_.erase(it);
  }
}

}  // namespace fairlead::api
