import type { App } from '../http/operation.ts';
import type { Schema } from './arbitrary.ts';

/**
 * Every route that the app has, documented or not, as `GET /v1/organizations/:organization_id`. HEAD is left out where
 * there is GET: it is the same route.
 */
export function routesOf(app: App): string[] {
  const routes: string[] = [];
  const path: string[] = [];
  // Fastify keeps no list of its routes; it prints a tree of them, four characters to a level.
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent, part, methods] = /^(.*?)[├└]── (.*) \((.*)\)$/.exec(line) ?? [];
    if (indent === undefined) continue;
    path.length = indent.length / 4;
    path.push(part!);
    for (const method of methods!.split(', ')) routes.push(`${method} ${path.join('')}`);
  }
  return routes
    .filter(route => !routes.includes(route.replace(/^HEAD /, 'GET ')) || !route.startsWith('HEAD '))
    .sort();
}

/** The routes that are open to everyone: what they show is the same for all. */
export const publicRoute = (route: string): boolean =>
  /^(GET|HEAD) \/(docs.*|livez|readyz|openapi\.json)$/.test(route);

export type Media = { schema: Schema; example?: unknown; examples?: Record<string, { value: unknown }> };

/** One operation of the OpenAPI document. */
export type Operation = {
  method: string;
  path: string;
  operationId: string;
  summary?: string;
  description?: string;
  tags?: string[];
  security?: unknown[];
  parameters?: {
    name: string;
    in: 'path' | 'query' | 'header';
    required?: boolean;
    description?: string;
    schema: Schema;
  }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
};

export const operationsOf = (document: { paths: Record<string, Record<string, Operation>> }): Operation[] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
