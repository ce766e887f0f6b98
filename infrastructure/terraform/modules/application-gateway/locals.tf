locals {
  # The same rules as Front Door's. Azure lets new policies have the three newest rule sets: OWASP 3.2 would be the oldest.
  rule_set = { type = "Microsoft_DefaultRuleSet", version = "2.1" }

  # Group of the default rule set by the first three digits of the core rule set's id, which both share.
  rule_groups = {
    "911" = "METHOD-ENFORCEMENT"
    "920" = "PROTOCOL-ENFORCEMENT"
    "921" = "PROTOCOL-ATTACK"
    "930" = "LFI"
    "931" = "RFI"
    "932" = "RCE"
    "933" = "PHP"
    "941" = "XSS"
    "942" = "SQLI"
    "943" = "FIX"
    "944" = "JAVA"
  }
}
