import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { App } from '../http/operation.ts';
import { openapi } from './openapi.ts';

/** Serves the OpenAPI document, and a page to read it and try calls. Register it before the routes that it describes. */
export async function docRoutes(app: App): Promise<void> {
  await app.register(swagger, openapi());
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { layout: 'BaseLayout', tryItOutEnabled: true, persistAuthorization: true, validatorUrl: null },
    theme: { title: 'Linekeeper API' },
  });
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'none' } }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger(), null, 2)),
  );
}
