import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { openApiDocument } from './openapi.ts';
import { ROUTES } from './routes.ts';

/** What OpenAPI 3.1 asks of the parts that we use; unknown keys are mistakes. */
const schema = z.looseObject({});
const reference = z.strictObject({ $ref: z.string() });
const content = z.record(z.string(), z.strictObject({ schema: z.union([reference, schema]) }));
const response = z.union([reference, z.strictObject({ description: z.string().min(1), content })]);
const operation = z.strictObject({
  operationId: z.string().regex(/^[a-z][A-Za-z]+$/),
  summary: z.string().min(1),
  parameters: z.array(
    z.strictObject({ name: z.string(), in: z.enum(['path', 'query']), required: z.boolean(), schema }),
  ),
  requestBody: z.strictObject({ required: z.boolean(), content }).optional(),
  responses: z.record(z.string().regex(/^(default|[1-5]\d\d)$/), response),
});
const document = z.strictObject({
  openapi: z.literal('3.1.0'),
  info: z.strictObject({ title: z.string(), version: z.string(), description: z.string() }),
  paths: z.record(
    z.string().startsWith('/'),
    z.partialRecord(z.enum(['get', 'put', 'post', 'delete']), operation),
  ),
  components: z.strictObject({
    schemas: z.record(z.string(), schema),
    responses: z.record(z.string(), response),
    securitySchemes: z.record(z.string(), z.strictObject({ type: z.literal('mutualTLS') })),
  }),
  security: z.array(z.record(z.string(), z.array(z.string()))),
});

describe('OpenAPI document', () => {
  const text = openApiDocument();
  const parsed = document.parse(JSON.parse(text));
  const operations = Object.values(parsed.paths).flatMap((path) => Object.values(path));

  it('has every route, each under an id of its own', () => {
    expect(operations).toHaveLength(ROUTES.length);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  });

  it('describes every parameter of a path, and refers to nothing that is not there', () => {
    for (const [path, methods] of Object.entries(parsed.paths)) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters } of Object.values(methods)) {
        expect(parameters.filter((entry) => entry.in === 'path').map(({ name }) => name)).toEqual(names);
      }
    }
    const whole = JSON.parse(text) as Record<string, unknown>;
    for (const [, pointer] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const found = pointer?.split('/').reduce<unknown>((at, key) => Reflect.get(at as object, key), whole);
      expect(found).toBeDefined();
    }
  });

  it('gives limit, cursor and status their types', () => {
    const reports = parsed.paths['/v1/reports']?.get?.parameters ?? [];
    const schemas = Object.fromEntries(reports.map((entry) => [entry.name, entry.schema]));
    expect(schemas).toMatchObject({
      limit: { type: 'integer', maximum: 1000 },
      status: { enum: expect.arrayContaining(['delivered', 'bounced']) },
    });
  });

  it('is the one in docs/reference', () => {
    const file = new URL('../../docs/reference/relay-admin.openapi.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(JSON.parse(text));
  });
});
