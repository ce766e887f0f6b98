#include "engine/control/scenario/actions.h"

#include <algorithm>

#include "base/quantity.h"
#include "engine/control/scenario/match.h"
#include "engine/control/scenario/targets.h"

namespace fairlead::control {
namespace {

Result<Duration> duration_of(const Value& value, Duration otherwise) {
  if (value.is_null()) return otherwise;
  const auto parsed = parse_duration(value.str());
  if (!parsed) return std::unexpected(value.error(parsed.error().message));
  return *parsed;
}

Result<> refused(const Value& where, const api::Status& status) { return std::unexpected(where.error(status.message)); }

/// One object or a list of them.
std::vector<const Value*> each(const Value& one_or_many) {
  std::vector<const Value*> out;
  if (!one_or_many.is_array()) return {&one_or_many};
  for (const Value& v : one_or_many.items()) out.push_back(&v);
  return out;
}

Result<const api::Resource*> served_resource(const api::Schema& schema, const Value& object) {
  const api::Resource* resource = schema.by_kind(object.at("apiVersion").str(), object.at("kind").str());
  if (resource != nullptr) return resource;
  return std::unexpected(object.error(
      fmt::format("no kind \"{}\" in {} is known", object.at("kind").str(), object.at("apiVersion").str())));
}

/// An owner that is there needs no uid: nobody can know it when a scenario is written.
Value with_owner_uids(const VirtualCluster& cluster, Value object) {
  const std::string ns(object.at("metadata", "namespace").string_or("default"));
  Value* owners = object.make("metadata").find("ownerReferences");
  if (owners == nullptr || !owners->is_array()) return object;
  for (Value& owner : owners->mutable_items()) {
    const api::Resource* kind = cluster.api().schema().by_kind(owner.at("apiVersion").str(), owner.at("kind").str());
    if (owner.has("uid") || kind == nullptr) continue;
    const auto there = cluster.api().get(*kind, kind->namespaced ? ns : "", owner.at("name").str());
    if (there != nullptr) owner.set("uid", there->uid());
  }
  return object;
}

Result<> create(VirtualCluster& cluster, const Value& written) {
  const Value object = with_owner_uids(cluster, written);
  const auto resource = served_resource(cluster.api().schema(), object);
  if (!resource) return std::unexpected(resource.error());
  const auto created =
      cluster.api().create(**resource, object.at("metadata", "namespace").string_or("default"), object);
  if (!created) return refused(object, created.error());
  if (!object.has("status") || !(*resource)->has_status) return {};
  const auto with_status = cluster.api().mutate((*created)->key(), api::Subresource::kStatus,
                                                [&](Value& tree) { tree.set("status", object.at("status")); });
  if (!with_status) return refused(object, with_status.error());
  return {};
}

/// Creates, or merges into what is there: fields that `object` leaves out stay as they are.
Result<> apply(VirtualCluster& cluster, const Value& written) {
  const Value object = with_owner_uids(cluster, written);
  const auto resource = served_resource(cluster.api().schema(), object);
  if (!resource) return std::unexpected(resource.error());
  const std::string ns((*resource)->namespaced ? object.at("metadata", "namespace").string_or("default") : "");
  const api::Key key{(*resource)->storage, ns, std::string(object.at("metadata", "name").str())};
  if (cluster.api().get(key) == nullptr) return create(cluster, object);
  const auto merged = cluster.api().mutate(key, api::Subresource::kNone, [&](Value& tree) {
    const auto patched = cluster.api().schema().strategic_merge(**resource, tree, object);
    if (patched) tree = *patched;
  });
  if (!merged) return refused(object, merged.error());
  return {};
}

Result<api::Key> first_target(VirtualCluster& cluster, const Value& target) {
  const auto found = select_objects(cluster.api(), target);
  if (!found) return std::unexpected(found.error());
  if (found->empty()) return std::unexpected(target.error("there is no such object"));
  return found->front()->key();
}

Result<> patch(VirtualCluster& cluster, const Value& action) {
  if (auto ok = only(action, "kind apiVersion name namespace labels owner where type subresource patch"); !ok)
    return ok;
  const auto key = first_target(cluster, action);
  if (!key) return std::unexpected(key.error());
  const std::string_view type = action.at("type").string_or("merge");
  const api::PatchType patch_type = type == "json"        ? api::PatchType::kJson
                                    : type == "strategic" ? api::PatchType::kStrategicMerge
                                                          : api::PatchType::kMerge;
  const std::string_view sub = action.at("subresource").str();
  const api::Subresource subresource = sub == "status"  ? api::Subresource::kStatus
                                       : sub == "scale" ? api::Subresource::kScale
                                                        : api::Subresource::kNone;
  const auto patched = cluster.api().patch(*key, patch_type, action.at("patch"), subresource);
  if (!patched) return refused(action, patched.error());
  return {};
}

Result<> remove(VirtualCluster& cluster, const Value& action) {
  if (auto ok = only(action, "kind apiVersion name namespace labels owner where grace propagation"); !ok) return ok;
  const auto key = first_target(cluster, action);
  if (!key) return std::unexpected(key.error());
  api::DeleteOptions options;
  if (action.has("grace")) options.grace_seconds = action.at("grace").int_or(0);
  const std::string_view propagation = action.at("propagation").str();
  if (propagation == "Foreground") options.propagation = api::Propagation::kForeground;
  if (propagation == "Background") options.propagation = api::Propagation::kBackground;
  if (propagation == "Orphan") options.propagation = api::Propagation::kOrphan;
  const auto removed = cluster.api().remove(*key, options);
  if (!removed) return refused(action, removed.error());
  return {};
}

Result<> push(VirtualCluster& cluster, const Value& action) {
  if (auto ok = only(action, "repo branch revision author message files"); !ok) return ok;
  seam::Manifests content;
  content.revision = action.at("revision").str();
  content.author = action.at("author").string_or("somebody");
  content.message = action.at("message").str();
  for (const Value& file : action.at("files").items()) {
    content.manifests->push_back({std::string(file.at("file").str()), file.at("object")});
  }
  cluster.source().push(std::string(action.at("repo").str()), std::string(action.at("branch").string_or("main")),
                        std::move(content));
  return {};
}

Result<> set_edge(VirtualCluster& cluster, const Value& action) {
  if (auto ok = only(action, "delay"); !ok) return ok;
  const auto delay = duration_of(action.at("delay"), Duration(0));
  if (!delay) return std::unexpected(delay.error());
  cluster.traffic().set_delay(*delay);
  return {};
}

Result<> restart(VirtualCluster& cluster, const Value& action) {
  if (auto ok = only(action, "down"); !ok) return ok;
  const auto down = duration_of(action.at("down"), Duration(0));
  if (!down) return std::unexpected(down.error());
  cluster.restart(*down);
  return {};
}

Result<> each_of(const Value& all, VirtualCluster& cluster, Result<> (*action)(VirtualCluster&, const Value&)) {
  for (const Value* one : each(all)) {
    if (auto done = action(cluster, *one); !done) return done;
  }
  return {};
}

Result<> act_on(VirtualCluster& cluster, const std::string& verb, const Value& what) {
  if (verb == "apply") return each_of(what, cluster, apply);
  if (verb == "create") return each_of(what, cluster, create);
  if (verb == "patch") return each_of(what, cluster, patch);
  if (verb == "delete") return each_of(what, cluster, remove);
  if (verb == "push") return each_of(what, cluster, push);
  if (verb == "edge") return set_edge(cluster, what);
  if (verb == "restart") return restart(cluster, what);
  if (verb == "images") return set_images(cluster, what);
  if (verb == "metrics") return script_metrics(cluster, what);
  return {};
}

Result<seam::ImageBehaviour> behaviour_of(const Value& image) {
  if (auto ok = only(image, "startup ready exit after missing stop cpu memory"); !ok)
    return std::unexpected(ok.error());
  seam::ImageBehaviour out;
  const auto startup = duration_of(image.at("startup"), out.startup);
  const auto stop = duration_of(image.at("stop"), out.stop);
  const auto after = duration_of(image.at("after"), Duration(0));
  const bool never = image.at("ready").str() == "never";
  const auto ready = never ? Result<Duration>(Duration(0)) : duration_of(image.at("ready"), Duration(0));
  for (const auto* parsed : {&startup, &stop, &after, &ready}) {
    if (!*parsed) return std::unexpected(parsed->error());
  }
  out.startup = *startup;
  out.stop = *stop;
  out.ready = never ? std::nullopt : std::optional(*ready);
  if (image.has("exit")) out.exit_after = *after;
  out.exit_code = static_cast<int>(image.at("exit").int_or(0));
  out.missing = image.at("missing").bool_or(false);
  out.cpu_nano_cores = Quantity::of(image.at("cpu")).milli_value() * 1'000'000;
  out.memory_bytes = Quantity::of(image.at("memory")).value();
  return out;
}

Result<Value> answer_of(const Value& point, Time at) {
  if (point.has("error")) return fail("{}", point.at("error").str());
  std::vector<std::pair<Value, std::string>> samples;
  const auto text = [](const Value& v) {
    return v.is_string() ? std::string(v.str()) : fmt::format("{}", v.number_or(0));
  };
  if (point.at("value").is_array()) {
    for (const Value& sample : point.at("value").items())
      samples.emplace_back(sample.at("labels"), text(sample.at("value")));
  } else if (!point.at("value").is_null()) {
    samples.emplace_back(Value::object(), text(point.at("value")));
  }
  return seam::SimulatedMetrics::vector(samples, at);
}

}  // namespace

Result<> only(const Value& node, std::string_view known) {
  for (const Member& m : node.members()) {
    const std::size_t at = known.find(m.key);
    const bool whole = at != std::string_view::npos && !m.key.empty() && (at == 0 || known[at - 1] == ' ') &&
                       (at + m.key.size() == known.size() || known[at + m.key.size()] == ' ');
    if (!whole)
      return std::unexpected(m.value.error(fmt::format("\"{}\" means nothing here; known are: {}", m.key, known)));
  }
  return {};
}

Result<> act(VirtualCluster& cluster, const Value& step) {
  std::string failure;
  for (const Member& m : step.members()) {
    const auto done = act_on(cluster, m.key, m.value);
    if (done) continue;
    if (!step.has("fails")) return done;
    failure = done.error().message;
  }
  if (step.has("fails") && !glob_matches(step.at("fails").str(), failure)) {
    return std::unexpected(step.at("fails").error(fmt::format(
        "expected a refusal like \"{}\", got {}", step.at("fails").str(), failure.empty() ? "none" : failure)));
  }
  return {};
}

Result<> create_all(VirtualCluster& cluster, const Value& objects) {
  const api::Schema& schema = cluster.api().schema();
  const auto ensure_object = [&](std::string_view kind, std::string_view ns, std::string_view name) -> Result<> {
    const api::Resource& resource = *schema.by_kind("v1", kind);
    if (cluster.api().get(resource, ns, name) != nullptr) return {};
    Value metadata = Value::object({{"name", name}});
    if (!ns.empty()) metadata.set("namespace", ns);
    return create(cluster, Value::object({{"apiVersion", "v1"}, {"kind", kind}, {"metadata", std::move(metadata)}}));
  };
  // Pods among the first objects need an account, and the controller that makes it does not run yet.
  const auto ensure = [&](std::string_view name) -> Result<> {
    if (name.empty()) return {};
    if (auto done = ensure_object("Namespace", "", name); !done) return done;
    return ensure_object("ServiceAccount", name, "default");
  };
  if (auto done = ensure("default"); !done) return done;
  for (const Value& object : objects.items()) {
    if (object.at("kind").str() != "Namespace") {
      if (auto done = ensure(object.at("metadata", "namespace").str()); !done) return done;
    }
    if (auto done = create(cluster, object); !done) return done;
  }
  return {};
}

Result<> set_images(VirtualCluster& cluster, const Value& images) {
  for (const Member& m : images.members()) {
    const auto behaviour = behaviour_of(m.value);
    if (!behaviour) return std::unexpected(behaviour.error());
    for (const auto& node : cluster.nodes()) node->set_image(m.key, *behaviour);
  }
  return {};
}

Result<> script_metrics(VirtualCluster& cluster, const Value& metrics) {
  for (const Value& series : metrics.items()) {
    if (auto ok = only(series, "query value error values"); !ok) return ok;
    const std::string query(series.at("query").str());
    if (!series.has("values")) {
      cluster.metrics().script(query, cluster.time().now(), answer_of(series, cluster.time().now()));
      continue;
    }
    for (const Value& point : series.at("values").items()) {
      if (auto ok = only(point, "at value error"); !ok) return ok;
      const auto at = duration_of(point.at("at"), Duration(0));
      if (!at) return std::unexpected(at.error());
      const Time from = cluster.time().now() - cluster.elapsed() + *at;
      cluster.metrics().script(query, from, answer_of(point, from));
    }
  }
  return {};
}

}  // namespace fairlead::control
