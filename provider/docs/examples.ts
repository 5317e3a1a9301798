/** Examples for Terraform releases later than the tests have: their blocks are not valid before. */
const LATER: Readonly<Record<string, string>> = {
  'List Resource migosmtp_smtp_account': `
# In a file such as accounts.tfquery.hcl, for terraform query:
list "migosmtp_smtp_account" "shop" {
  provider = migosmtp
  config {
    namespace = "shop"
  }
}`,
  'List Resource migosmtp_verified_domain': `
# In a file such as domains.tfquery.hcl, for terraform query:
list "migosmtp_verified_domain" "all" {
  provider = migosmtp
}`,
  'Action migosmtp_rotate_password': `
action "migosmtp_rotate_password" "billing" {
  config {
    name      = "billing"
    namespace = "shop"
  }
}

# terraform apply -invoke action.migosmtp_rotate_password.billing`,
  'Action migosmtp_reset_password': `
action "migosmtp_reset_password" "billing" {
  config {
    name      = "billing"
    namespace = "shop"
  }
}`,
  'Action migosmtp_send_test': `
action "migosmtp_send_test" "billing" {
  config {
    account   = "billing"
    namespace = "shop"
    to        = "postmaster@shop.example"
  }
}`,
};

/** Examples of the documentation pages, by kind and name. A test validates every one of them. */
export const EXAMPLES: Readonly<Record<string, string>> = {
  provider: `
terraform {
  required_version = ">= 1.11"
  required_providers {
    migosmtp = {
      source  = "migosmtp/migosmtp"
      version = "~> 0.1"
    }
  }
}

provider "migosmtp" {
  config_path    = "~/.kube/config"
  config_context = "production"
}`,
  'Resource migosmtp_smtp_relay': `
resource "migosmtp_smtp_relay" "relay" {
  name      = "relay"
  namespace = "mail"
  hostname  = "smtp.example.com"

  delivery = {
    smarthost = {
      host                   = "smtp.provider.example"
      credentials_secret_ref = { name = "provider-login" }
    }
  }
  allowed_namespaces = { from = "All" }
}`,
  'Resource migosmtp_smtp_account': `
resource "migosmtp_smtp_account" "billing" {
  name            = "billing"
  namespace       = "shop"
  allowed_senders = ["*@shop.example"]
  limits          = { per_day = 500 }

  rotation = {
    revision = 1 # raise it for a new password
    interval = "2160h"
    overlap  = "24h"
  }
  rollout_targets = [{ kind = "Deployment", name = "billing" }]
}`,
  'Resource migosmtp_verified_domain': `
resource "migosmtp_verified_domain" "shop" {
  name      = "shop"
  namespace = "shop"
  domain    = "shop.example"
  dkim      = { key_type = "Both" }
}

output "dns_records" {
  value = migosmtp_verified_domain.shop.dns_records
}`,
  'Resource migosmtp_domain_verification': `
resource "migosmtp_verified_domain" "shop" {
  name      = "shop"
  namespace = "shop"
  domain    = "shop.example"
}

# Publish migosmtp_verified_domain.shop.dns_records with the provider of your DNS zone, then:
resource "migosmtp_domain_verification" "shop" {
  name       = migosmtp_verified_domain.shop.name
  namespace  = migosmtp_verified_domain.shop.namespace
  domain_uid = migosmtp_verified_domain.shop.uid
}`,
  'Resource migosmtp_plan_limit': `
resource "migosmtp_plan_limit" "shop" {
  name      = "plan"
  namespace = "shop"
  plan      = "10k"
  emails    = { per_day = 800 }
  time_zone = "Europe/Berlin"
}`,
  'Resource migosmtp_test_message': `
resource "migosmtp_test_message" "hello" {
  name        = "hello"
  namespace   = "shop"
  account_ref = { name = "billing" }
  to          = "postmaster@shop.example"
}`,
  'Data Source migosmtp_smtp_account': `
data "migosmtp_smtp_account" "billing" {
  name      = "billing"
  namespace = "shop"
}

output "secret_name" {
  value = data.migosmtp_smtp_account.billing.secret_name
}`,
  'Data Source migosmtp_smtp_accounts': `
data "migosmtp_smtp_accounts" "shop" {
  namespace      = "shop"
  label_selector = "team=billing"
}

output "usernames" {
  value = data.migosmtp_smtp_accounts.shop.items[*].username
}`,
  'Ephemeral Resource migosmtp_smtp_credentials': `
resource "migosmtp_smtp_account" "billing" {
  name      = "billing"
  namespace = "shop"
}

# Opened anew in each run, stored nowhere. Pass it to write-only arguments of other resources, such as
# password_wo = ephemeral.migosmtp_smtp_credentials.billing.password with
# password_wo_version = migosmtp_smtp_account.billing.credentials_revision.
ephemeral "migosmtp_smtp_credentials" "billing" {
  name      = migosmtp_smtp_account.billing.name
  namespace = migosmtp_smtp_account.billing.namespace
  uid       = migosmtp_smtp_account.billing.uid
}`,
  'Function smtp_url': `
output "url" {
  value = provider::migosmtp::smtp_url("smtp.example.com", 587, "user", "pass:word")
  # smtp://user:pass%3Aword@smtp.example.com:587
}`,
  'Function spf_merge': `
output "spf" {
  value = provider::migosmtp::spf_merge("v=spf1 include:_spf.example.net ~all", "v=spf1 a:smtp.example.com -all")
  # v=spf1 include:_spf.example.net a:smtp.example.com ~all
}`,
  'Function txt_chunks': `
output "parts" {
  value = provider::migosmtp::txt_chunks("v=DKIM1; k=rsa; p=...")
}`,
};

/** Every example, those for later releases of Terraform included. */
export const ALL_EXAMPLES: Readonly<Record<string, string>> = { ...EXAMPLES, ...LATER };

export const IMPORT_EXAMPLE = `
terraform import TYPE.example shop/example`;

export const IDENTITY_EXAMPLE = `
import {
  to = TYPE.example
  identity = {
    namespace = "shop"
    name      = "example"
  }
}`;
