import type { Construct } from 'constructs';
import { TerraformStack, Token } from '#core';

/** Names of Kubernetes objects that the constructs of a stack have taken, with the path of the taker. */
const taken = new WeakMap<TerraformStack, Map<string, string>>();

/**
 * The object's name: what is given, else the ids of the constructs below the stack (`Shop/Orders` -> `shop-orders`).
 * Two constructs that mean the same object would overwrite each other at every apply, so the second one throws.
 */
export function claimName(construct: Construct, kind: string, given?: string, namespace?: string): string {
  const name = given ?? nameOf(construct);
  if (Token.isUnresolved(name) || Token.isUnresolved(namespace)) return name;
  const stack = TerraformStack.of(construct);
  const names = taken.get(stack) ?? new Map<string, string>();
  taken.set(stack, names);
  const key = `${kind} ${namespace ?? 'default'}/${name}`;
  const owner = names.get(key);
  if (owner !== undefined) {
    throw new Error(
      `${construct.node.path}: ${key} is already declared by ${owner}: give one of them another name`,
    );
  }
  names.set(key, construct.node.path);
  return name;
}

function nameOf(construct: Construct): string {
  const scopes = construct.node.scopes;
  const stackAt = scopes.indexOf(TerraformStack.of(construct));
  const name = scopes
    .slice(stackAt + 1)
    .map(({ node }) => kebabCase(node.id))
    .filter((part) => part !== '')
    .join('-');
  if (name !== '' && name.length <= 63) return name;
  throw new Error(
    `${construct.node.path}: no object name of 1 to 63 characters follows from this: set \`name\``,
  );
}

function kebabCase(id: string): string {
  return id
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
