output "dns_records" {
  description = "Records to publish in the zone of the domain."
  value       = migosmtp_verified_domain.shop.dns_records
}

output "username" {
  description = "Login name of the account."
  value       = migosmtp_smtp_account.checkout.username
}

output "secret_name" {
  description = "Secret that the app mounts."
  value       = migosmtp_smtp_account.checkout.secret_name
}
