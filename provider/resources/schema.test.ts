import { describe, expect, it } from '@jest/globals';
import { TerraformElement, TerraformResource } from 'cdktf';
import { isNested, type Attributes, type Check } from '../core/index.ts';
import { createProvider } from './provider.ts';

const { resources, dataSources, ephemeralResources } = createProvider({});
const all = {
  ...resources,
  ...Object.fromEntries(Object.entries(dataSources).map(([k, v]) => [`data.${k}`, v])),
};
const schemas = Object.entries(all).map(([name, { schema }]) => [name, schema] as const);

describe.each(schemas)('%s', (name, schema) => {
  it('uses no name that Terraform or generated bindings keep for themselves', () => {
    const reserved = [
      'count',
      'for_each',
      'depends_on',
      'lifecycle',
      'provider',
      'provisioner',
      'connection',
      'to_string',
      'constructor',
      'cdktf_stack',
      'with',
      'has_resource_move',
      'fqn',
    ];
    const members = new Set([
      ...Object.getOwnPropertyNames(TerraformResource.prototype),
      ...Object.getOwnPropertyNames(TerraformElement.prototype),
    ]);
    for (const attribute of Object.keys(schema.attributes)) {
      expect(reserved).not.toContain(attribute);
      expect([...members]).not.toContain(camelCase(attribute));
      expect(attribute).toMatch(/^[a-z][a-z0-9_]*$/);
    }
  });

  it('describes every attribute, at any depth', () => {
    eachAttribute(schema.attributes, name, (place, { description }) =>
      expect([place, description]).toEqual([place, expect.stringMatching(/\S/)]),
    );
  });

  it('is either set or computed, and has a default only where it is both', () => {
    eachAttribute(schema.attributes, name, (place, { required, optional, computed, default: standard }) => {
      expect([place, Boolean(required ?? optional ?? computed)]).toEqual([place, true]);
      expect([place, Boolean(required && (optional || computed))]).toEqual([place, false]);
      if (standard !== undefined) expect([place, optional, computed]).toEqual([place, true, true]);
    });
  });

  it('has patterns that every supported node compiles', () => {
    eachAttribute(schema.attributes, name, (_place, { check }) => compile(check));
  });

  it('holds no secret', () => {
    eachAttribute(schema.attributes, name, (place, { sensitive, writeOnly }) => {
      expect(place).not.toMatch(/\.(password|uri|token)$/);
      if (writeOnly !== true) expect([place, sensitive]).toEqual([place, undefined]);
    });
  });
});

it.each(Object.entries(resources))('%s says what may change each computed value', (name, { schema }) => {
  // Without that, a change of a label alone would show all of them as known only after apply.
  for (const [attribute, { computed, default: standard, changesWith }] of Object.entries(schema.attributes)) {
    if (!computed || standard !== undefined) continue;
    expect([`${name}.${attribute}`, changesWith]).toEqual([`${name}.${attribute}`, expect.any(Array)]);
    const arguments_ = Object.entries(schema.attributes).flatMap(([top, { type }]) => [
      top,
      ...(isNested(type) ? Object.keys(type.attributes).map((member) => `${top}.${member}`) : []),
    ]);
    expect(arguments_).toEqual(expect.arrayContaining([...(changesWith ?? [])]));
  }
});

it('gives passwords out in the ephemeral resource only, marked as sensitive', () => {
  const attributes = ephemeralResources['migosmtp_smtp_credentials']?.schema.attributes ?? {};
  expect([attributes['password']?.sensitive, attributes['uri']?.sensitive]).toEqual([true, true]);
});

function eachAttribute(
  attributes: Attributes,
  place: string,
  look: (place: string, attribute: Attributes[string]) => void,
): void {
  for (const [name, attribute] of Object.entries(attributes)) {
    look(`${place}.${name}`, attribute);
    if (isNested(attribute.type)) eachAttribute(attribute.type.attributes, `${place}.${name}`, look);
  }
}

function compile(check: Check | undefined): void {
  if (check?.pattern !== undefined) expect(() => new RegExp(check.pattern ?? '', 'u')).not.toThrow();
  if (check?.each) compile(check.each);
  if (check?.keys) compile(check.keys);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
