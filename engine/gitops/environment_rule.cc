#include "engine/gitops/environment_rule.h"

namespace fairlead::gitops {
namespace {

using Type = DocumentRule::Type;
using Members = std::vector<std::pair<std::string, DocumentRule>>;

constexpr const char* kService = "[a-z]([a-z0-9-]{0,22}[a-z0-9])?";
constexpr const char* kEnvironment = "[a-z][a-z0-9]{1,9}";  // Goes into names that allow no hyphen.
constexpr const char* kUuid = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
constexpr const char* kHost = "[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+";
constexpr const char* kHostOrWildcard = "(\\*\\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+";
constexpr const char* kDay = "[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])";
constexpr const char* kTime = "([01][0-9]|2[0-3]):[0-5][0-9]";
constexpr const char* kVmSize = "Standard_[A-Z]+[0-9]+(-[0-9]+)?[a-z]*(_[A-Za-z0-9]+)*";
constexpr const char* kShare = "[1-9][0-9]?%?|100%?|[1-9][0-9]{2}";  // More than all of it is no share.
constexpr const char* kRepository = "[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+";
constexpr const char* kSubject = "repo:[A-Za-z0-9_.-]+(@[0-9]+)?/[A-Za-z0-9_.-]+(@[0-9]+)?";
constexpr const char* kWafRule = "(911|920|921|93[0-3]|94[1-4])[0-9]{3}";
constexpr const char* kStored = "[a-z0-9]([a-z0-9-]{1,36}[a-z0-9])";  // Fits Cosmos DB, queues and Key Vault.
constexpr std::int64_t kMaxId = 999'999'999'999;                      // GitHub's ids are numbers that grow.

DocumentRule text(std::string about, std::string pattern = {}) {
  return {.type = Type::kString, .about = std::move(about), .pattern = std::move(pattern)};
}
DocumentRule choice(std::string about, std::vector<std::string> choices) {
  return {.type = Type::kString, .about = std::move(about), .choices = std::move(choices)};
}
DocumentRule integer(std::string about, std::int64_t least, std::int64_t most) {
  return {.type = Type::kInteger, .about = std::move(about), .least = least, .most = most};
}
DocumentRule flag(std::string about) { return {.type = Type::kBoolean, .about = std::move(about)}; }
DocumentRule object(std::string about, Members members) {
  return {.type = Type::kObject, .about = std::move(about), .members = std::move(members)};
}
DocumentRule list(std::string about, DocumentRule item) {
  return {.type = Type::kList, .about = std::move(about), .otherwise = Value::array(), .items = {std::move(item)}};
}
DocumentRule map(std::string about, std::string keys, DocumentRule item) {
  return {.type = Type::kMap,
          .about = std::move(about),
          .otherwise = Value::object(),
          .pattern = std::move(keys),
          .items = {std::move(item)}};
}
DocumentRule required(DocumentRule rule) {
  rule.required = true;
  rule.otherwise = nullptr;
  return rule;
}
DocumentRule otherwise(Value value, DocumentRule rule) {
  rule.otherwise = std::move(value);
  return rule;
}

/// Azure Managed Redis: each family and the sizes that it comes in.
std::vector<std::string> redis_skus() {
  static const std::vector<std::pair<std::string, std::vector<int>>> kFamilies = {
      {"Balanced_B", {0, 1, 3, 5, 10, 20, 50, 100, 150, 250, 350, 500, 700, 1000}},
      {"MemoryOptimized_M", {10, 20, 50, 100, 150, 250, 350, 500, 700, 1000, 1500, 2000}},
      {"ComputeOptimized_X", {3, 5, 10, 20, 50, 100, 150, 250, 350, 500, 700}},
      {"FlashOptimized_A", {250, 500, 700, 1000, 1500, 2000, 4500}}};
  std::vector<std::string> out;
  for (const auto& [family, sizes] : kFamilies)
    for (const int size : sizes) out.push_back(family + std::to_string(size));
  return out;
}

DocumentRule api_version() { return required(choice("Version of this file's format.", {"fairlead.dev/v1"})); }

DocumentRule environment() {
  return required(object(
      "Which environment this is.",
      {{"name", required(text("The file's name.", kEnvironment))},
       {"class", required(choice("How careful to be.", {"sandbox", "nonprod", "prod"}))},
       {"expires", text("Day after which a sandbox may be taken down; for sandboxes, and required there.", kDay)}}));
}

DocumentRule owner() {
  return required(object(
      "Who answers for it, and who pays.",
      {{"repository", required(text("GitHub repository that deploys it: owner/name.", kRepository))},
       {"subject",
        text("How GitHub's tokens begin to say whose they are: sub_claim_prefix, as `gh api "
             "repos/<owner>/<name>/actions/oidc/customization/sub` prints it; where this environment holds the "
             "foundation. Left out: repo:<owner>/<name>, as in repositories from before 15 July 2026.",
             kSubject)},
       {"tags", map("Azure tags that every resource bears.", "[A-Za-z][A-Za-z0-9_-]{0,62}",
                    text("The tag's value.", ".{0,256}"))},
       {"contacts", required(list("E-mail addresses that alerts go to.", text("One address.", "[^@ ]+@[^@ ]+")))},
       {"budget",
        required(object(
            "What it may cost.",
            {{"monthly", required(integer("Amount a month.", 1, 10'000'000))},
             {"from",
              required(text("First day of the month in which it is first applied.", "[0-9]{4}-(0[1-9]|1[0-2])-01"))},
             {"currency", required(text("ISO 4217 code of the subscription's billing currency, in which Azure counts.",
                                        "[A-Z]{3}"))}}))}}));
}

DocumentRule azure() {
  return required(object(
      "Where in Azure it lives. Ids, no secrets.",
      {{"tenant", required(text("Id of the Entra tenant.", kUuid))},
       {"subscription", required(text("Id of the subscription.", kUuid))},
       {"prefix",
        required(text("Starts every name; with the environment's name unique in Azure.", "[a-z][a-z0-9]{2,9}"))},
       {"groups", required(object("Object ids of Entra groups.",
                                  {{"admins", required(list("Administer the clusters.", text("One group.", kUuid)))},
                                   {"developers", list("Read the clusters.", text("One group.", kUuid))}}))}}));
}

DocumentRule runners() {
  return object(
      "GitHub's runners inside the hub, for where it is closed; where this environment holds the hub. Left out: none.",
      {{"image", required(text("Digest of the image that infrastructure/bootstrap/runner pushed into the registry.",
                               "sha256:[0-9a-f]{64}"))},
       {"app", required(object("The GitHub App that registers them. Its key is in Key Vault.",
                               {{"id", required(integer("Its id.", 1, kMaxId))},
                                {"installation", required(integer("Of its installation.", 1, kMaxId))}}))},
       {"group", otherwise(1, integer("Id of the organization's runner group that they join.", 1, kMaxId))},
       {"max", otherwise(4, integer("Most at a time.", 1, 50))}});
}

DocumentRule hub() {
  return required(object(
      "The network that environments share.",
      {{"ref",
        required(text("Environment that holds the hub and the foundation; its own name: itself.", kEnvironment))},
       {"egressTier",
        otherwise("firewall", choice("What traffic to the Internet goes through.", {"firewall", "natGateway"}))},
       {"allow", list("Host names that its workloads may call besides what AKS and the services need.",
                      text("One host.", kHostOrWildcard))},
       {"runners", runners()}}));
}

DocumentRule registry() {
  return required(object("The container registry that environments share: the same digest goes through all of them.",
                         {{"ref", required(text("Environment whose foundation holds it.", kEnvironment))}}));
}

DocumentRule regions() {
  return required(map(
      "Azure regions it runs in, by name.", {},
      object("One region.",
             {{"primary", otherwise(false, flag("Where Cosmos DB writes; exactly one."))},
              {"zones", list("Availability zones.", integer("One zone.", 1, 3))},
              {"cidr", required(text("Addresses of its network, /20 or larger; fairlead takes the first /20."))},
              {"hubCidr", text("Addresses of the hub there, /22; where this environment holds the hub.")},
              {"gatewayIp", required(text("Static address of the cluster's Gateway, in the `gateway` subnet."))}})));
}

DocumentRule waf() {
  const auto exclusion = object(
      "A rule that does not look at one thing.",
      {{"rule",
        required(text("Id of a rule of the core rule set, in a group that Azure's firewalls have too.", kWafRule))},
       {"in", required(choice("Where the thing is.", {"argument", "cookie", "header"}))},
       {"name", required(text("Its name.", "[A-Za-z0-9_.-]{1,64}"))},
       {"reason", required(text("Why this is safe."))}});
  return object(
      "The web application firewall: Front Door's and Application Gateway's, and ModSecurity's on one machine.",
      {{"mode", otherwise("prevention", choice("What happens to what it finds.", {"prevention", "detection"}))},
       {"limits", otherwise(Value::object(), object("Against floods.",
                                                    {{"requestsPerMinute",
                                                      otherwise(600, integer("From one address.", 10, 1'000'000))}}))},
       {"geo", otherwise(Value::object(), object("By the caller's country.",
                                                 {{"allow", list("ISO 3166 codes of countries let in; none: all.",
                                                                 text("One.", "[A-Z]{2}"))},
                                                  {"block", list("Countries kept out.", text("One.", "[A-Z]{2}"))}}))},
       {"exclusions", list("What the managed rules do not look at.", exclusion)}});
}

DocumentRule edge() {
  return object(
      "The way in from the Internet: Front Door. Left out: there is none.",
      {{"hosts", required(list("Public host names.", text("One host.", kHost)))},
       {"certificate",
        required(object("What Application Gateway and the cluster's Gateway show to Front Door.",
                        {{"host", required(text("Host name in it; publicly trusted, as Front Door demands.", kHost))},
                         {"issuer", required(choice("Certificate authority that Key Vault renews it from.",
                                                    {"DigiCert", "GlobalSign"}))}}))},
       {"waf", otherwise(Value::object(), waf())}});
}

DocumentRule cluster() {
  const auto days =
      std::vector<std::string>{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
  return required(object(
      "The AKS cluster of each region.",
      {{"version", required(text("Kubernetes' minor version, in quotes; AKS picks the patch.", "1\\.[0-9]+"))},
       {"tier", otherwise("Standard", choice("Of the control plane.", {"Free", "Standard", "Premium"}))},
       {"autoscaler", otherwise("conservative", choice("How quickly nodes go.", {"aggressive", "conservative"}))},
       {"upgrades",
        otherwise(
            Value::object(),
            object(
                "What AKS upgrades by itself.",
                {{"cluster", otherwise("patch", choice("Kubernetes, within its minor version.", {"patch", "none"}))},
                 {"nodes", otherwise("NodeImage", choice("Node images.", {"NodeImage", "SecurityPatch", "None"}))}}))},
       {"maintenance",
        required(object("When it may do so, in UTC.", {{"day", required(choice("Day of the week.", days))},
                                                       {"start", required(text("Time of day.", kTime))},
                                                       {"hours", otherwise(4, integer("How long.", 4, 24))}}))}}));
}

DocumentRule pool(std::string about, Value priority) {
  return object(
      std::move(about),
      {{"size", required(text("Azure VM size.", kVmSize))},
       {"min", required(integer("Fewest nodes.", 0, 1000))},
       {"max", required(integer("Most nodes.", 1, 1000))},
       {"priority",
        otherwise(std::move(priority), choice("Spot nodes are cheap and may go at any time.", {"Regular", "Spot"}))},
       {"maxSurge", text("Nodes added during an upgrade, as a number or a share; not for Spot.", kShare)},
       {"diskGb", integer("Size of the system disk; left out, Azure's choice.", 30, 2048)},
       {"labels", map("Labels of its nodes.", "[a-z0-9A-Z./_-]+", text("The label's value."))},
       {"taints",
        list("Taints of its nodes.",
             text("One taint.", "[a-z0-9A-Z./_-]+=[a-z0-9A-Z._-]*:(NoSchedule|PreferNoSchedule|NoExecute)"))}});
}

DocumentRule data() {
  const auto cosmos = object(
      "The Cosmos DB account.",
      {{"writes", otherwise("single", choice("How many regions take writes.", {"single", "multi"}))},
       {"consistency", otherwise("Session", choice("Default consistency.", {"Strong", "BoundedStaleness", "Session",
                                                                            "ConsistentPrefix", "Eventual"}))},
       {"throughput",
        otherwise(Value::object(),
                  object("Of each container, unless a service's overrides say otherwise.",
                         {{"mode", otherwise("autoscale", choice("Who sets it.", {"autoscale", "provisioned"}))},
                          {"requestUnits", otherwise(1000, integer("Request units a second; with autoscale, the most.",
                                                                   400, 1'000'000))}}))}});
  const auto redis =
      object("Azure Managed Redis in each region. Left out: none.",
             {{"sku", required(choice("SKU's name.", redis_skus()))},
              {"highAvailability", otherwise(true, flag("Two nodes, in zones where the region has them."))}});
  return otherwise(
      Value::object(),
      object("Where the services' data is.",
             {{"cosmos", otherwise(Value::object(), cosmos)},
              {"redis", redis},
              {"queues", otherwise(Value::object(),
                                   object("The storage account of the queues in each region.",
                                          {{"redundancy", otherwise("ZRS", choice("Copies.", {"LRS", "ZRS"}))}}))}}));
}

DocumentRule services() {
  const auto throughput =
      object("Another throughput for a container.",
             {{"mode", otherwise("autoscale", choice("Who sets it.", {"autoscale", "provisioned"}))},
              {"requestUnits", required(integer("Request units a second.", 400, 1'000'000))}});
  return required(
      map("The services that run here.", kService,
          object("One service.",
                 {{"size", otherwise("small", choice("Its CPU and memory.", {"small", "medium", "large"}))},
                  {"overrides",
                   otherwise(Value::object(), object("What differs here from what it needs everywhere.",
                                                     {{"containers", map("By container.", kStored, throughput)}}))}})));
}

DocumentRule hours() {
  return object("When it runs; left out: always.",
                {{"timezone", required(text("IANA name.", "[A-Za-z_]+(/[A-Za-z_]+)*"))},
                 {"workdays", required(object("Working hours, Monday to Friday. Not called `on`: to YAML that is true.",
                                              {{"from", required(text("Time of day.", kTime))},
                                               {"to", required(text("Time of day.", kTime))}}))},
                 {"holidays", list("Days on which it stays off.", text("One day.", kDay))}});
}

DocumentRule observability() {
  return otherwise(
      Value::object(),
      object("Logs and metrics.", {{"retentionDays", otherwise(30, integer("How long logs stay.", 30, 730))}}));
}

DocumentRule backup() {
  return otherwise(Value::object(),
                   object("What can be restored.",
                          {{"cosmosDays", otherwise(7, integer("How far back Cosmos DB can go: 7 or 30.", 7, 30))}}));
}

}  // namespace

const DocumentRule& environment_rule() {
  static const DocumentRule kRule = object(
      "Places and sizes of one environment.",
      {{"apiVersion", api_version()},
       {"environment", environment()},
       {"owner", owner()},
       {"azure", azure()},
       {"hub", hub()},
       {"registry", registry()},
       {"regions", regions()},
       {"edge", edge()},
       {"cluster", cluster()},
       {"nodePools", required(object("The clusters' node pools.",
                                     {{"system", required(pool("For what the cluster itself needs.", "Regular"))},
                                      {"workload", required(pool("For the services.", "Regular"))},
                                      {"spot", pool("For work that may be interrupted. Left out: none.", "Spot")}}))},
       {"data", data()},
       {"services", services()},
       {"hours", hours()},
       {"observability", observability()},
       {"backup", backup()}});
  return kRule;
}

const DocumentRule& needs_rule() {
  const auto names = [](const char* about, const char* pattern) { return list(about, text("One name.", pattern)); };
  static const DocumentRule kRule = object(
      "What a service needs in every environment.",
      {{"apiVersion", api_version()},
       {"kind", required(choice("Always Needs.", {"Needs"}))},
       {"calls", names("Services that it calls.", kService)},
       {"egress", names("Host names outside the cluster that it calls.", kHostOrWildcard)},
       {"containers", map("Cosmos DB containers that it owns.", kStored,
                          object("One container.",
                                 {{"partitionKey", required(text("Path of the partition key.",
                                                                 "/[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*"))},
                                  {"ttlSeconds", integer("Documents go after this long.", 1, 2'147'483'647)}}))},
       {"queues", names("Storage queues that it owns.", kStored)},
       {"secrets", names("Secrets of its own in the region's Key Vault.", kStored)},
       {"redis", otherwise(false, flag("Whether it uses Redis. Redis grants are all or nothing."))},
       {"grants", list("What it may do with containers and queues, its own too.",
                       object("One grant: on a container or on a queue.",
                              {{"container", text("service/container.", "[a-z0-9-]+/[a-z0-9-]+")},
                               {"queue", text("service/queue.", "[a-z0-9-]+/[a-z0-9-]+")},
                               {"access", required(choice("read or write a container; send to or receive from a queue.",
                                                          {"read", "write", "send", "receive"}))}}))}});
  return kRule;
}

}  // namespace fairlead::gitops
