import type { Construct } from 'constructs';
import type { ITerraformDependable, TerraformProvider, TerraformResource } from '#core';
import { checkAtSynth } from './check.ts';
import { defined } from './defined.ts';
import { claimName } from './object-name.ts';
import { RemovalPolicy } from './removal-policy.ts';

/** What every construct that stands for a Kubernetes object takes. */
export interface ObjectProps {
  /** Name of the object. Default: the construct's ids below the stack, `Shop/Orders` -> `shop-orders`. */
  readonly name?: string;
  /** Namespace of the object, which is its workspace. Default: `default`. */
  readonly namespace?: string;
  /** Labels of the object; labels that others set stay. */
  readonly labels?: Record<string, string>;
  /** Annotations of the object; annotations that others set stay. */
  readonly annotations?: Record<string, string>;
  /** Whether apply waits until the object is ready. Default: true. */
  readonly wait?: boolean;
  /** How long Terraform waits, such as `{ create: '10m' }`. */
  readonly timeouts?: { readonly create?: string; readonly update?: string; readonly delete?: string };
  /** Take over fields that another field manager owns, instead of refusing. Default: false. */
  readonly forceConflicts?: boolean;
  /** Provider to use, when the stack has several. */
  readonly provider?: TerraformProvider;
  /** What must be applied before this; constructs of this library and resources alike. */
  readonly dependsOn?: ITerraformDependable[];
  /** What a destroy does with it. Default: as the API's `deletionPolicy`, Delete but for relays. */
  readonly removalPolicy?: RemovalPolicy;
}

/** The arguments that bindings of all kinds share. */
export function objectConfig(construct: Construct, kind: string, props: ObjectProps) {
  return defined({
    name: claimName(construct, kind, props.name, props.namespace),
    namespace: props.namespace,
    labels: props.labels,
    annotations: props.annotations,
    wait: props.wait,
    timeouts: props.timeouts && { ...props.timeouts },
    forceConflicts: props.forceConflicts,
    provider: props.provider,
    dependsOn: props.dependsOn,
    lifecycle: props.removalPolicy === RemovalPolicy.PROTECT ? { preventDestroy: true } : undefined,
  });
}

/** Makes the main child, always called `Resource`: it is the way out to everything that Terraform knows. */
export function mainResource<Config extends object, Resource extends TerraformResource>(
  construct: Construct,
  binding: new (scope: Construct, id: string, config: Config) => Resource,
  config: Config,
): Resource {
  const resource = new binding(construct, 'Resource', config);
  checkAtSynth(construct, resource);
  return resource;
}
