variable "kubeconfig" {
  description = "Path of the kubeconfig that leads to the cluster."
  type        = string
  default     = "~/.kube/config"
}

variable "namespace" {
  description = "The workspace."
  type        = string
  default     = "shop"
}

variable "domain" {
  description = "The domain that the shop sends from."
  type        = string
  default     = "shop.example"
}

variable "smarthost" {
  description = "The mail server that the relay hands everything on to."
  type = object({
    host = string
    port = optional(number)
    tls  = optional(string)
  })
  default = { host = "smtp.example.net" }
}

variable "rotation_revision" {
  description = "Raise it to rotate the password of the account once."
  type        = number
  default     = 1
}

variable "reset_revision" {
  description = "Raise it to reset: every old password dies at once."
  type        = number
  default     = 0
}
