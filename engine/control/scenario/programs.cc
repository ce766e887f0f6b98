#include "engine/control/scenario/programs.h"

namespace fairlead::control {
namespace {

/// [{ip, port} …] as ["10.0.0.1:80" …].
Value endpoints(const std::vector<seam::Endpoint>& all) {
  Value::Array out;
  for (const seam::Endpoint& e : all) out.emplace_back(fmt::format("{}:{}", e.ip, e.port));
  return out;
}

Value service(const seam::ServiceProgram& s) {
  Value::Array ports;
  for (const seam::ServicePort& p : s.ports) {
    ports.push_back(Value::object(
        {{"name", p.name}, {"protocol", p.protocol}, {"port", p.port}, {"endpoints", endpoints(p.endpoints)}}));
  }
  Value::Array headless;
  for (const seam::HeadlessName& h : s.headless)
    headless.push_back(Value::object({{"hostname", h.hostname}, {"ip", h.ip}}));
  return Value::object({{"namespace", s.ns},
                        {"name", s.name},
                        {"clusterIP", s.cluster_ip},
                        {"externalName", s.external_name},
                        {"ports", Value(std::move(ports))},
                        {"headless", Value(std::move(headless))}});
}

Value allowances(const std::vector<seam::Allowance>& all) {
  Value::Array out;
  for (const seam::Allowance& a : all) {
    Value::Array peers;
    for (const seam::PeerBlock& p : a.peers) {
      Value::Array except;
      for (const std::string& e : p.except) except.emplace_back(e);
      peers.push_back(Value::object({{"cidr", p.cidr}, {"except", Value(std::move(except))}}));
    }
    Value::Array ports;
    for (const seam::PortRange& r : a.ports) ports.emplace_back(fmt::format("{}:{}-{}", r.protocol, r.first, r.last));
    out.push_back(
        Value::object({{"peers", Value(std::move(peers))}, {"ports", Value(std::move(ports))}, {"nobody", a.nobody}}));
  }
  return out;
}

Value matches(const std::vector<seam::StringMatch>& all) {
  Value::Array out;
  for (const seam::StringMatch& m : all) {
    out.push_back(Value::object({{"type", m.type}, {"name", m.name}, {"value", m.value}}));
  }
  return out;
}

Value header_lines(const std::vector<std::pair<std::string, std::string>>& all) {
  Value::Array out;
  for (const auto& [name, value] : all) out.emplace_back(fmt::format("{}: {}", name, value));
  return out;
}

Value headers(const seam::HeaderChanges& changes) {
  Value::Array removed;
  for (const std::string& name : changes.remove) removed.emplace_back(name);
  return Value::object(
      {{"set", header_lines(changes.set)}, {"add", header_lines(changes.add)}, {"remove", Value(std::move(removed))}});
}

Value path(const std::optional<seam::PathChange>& change) {
  return change ? Value::object({{"type", change->type}, {"value", change->value}}) : Value();
}

Value filters(const seam::RouteFilters& f) {
  Value out = Value::object({{"request", headers(f.request)}, {"response", headers(f.response)}});
  if (f.redirect) {
    const seam::Redirect& to = *f.redirect;
    out.set("redirect", Value::object({{"scheme", to.scheme},
                                       {"hostname", to.hostname},
                                       {"path", path(to.path)},
                                       {"port", to.port},
                                       {"status", to.status}}));
  }
  if (f.rewrite) {
    out.set("rewrite", Value::object({{"hostname", f.rewrite->hostname}, {"path", path(f.rewrite->path)}}));
  }
  return out;
}

Value rule(const seam::RouteRule& r) {
  Value::Array match;
  for (const seam::RouteMatch& m : r.matches) {
    match.push_back(Value::object({{"path", Value::object({{"type", m.path.type}, {"value", m.path.value}})},
                                   {"method", m.method},
                                   {"headers", matches(m.headers)},
                                   {"query", matches(m.query)}}));
  }
  Value::Array backends;
  for (const seam::RouteBackend& b : r.backends) {
    backends.push_back(Value::object({{"namespace", b.ns},
                                      {"service", b.service},
                                      {"port", b.port},
                                      {"weight", b.weight},
                                      {"missing", b.missing},
                                      {"filters", filters(b.filters)},
                                      {"endpoints", endpoints(b.endpoints)}}));
  }
  Value out = Value::object({{"matches", Value(std::move(match))},
                             {"backends", Value(std::move(backends))},
                             {"filters", filters(r.filters)}});
  if (r.request_timeout) out.set("requestTimeout", format_duration(*r.request_timeout));
  if (r.backend_timeout) out.set("backendTimeout", format_duration(*r.backend_timeout));
  return out;
}

Value texts(const std::vector<std::string>& all) {
  Value::Array out;
  for (const std::string& t : all) out.emplace_back(t);
  return out;
}

}  // namespace

Value to_value(const seam::NetworkProgram& program) {
  Value::Array services;
  for (const seam::ServiceProgram& s : program.services) services.push_back(service(s));
  Value::Array pods;
  for (const seam::PodPolicy& p : program.pods) {
    pods.push_back(Value::object({{"namespace", p.ns},
                                  {"name", p.pod},
                                  {"ip", p.ip},
                                  {"ingressIsolated", p.ingress_isolated},
                                  {"egressIsolated", p.egress_isolated},
                                  {"ingress", allowances(p.ingress)},
                                  {"egress", allowances(p.egress)}}));
  }
  return Value::object({{"services", Value(std::move(services))}, {"pods", Value(std::move(pods))}});
}

Value to_value(const seam::EdgeProgram& program) {
  Value::Array listeners;
  for (const seam::Listener& l : program.listeners) {
    listeners.push_back(Value::object({{"name", l.name}, {"port", l.port}, {"hostname", l.hostname}}));
  }
  Value::Array routes;
  for (const seam::Route& r : program.routes) {
    Value::Array rules;
    for (const seam::RouteRule& one : r.rules) rules.push_back(rule(one));
    routes.push_back(Value::object({{"namespace", r.ns},
                                    {"name", r.name},
                                    {"hostnames", texts(r.hostnames)},
                                    {"listeners", texts(r.listeners)},
                                    {"rules", Value(std::move(rules))}}));
  }
  return Value::object({{"listeners", Value(std::move(listeners))}, {"routes", Value(std::move(routes))}});
}

Value to_value(const seam::PodInputs& inputs) {
  Value out = Value::object({{"env", Value::object()}, {"files", Value::object()}});
  for (const auto& [container, env] : inputs.env) {
    Value& all = out.make("env", container);
    all = Value::object();
    for (const auto& [name, value] : env) all.set(name, value);
  }
  for (const auto& [volume, files] : inputs.files) {
    Value& all = out.make("files", volume);
    all = Value::object();
    for (const seam::VolumeFile& f : files) {
      all.set(f.path, Value::object({{"content", f.content}, {"mode", fmt::format("{:o}", f.mode)}}));
    }
  }
  return out;
}

}  // namespace fairlead::control
