#include "engine/control/analysis_templates.h"

#include <algorithm>

#include "engine/control/analysis_args.h"
#include "engine/control/delivery_names.h"

namespace fairlead::control {
namespace {

void add_once(std::vector<api::ObjectPtr>& to, const api::ObjectPtr& object) {
  const auto same = [&](const api::ObjectPtr& each) { return each->name() == object->name(); };
  if (std::ranges::none_of(to, same)) to.push_back(object);
}

Result<> collect(const api::Api& api, std::string_view ns, const Value& refs, int depth, AnalysisTemplates& out) {
  if (depth > kMaxTemplateNesting) return fail("templates refer to each other more than {} levels deep", depth - 1);
  const auto& local = api.schema().resource(kRolloutsGroup, "analysistemplates");
  const auto& cluster = api.schema().resource(kRolloutsGroup, "clusteranalysistemplates");
  for (const Value& ref : refs.items()) {
    const bool wide = ref.at("clusterScope").bool_or(false);
    const std::string_view name = ref.at("templateName").str();
    const auto found = wide ? api.get(cluster, {}, name) : api.get(local, ns, name);
    if (!found) return fail("{} '{}' not found", wide ? "ClusterAnalysisTemplate" : "AnalysisTemplate", name);
    add_once(wide ? out.cluster : out.local, found);
    if (auto nested = collect(api, ns, found->at("spec", "templates"), depth + 1, out); !nested) return nested;
  }
  return {};
}

/// Appends the items under `key` of every template, refusing a second item of the same name.
Result<Value> joined(const std::vector<const Value*>& specs, std::string_view key, std::string_view name_key,
                     std::string_view what) {
  Value out = Value::array();
  for (const Value* spec : specs) {
    for (const Value& item : spec->at(key).items()) {
      for (const Value& each : out.items())
        if (each.at(name_key) == item.at(name_key))
          return fail("two {} have the same name '{}'", what, item.at(name_key).str());
      out.push_back(item);
    }
  }
  return out;
}

Result<Value> joined_args(const std::vector<const Value*>& specs) {
  Value out = Value::array();
  for (const Value* spec : specs) {
    for (const Value& item : spec->at("args").items()) {
      const auto same =
          std::ranges::find_if(out.items(), [&](const Value& each) { return each.at("name") == item.at("name"); });
      if (same == out.items().end()) {
        out.push_back(item);
        continue;
      }
      Value& earlier = out.mutable_items()[static_cast<std::size_t>(same - out.items().begin())];
      if (!earlier.has("value")) {
        earlier = item;
      } else if (item.has("value") && item.at("value") != earlier.at("value")) {
        return fail("Argument `{}` specified multiple times with different values: '{}', '{}'", item.at("name").str(),
                    earlier.at("value").str(), item.at("value").str());
      }
    }
  }
  return out;
}

}  // namespace

Result<AnalysisTemplates> find_templates(const api::Api& api, std::string_view ns, const Value& refs) {
  AnalysisTemplates out;
  if (auto collected = collect(api, ns, refs, 1, out); !collected) return std::unexpected(collected.error());
  return out;
}

Result<Value> analysis_spec(const AnalysisTemplates& templates, const Value& analysis, const Value& args) {
  std::vector<const Value*> specs;
  for (const auto& object : templates.local) specs.push_back(&object->at("spec"));
  for (const auto& object : templates.cluster) specs.push_back(&object->at("spec"));
  auto metrics = joined(specs, "metrics", "name", "metrics");
  if (!metrics) return metrics;
  auto declared = joined_args(specs);
  if (!declared) return declared;
  auto merged = merge_arguments(args, *declared);
  if (!merged) return merged;

  // The Rollout's own rules come first.
  specs.insert(specs.begin(), &analysis);
  auto dry_run = joined(specs, "dryRun", "metricName", "Dry-Run metric rules");
  if (!dry_run) return dry_run;
  auto retention = joined(specs, "measurementRetention", "metricName", "Measurement Retention metric rules");
  if (!retention) return retention;

  Value spec = Value::object({{"metrics", std::move(*metrics)}});
  if (!merged->empty()) spec.set("args", std::move(*merged));
  if (!dry_run->empty()) spec.set("dryRun", std::move(*dry_run));
  if (!retention->empty()) spec.set("measurementRetention", std::move(*retention));
  return spec;
}

}  // namespace fairlead::control
