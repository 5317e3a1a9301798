/** The OpenAPI document, derived from the route table; made when first asked for. */
import { relayApi } from '@migosmtp/operator/api';
import { z } from 'zod';
import { MAX_LIMIT, type Route, ROUTES } from './routes.ts';

const errorSchema = z.object({
  error: z.object({ code: z.string(), message: z.string() }),
});

/** Parameters that are more than any text. */
const PARAMETERS: Readonly<Record<string, z.ZodType>> = {
  limit: z.number().int().min(1).max(MAX_LIMIT).default(100),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .describe('`next` of an earlier page.'),
  status: relayApi.deliveryStatusSchema,
};

let document: string | undefined;

export function openApiDocument(): string {
  document ??= JSON.stringify({
    openapi: '3.1.0',
    info: {
      title: 'MigoSMTP relay admin API',
      version: 'v1',
      description:
        'HTTPS with a client certificate of the relay’s client CA. Errors name a code and what to do.',
    },
    paths: paths(),
    components: {
      schemas: { Error: schemaOf(errorSchema) },
      responses: {
        Error: {
          description: 'Refused or failed.',
          content: content({ $ref: '#/components/schemas/Error' }),
        },
      },
      securitySchemes: { clientCertificate: { type: 'mutualTLS' } },
    },
    security: [{ clientCertificate: [] }],
  });
  return document;
}

function paths(): Record<string, Record<string, unknown>> {
  const result: Record<string, Record<string, unknown>> = {};
  for (const route of ROUTES) {
    result[route.path] = { ...result[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return result;
}

function operation(route: Route) {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => parameter(name ?? '', 'path'));
  const inQuery = (route.query ?? []).map((name) => parameter(name, 'query'));
  const type = route.stream ? 'application/x-ndjson' : 'application/json';
  const error = { $ref: '#/components/responses/Error' };
  return {
    operationId: operationId(route),
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(route.body && { requestBody: { required: true, content: content(schemaOf(route.body)) } }),
    responses: {
      200: { description: 'OK', content: content(schemaOf(route.response), type) },
      400: error,
      default: error,
    },
  };
}

/** `GET /v1/queue/{queueId}/retry` -> `getQueueRetry`. */
function operationId({ method, path }: Route): string {
  const words = path.split('/').filter((part) => part !== '' && part !== 'v1' && !part.startsWith('{'));
  return method.toLowerCase() + words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join('');
}

function parameter(name: string, where: 'path' | 'query') {
  return {
    name,
    in: where,
    required: where === 'path',
    schema: schemaOf(PARAMETERS[name] ?? z.string()),
  };
}

function content(schema: object, type = 'application/json') {
  return { [type]: { schema } };
}

function schemaOf(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input' });
  return rest;
}
