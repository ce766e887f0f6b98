#include "engine/node/dns_zone.h"

#include <gtest/gtest.h>

#include <charconv>

#include "base/yaml.h"
#include "engine/node/files.h"

namespace fairlead::node {
namespace {

const std::map<std::string, unsigned> kTypes = {{"A", 1}, {"CNAME", 5}, {"PTR", 12}, {"AAAA", 28}, {"SRV", 33}};

std::string query(const std::string& name, unsigned type, unsigned flags = 0x0100, const std::string& extra = {}) {
  std::string out("\x12\x34", 2);
  const auto put = [&out](unsigned value) {
    out += static_cast<char>(value >> 8U);
    out += static_cast<char>(value & 255U);
  };
  put(flags);
  for (const unsigned count : {1U, 0U, 0U, extra.empty() ? 0U : 1U}) put(count);
  for (std::size_t at = 0; at < name.size();) {
    const auto dot = std::min(name.find('.', at), name.size());
    out += static_cast<char>(dot - at);
    out += name.substr(at, dot - at);
    at = dot + 1;
  }
  out += '\0';
  put(type);
  put(1);
  return out + extra;
}

unsigned get16(const std::string& bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes.at(at)) << 8U) |
         static_cast<unsigned char>(bytes.at(at + 1));
}

std::string read_name(const std::string& bytes, std::size_t& at) {
  std::string out;
  while (bytes.at(at) != 0) {
    const auto length = std::size_t{static_cast<unsigned char>(bytes.at(at))};
    out += (out.empty() ? "" : ".") + bytes.substr(at + 1, length);
    at += length + 1;
  }
  ++at;
  return out;
}

std::string record(const std::string& reply, std::size_t& at) {
  read_name(reply, at);
  const unsigned type = get16(reply, at);
  std::size_t data = at + 10;
  at = data + get16(reply, at + 8);
  switch (type) {
    case 1:
      return fmt::format("A {}.{}.{}.{}", static_cast<unsigned char>(reply.at(data)),
                         static_cast<unsigned char>(reply.at(data + 1)), static_cast<unsigned char>(reply.at(data + 2)),
                         static_cast<unsigned char>(reply.at(data + 3)));
    case 5:
      return "CNAME " + read_name(reply, data);
    case 12:
      return "PTR " + read_name(reply, data);
    case 33: {
      const unsigned port = get16(reply, data + 4);
      data += 6;
      return fmt::format("SRV {} {}", port, read_name(reply, data));
    }
    default:
      return fmt::format("type {}", type);
  }
}

/// "NOERROR A 10.96.0.100".
std::string text(const std::string& reply) {
  const unsigned code = get16(reply, 2) & 15U;
  std::string out = code == 0 ? "NOERROR" : code == 3 ? "NXDOMAIN" : fmt::format("code {}", code);
  std::size_t at = 12;
  read_name(reply, at);
  at += 4;
  for (unsigned i = 0; i < get16(reply, 6); ++i) out += " " + record(reply, at);
  return out;
}

seam::ServicePort port(const Value& tree) {
  seam::ServicePort out{std::string(tree.at("name").str()),
                        std::string(tree.at("protocol").str()),
                        static_cast<std::uint16_t>(tree.at("port").int_or(0)),
                        {}};
  for (const Value& endpoint : tree.at("endpoints").items()) {
    const std::string_view place = endpoint.str();
    const auto colon = place.find(':');
    std::uint16_t number = 0;
    std::from_chars(place.data() + colon + 1, place.data() + place.size(), number);
    out.endpoints.push_back({std::string(place.substr(0, colon)), number});
  }
  return out;
}

class DnsZoneTest : public ::testing::Test {
 protected:
  DnsZoneTest() {
    const std::string path = std::string(FAIRLEAD_SOURCE_DIR) + "/engine/node/testdata/dns_zone.yaml";
    data_ = parse_yaml(read_file(path).value(), path).value().front();
    seam::NetworkProgram program;
    for (const Value& service : data_.at("services").items()) {
      seam::ServiceProgram one{std::string(service.at("namespace").str()),
                               std::string(service.at("name").str()),
                               std::string(service.at("ip").str()),
                               std::string(service.at("externalName").str()),
                               {},
                               {}};
      for (const Value& entry : service.at("ports").items()) one.ports.push_back(port(entry));
      for (const Value& entry : service.at("headless").items()) {
        one.headless.push_back({std::string(entry.at("hostname").str()), std::string(entry.at("ip").str())});
      }
      program.services.push_back(std::move(one));
    }
    HostNames hosts;
    for (const Member& host : data_.at("hosts").members()) {
      for (const Value& address : host.value.items()) hosts[host.key].emplace_back(address.str());
    }
    zone_ = DnsZone(program, hosts);
  }
  Value data_;
  DnsZone zone_;
};

