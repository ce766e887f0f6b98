#include "engine/api/table.h"

#include <algorithm>

#include "base/json.h"
#include "engine/api/conversion.h"
#include "engine/api/json_path.h"
#include "engine/api/table_cells.h"

namespace fairlead::api {
namespace {

const table::Printer* printer_for(const Resource& resource) {
  for (const auto printers :
       {table::workload_printers(), table::core_printers(), table::policy_printers(), table::platform_printers()}) {
    const auto found = std::ranges::find_if(
        printers, [&](const table::Printer& p) { return p.kind == resource.kind && p.group == resource.group; });
    if (found != printers.end()) return &*found;
  }
  return nullptr;
}

/// Source: k8s.io/apiextensions-apiserver/pkg/registry/customresource/tableconvertor/tableconvertor.go.
Value cell_of(const Column& column, const Value& value, Time now) {
  if (column.type == "string") return value.is_string() ? value : Value(to_json(value));
  if (column.type == "integer") {
    if (value.is_int()) return value;
    return value.is_double() ? Value(static_cast<std::int64_t>(value.number_or(0))) : Value();
  }
  if (column.type == "number") return value.is_number() ? Value(value.number_or(0)) : Value();
  if (column.type == "boolean") return value.is_bool() ? value : Value();
  if (column.type == "date" && value.is_string()) {
    const auto time = parse_time(value.str());
    return time ? Value(human_duration(now - *time)) : Value("<invalid>");
  }
  return {};
}

Value plain_cell(const Column& column, const Value& tree, Time now) {
  if (column.json_path.empty()) {
    if (column.format == "name") return tree.at("metadata", "name");
    const auto& created = tree.at("metadata", "creationTimestamp");
    return column.type == "date" ? created : Value(table::since(created, now));
  }
  const auto path = JsonPath::parse(column.json_path);
  if (!path) return {};
  const auto found = path->find(tree);
  if (found.empty() || found.front()->is_null()) return {};
  return cell_of(column, *found.front(), now);
}

}  // namespace

void ListMeta::append_json(std::string& out) const {
  out += fmt::format("{{\"resourceVersion\":\"{}\"", revision);
  if (!continue_token.empty()) {
    out += ",\"continue\":";
    append_json_string(out, continue_token);
  }
  if (remaining) out += fmt::format(",\"remainingItemCount\":{}", *remaining);
  out += '}';
}

TableWriter::TableWriter(const Resource& served, std::string version, IncludeObject include, Time now)
    : served_(served), version_(std::move(version)), include_(include), now_(now), columns_(served.columns) {
  const Resource& storage = served.storage != nullptr ? *served.storage : served;
  if (const auto* printer = printer_for(storage)) computed_ = printer->cells;
}

Value::Array TableWriter::cells(const Object& object) const {
  const auto& tree = object.tree();
  if (computed_ != nullptr) {
    auto computed = computed_(tree, now_);
    FAIRLEAD_ASSERT(computed.size() == columns_.size());
    return computed;
  }
  Value::Array out;
  out.reserve(columns_.size());
  for (const auto& column : columns_) out.push_back(plain_cell(column, tree, now_));
  return out;
}

void TableWriter::append_columns(std::string& out) const {
  out += '[';
  for (const auto& column : columns_) {
    if (&column != &columns_.front()) out += ',';
    out += "{\"name\":";
    append_json_string(out, column.name);
    out += ",\"type\":";
    append_json_string(out, column.type);
    out += ",\"format\":";
    append_json_string(out, column.format);
    out += fmt::format(",\"description\":\"\",\"priority\":{}}}", column.priority);
  }
  out += ']';
}

void TableWriter::append_row(std::string& out, const Object& object) const {
  out += "{\"cells\":";
  fairlead::append_json(out, Value(cells(object)));
  const auto phase = object.at("status", "phase").str();
  if (object.resource().kind == "Pod" && (phase == "Succeeded" || phase == "Failed")) {
    out += fmt::format(",\"conditions\":[{{\"type\":\"Completed\",\"status\":\"True\",\"reason\":\"{}\"}}]", phase);
  }
  if (include_ == IncludeObject::kMetadata) {
    out += ",\"object\":";
    append_partial_metadata(out, object, version_);
  } else if (include_ == IncludeObject::kObject) {
    out += ",\"object\":";
    append_served_json(out, served_, object);
  }
  out += '}';
}

void TableWriter::append(std::string& out, std::span<const ObjectPtr> objects, const ListMeta& meta,
                         bool with_columns) const {
  out += fmt::format("{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/{}\",\"metadata\":", version_);
  meta.append_json(out);
  out += ",\"columnDefinitions\":";
  if (with_columns) {
    append_columns(out);
  } else {
    out += "null";
  }
  out += ",\"rows\":[";
  for (const auto& object : objects) {
    if (&object != objects.data()) out += ',';
    append_row(out, *object);
  }
  out += "]}";
}

void append_partial_metadata(std::string& out, const Object& object, std::string_view version) {
  out += fmt::format("{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/{}\",\"metadata\":", version);
  append_json(out, object.at("metadata"));
  out += '}';
}

}  // namespace fairlead::api
