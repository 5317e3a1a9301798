# Mail for one workspace: a relay, a plan, a domain, an account. No password is in plan or state.
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
  config_path = var.kubeconfig
}

resource "migosmtp_smtp_relay" "relay" {
  name            = "relay"
  namespace       = var.namespace
  deletion_policy = "Delete"

  delivery = {
    smarthost = var.smarthost
  }
}

resource "migosmtp_plan_limit" "plan" {
  name      = "plan"
  namespace = var.namespace
  plan      = "10k"
}

# Applied means: the records to publish are known. Publish them with the provider of your DNS zone.
resource "migosmtp_verified_domain" "shop" {
  name      = "shop-domain"
  namespace = var.namespace
  domain    = var.domain

  relay_ref = {
    name      = migosmtp_smtp_relay.relay.name
    namespace = migosmtp_smtp_relay.relay.namespace
  }
}

# Applied means: the login was tried on every pod of the relay, and the Secret holds it.
resource "migosmtp_smtp_account" "checkout" {
  name            = "checkout"
  namespace       = var.namespace
  display_name    = "Order confirmations"
  allowed_senders = ["orders@${var.domain}"]

  relay_ref = {
    name      = migosmtp_smtp_relay.relay.name
    namespace = migosmtp_smtp_relay.relay.namespace
  }

  limits = {
    per_day  = 500
    per_hour = 50
  }

  # Raise revision for a new password; raise reset_revision when one has leaked.
  rotation = {
    revision       = var.rotation_revision
    reset_revision = var.reset_revision
    overlap        = "24h"
  }

  depends_on = [migosmtp_plan_limit.plan]
}
