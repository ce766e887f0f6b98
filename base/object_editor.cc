#include "base/object_editor.h"

#include <algorithm>
#include <utility>

namespace fairlead {
namespace {

Value::Object& members_of(Value& object) {
  if (object.is_null()) object = Value::object();
  return object.mutable_members();
}

}  // namespace

ObjectEditor::ObjectEditor(Value& object) : members_(members_of(object)) {}

ObjectEditor::~ObjectEditor() {
  if (erased_.empty()) return;
  std::ranges::sort(erased_);
  std::size_t kept = erased_.front();
  auto next = erased_.begin();
  for (std::size_t i = kept; i < members_.size(); ++i) {
    if (next != erased_.end() && *next == i) {
      ++next;
    } else {
      members_[kept++] = std::move(members_[i]);
    }
  }
  members_.resize(kept);
}

bool ObjectEditor::indexed() {
  if (!indexed_ && members_.size() > kScannedMembers) {
    indexed_ = true;
    for (std::size_t i = 0; i < members_.size(); ++i) places_.emplace(members_[i].key, i);
    work_ += members_.size();
  }
  return indexed_;
}

Value* ObjectEditor::find(std::string_view key) {
  if (indexed()) {
    ++work_;
    const auto at = places_.find(key);
    return at == places_.end() ? nullptr : &members_[at->second].value;
  }
  work_ += members_.size();
  const auto at = std::ranges::find(members_, key, &Member::key);
  return at == members_.end() ? nullptr : &at->value;
}

Value& ObjectEditor::operator[](std::string_view key) {
  if (Value* found = find(key)) return *found;
  if (indexed_) places_.emplace(key, members_.size());
  return members_.emplace_back(Member{std::string(key), Value()}).value;
}

void ObjectEditor::erase(std::string_view key) {
  if (!indexed()) {
    work_ += members_.size();
    std::erase_if(members_, [&](const Member& member) { return member.key == key; });
    return;
  }
  ++work_;
  const auto at = places_.find(key);
  if (at == places_.end()) return;
  erased_.push_back(at->second);
  places_.erase(at);
}

}  // namespace fairlead
