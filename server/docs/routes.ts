import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip as gzipWithCallback } from 'node:zlib';
import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '../errors.ts';
import type { App } from '../http/operation.ts';
import { giveWay } from '../http/pieces/turns.ts';
import { openapi } from './openapi.ts';

const gzip = promisify(gzipWithCallback);

/** Serves the OpenAPI document, and a page to read it and try calls. Register it before the routes that it describes. */
export async function docRoutes(app: App): Promise<void> {
  await app.register(swagger, openapi());
  await app.register(async scope => {
    scope.addHook('onRequest', keepToThePage);
    await scope.register(swaggerUi, {
      routePrefix: '/docs',
      uiConfig: {
        ...{ layout: 'BaseLayout', tryItOutEnabled: true, persistAuthorization: true, validatorUrl: null },
        url: '/openapi.json',
      },
      theme: { title: 'Linekeeper API' },
    });
  });

  // Everybody may ask for it, and it is large: it is made once, at the first request.
  let made: ReturnType<typeof makeDocument> | undefined;
  app.get('/openapi.json', { schema: { hide: true }, config: { access: 'none' } }, async (request, reply) => {
    made ??= makeDocument(app);
    const { tag, bytes, gzipped } = await made;
    const { 'if-none-match': known, 'accept-encoding': encodings = '' } = request.headers;
    reply.headers({ etag: tag, 'cache-control': 'no-cache', vary: 'accept-encoding' });
    if (known?.includes(tag)) return reply.status(304).send();
    reply.type('application/json; charset=utf-8');
    if (!/\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/.test(`${encodings}`)) return reply.send(bytes);
    return reply.header('content-encoding', 'gzip').send(gzipped);
  });
}

async function makeDocument(app: App): Promise<{ tag: string; bytes: Buffer; gzipped: Buffer }> {
  const document = app.swagger();
  await giveWay();
  const bytes = Buffer.from(JSON.stringify(document));
  const tag = `W/"${createHash('sha256').update(bytes).digest('base64url').slice(0, 20)}"`;
  return { tag, bytes, gzipped: await gzip(bytes) };
}

/**
 * The page's plugin would make the document anew for each request of its own copies, and it throws for a path that leads
 * out of its folder.
 */
function keepToThePage({ url }: FastifyRequest, reply: FastifyReply, next: (error?: Error) => void): void {
  // The page keeps the key: no other page may show it in a frame.
  reply.header('x-frame-options', 'DENY');
  const path = url.split('?')[0]!;
  if (/^\/docs\/(json|yaml)\/?$/.test(path)) reply.redirect('/openapi.json', 308);
  else if (/\.\.|%2e/i.test(path)) next(new Problem('route_not_found'));
  else next();
}
