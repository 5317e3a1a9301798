/** What `terraform destroy`, or taking a construct out of the code, does. */
export const RemovalPolicy = {
  /** The object goes, with everything that was made for it. */
  DELETE: 'Delete',
  /** The object goes; what holds its data stays: an account's Secret, a relay's volume, DKIM and CA Secrets. */
  RETAIN: 'Retain',
  /** Terraform refuses to destroy it. */
  PROTECT: 'Protect',
} as const;
export type RemovalPolicy = (typeof RemovalPolicy)[keyof typeof RemovalPolicy];

/** For objects without data of their own. */
export type ObjectRemovalPolicy = Exclude<RemovalPolicy, typeof RemovalPolicy.RETAIN>;

/** The policy as the API's `deletionPolicy`; Terraform alone knows of protection. */
export function deletionPolicy(policy: RemovalPolicy | undefined): 'Delete' | 'Retain' | undefined {
  return policy === RemovalPolicy.PROTECT ? undefined : policy;
}