TEST_F(DnsZoneTest, AnswersAsTheSpecificationSays) {
  ASSERT_GT(data_.at("questions").members().size(), 10U);
  for (const Member& question : data_.at("questions").members()) {
    const auto space = question.key.find(' ');
    const std::string name = question.key.substr(space + 1);
    EXPECT_EQ(text(zone_.answer(query(name, kTypes.at(question.key.substr(0, space))), 512)), question.value.str())
        << question.key;
  }
}

TEST_F(DnsZoneTest, HeadlessNamesGiveEveryAddressInTurn) {
  const std::string one = text(zone_.answer(query("peers.shop.svc.cluster.local", 1), 512));
  const std::string two = text(zone_.answer(query("peers.shop.svc.cluster.local", 1), 512));
  for (const std::string& reply : {one, two}) {
    EXPECT_NE(reply.find("10.244.0.6"), std::string::npos) << reply;
    EXPECT_NE(reply.find("10.244.0.7"), std::string::npos) << reply;
  }
  EXPECT_NE(one, two) << "clients that take the first address must spread";
}

TEST_F(DnsZoneTest, RepliesThatDoNotFitAreCutAndEdnsRaisesTheLimit) {
  seam::NetworkProgram program;
  seam::ServiceProgram many{"shop", "many", "None", "", {}, {}};
  for (int i = 1; i <= 20; ++i) many.headless.push_back({"", fmt::format("10.244.0.{}", i)});
  program.services.push_back(many);
  const DnsZone zone(program, {});
  const std::string name = "many.shop.svc.cluster.local";
  const std::string cut = zone.answer(query(name, 1), 512);
  EXPECT_LE(cut.size(), 512U);
  EXPECT_NE(get16(cut, 2) & 0x0200U, 0U) << "truncated";
  EXPECT_EQ(get16(cut, 6), 0U);
  const std::string over_tcp = zone.answer(query(name, 1), 65535);
  EXPECT_EQ(get16(over_tcp, 2) & 0x0200U, 0U);
  EXPECT_EQ(get16(over_tcp, 6), 20U);
  const std::string edns = std::string("\0\0\x29\x04\xd0\0\0\0\0\0\0", 11);
  const std::string with_edns = zone.answer(query(name, 1, 0x0100, edns), 512);
  EXPECT_GT(with_edns.size(), 512U);
  EXPECT_LE(with_edns.size(), 1232U);
}

TEST_F(DnsZoneTest, NoBytesUpsetIt) {
  EXPECT_EQ(zone_.answer("", 512), "");
  EXPECT_EQ(zone_.answer("short", 512), "");
  EXPECT_EQ(zone_.answer(query("web.shop.svc.cluster.local", 1, 0x8100), 512), "") << "a reply is no question";
  const std::string whole = query("web.shop.svc.cluster.local", 1);
  for (std::size_t length = 12; length < whole.size(); ++length) {
    const std::string reply = zone_.answer(whole.substr(0, length), 512);
    EXPECT_EQ(get16(reply, 2) & 15U, 1U) << "FORMERR at " << length;
  }
  EXPECT_EQ(get16(zone_.answer(query("web.shop.svc.cluster.local", 1, 0x2800), 512), 2) & 15U, 4U) << "an update";
  std::string endless = query("a", 1);
  endless[12] = '\xc0';
  EXPECT_EQ(get16(zone_.answer(endless, 512), 2) & 15U, 1U) << "compression in a question";
  EXPECT_FALSE(zone_.answer(query("loop.shop.svc.cluster.local", 1), 512).empty()) << "a CNAME to itself ends";
}

}  // namespace
}  // namespace fairlead::node
