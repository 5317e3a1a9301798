import {
  Delivery,
  MigosmtpProvider,
  PlanLimit,
  RemovalPolicy,
  Rotation,
  SendingLimit,
  SmtpAccount,
  SmtpRelay,
  VerifiedDomain,
  type SmarthostProps,
} from '@migosmtp/constructs/cdktf';
import { TerraformOutput, TerraformStack } from 'cdktf';
import type { Construct } from 'constructs';

export interface MailStackProps {
  /** Path of the kubeconfig that leads to the cluster. */
  readonly kubeconfig: string;
  /** The workspace. */
  readonly namespace: string;
  /** The domain that the shop sends from. */
  readonly domain: string;
  /** The mail server that the relay hands everything on to. */
  readonly smarthost: SmarthostProps;
}

/** Everything that the shop needs to send mail, and nothing secret: the password goes from operator to Secret. */
export class MailStack extends TerraformStack {
  readonly checkout: SmtpAccount;

  constructor(scope: Construct, id: string, props: MailStackProps) {
    super(scope, id);
    const { namespace } = props;
    new MigosmtpProvider(this, 'migosmtp', { configPath: props.kubeconfig });

    const relay = new SmtpRelay(this, 'Relay', {
      namespace,
      delivery: Delivery.smarthost(props.smarthost),
      removalPolicy: RemovalPolicy.DELETE,
    });
    const plan = new PlanLimit(this, 'Plan', { namespace, plan: '10k' });
    const domain = new VerifiedDomain(this, 'ShopDomain', { namespace, domain: props.domain, relay });

    this.checkout = new SmtpAccount(this, 'Checkout', {
      namespace,
      displayName: 'Order confirmations',
      relay,
      dependsOn: [plan],
      limits: SendingLimit.perDay(500).perHour(50),
      // Raise the revision for a new password; raise reset when one has leaked.
      rotation: Rotation.revision(1).reset(0).overlap('24h'),
    });
    domain.grantSend(this.checkout, 'orders');

    new TerraformOutput(this, 'dns_records', { value: domain.resource.dnsRecords, staticId: true });
    new TerraformOutput(this, 'username', { value: this.checkout.username, staticId: true });
    new TerraformOutput(this, 'secret_name', { value: this.checkout.secret.name, staticId: true });
  }
}
