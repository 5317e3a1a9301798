/** The OpenAPI document, derived from the route table; made when first asked for. */
import { z } from 'zod';
import { type Route, ROUTES } from './routes.ts';

const errorSchema = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

let document: string | undefined;

export function openApiDocument(): string {
  document ??= JSON.stringify({
    openapi: '3.1.0',
    info: { title: 'MigoSMTP relay admin API', version: 'v1' },
    paths: paths(),
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
  return {
    summary: route.summary,
    parameters: [...inPath, ...inQuery],
    ...(route.body && { requestBody: { required: true, content: json(route.body) } }),
    responses: {
      200: { description: 'OK', content: json(route.response) },
      default: { description: 'Error', content: json(errorSchema) },
    },
  };
}

function parameter(name: string, where: 'path' | 'query') {
  return { name, in: where, required: where === 'path', schema: { type: 'string' } };
}

function json(schema: z.ZodType) {
  return { 'application/json': { schema: z.toJSONSchema(schema, { io: 'input' }) } };
}
